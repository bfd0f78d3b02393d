"""Correlations over the signals of a partition, with their state in memory: it follows from the partition's messages."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

from service.alerts.occurrence import Occurrence
from service.alerts.principal import Principal, principal_of
from service.alerts.rule import AlertRule
from service.alerts.signal import Evidence, Join, Signal
from service.alerts.tally import mark_of
from service.detect.correlation import Correlator, Fired, More, State
from service.detect.correlation import Occurrence as Told
from service.detect.joining import Joins

MOST_EVIDENCE = 100
"""Events that a firing names."""
GROUPS = 200_000
"""Groups whose state is kept; the one that was heard of least lately is forgotten."""


class Correlated:
    """The correlations of one partition."""

    def __init__(self, joins: Joins, rules: Mapping[str, AlertRule]) -> None:
        """``joins`` has the correlations, ``rules`` what alerts say of them."""
        self._joins = joins
        self._rules = rules
        self._correlators = {identity: Correlator(one) for identity, one in joins.correlations.items()}
        self._states: OrderedDict[tuple[str, tuple[str, ...]], State] = OrderedDict()

    def feed(self, signal: Signal, document: Mapping[str, Any]) -> list[Occurrence]:
        """Take a signal in; what fires because of it, and what belongs to something that has fired."""
        return [found for join in signal.joins for found in self._join(signal, document, signal.rule, join)]

    def _join(self, signal: Signal, document: Mapping[str, Any], rule: str, join: Join) -> Iterator[Occurrence]:
        correlator = self._correlators.get(join.correlation)
        if correlator is None or rule not in correlator.correlation.rules:
            return
        key = (join.correlation, join.group)
        told = Told(rule, join.time_ms, join.ref, join.value)
        self._states[key], happened = correlator.take(self._states.get(key), "\0".join(join.group), told)
        self._states.move_to_end(key)
        if len(self._states) > GROUPS:
            self._states.popitem(last=False)
        named = self._rules.get(join.correlation)
        for each in happened:
            if named is not None and not named.counted_only and join.correlation not in self._joins.silent:
                yield self._occurrence(named, signal, document, join, each)
            if isinstance(each, Fired):
                for outer in self._joins.of_fired(correlator.correlation, join.group, each):
                    passed = Join(outer.correlation.about.id, outer.group, outer.occurrence.time_ms, outer.occurrence.ref)
                    yield from self._join(signal, document, join.correlation, passed)

    def _occurrence(
        self, rule: AlertRule, signal: Signal, document: Mapping[str, Any], join: Join, happened: Fired | More
    ) -> Occurrence:
        group = join.group[-len(rule.group_by) :] if rule.group_by else ()
        refs = tuple(dict.fromkeys(happened.refs)) if isinstance(happened, Fired) else (happened.ref,)
        times = (happened.first_ms, happened.last_ms) if isinstance(happened, Fired) else (happened.time_ms, happened.time_ms)
        principal = principal_of(document)
        if group and principal.name not in group:
            principal = Principal(" ".join(rule.group_by), " ".join(group))
        return Occurrence(
            id=f"alert-{happened.id}",
            rule=rule,
            signal=signal,
            document=document,
            principal=principal,
            alone=False,
            evidence=tuple(_evidence(refs[-MOST_EVIDENCE:], *times)),
            marks=frozenset(mark_of(_identity(ref)) for ref in refs),
            from_ms=times[0],
            late=isinstance(happened, Fired) and happened.late,
            title=rule.title,
        )


def _evidence(refs: tuple[str, ...], first_ms: int, last_ms: int) -> Iterator[Evidence]:
    """The events behind a firing; of those in the middle nobody knows more than that they are in between."""
    for number, ref in enumerate(refs):
        yield Evidence(ref.partition("/")[0], _identity(ref), first_ms if number == 0 and len(refs) > 1 else last_ms)


def _identity(ref: str) -> str:
    """The ``_id`` in ``index/_id``; the id of a firing as it is."""
    return ref.partition("/")[2] or ref
