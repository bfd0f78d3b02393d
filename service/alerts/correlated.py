"""Correlations over the signals of a partition, with their state in memory: it follows from the partition's messages."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from service.alerts.occurrence import Occurrence
from service.alerts.principal import Principal, principal_of
from service.alerts.rule import AlertRule
from service.alerts.signal import Evidence, Join, Signal
from service.alerts.tally import mark_of
from service.detect.correlation import Correlator, Fired, State, Told
from service.detect.correlation import Occurrence as Occurred
from service.detect.joining import Joins

MOST_EVIDENCE = 100
"""Events that a firing names."""
GROUPS = 200_000
"""Groups whose state is kept; the one that was heard of least lately is forgotten."""


@dataclass(slots=True)
class Happening:
    """A correlation fired, or more came of what it had fired on."""

    id: str
    """Of the firing."""
    rule: AlertRule
    group: tuple[str, ...]
    ref: str
    """The event that brought it about: its document says what alerts tell."""
    events: list[tuple[str, int]]
    """``index/_id`` (of a correlation of others: the id of its firing) and time of each event behind it, oldest first."""
    late: bool = False

    def occurrence(self, signal: Signal, document: Mapping[str, Any]) -> Occurrence:
        """What it is to its alert; ``document`` is that of ``ref``."""
        group = self.group[-len(self.rule.group_by) :] if self.rule.group_by else ()
        principal = principal_of(document)
        if group and principal.name not in group:
            principal = Principal(" ".join(self.rule.group_by), " ".join(group))
        return Occurrence(
            id=f"alert-{self.id}",
            rule=self.rule,
            signal=signal,
            document=document,
            principal=principal,
            alone=False,
            evidence=tuple(_evidence(ref, time_ms) for ref, time_ms in _named(self.events)),
            marks=frozenset(mark_of(_identity(ref)) for ref, _ in self.events),
            from_ms=min(time_ms for _, time_ms in self.events),
            late=self.late,
            title=self.rule.title,
        )


class Correlated:
    """The correlations of one partition."""

    def __init__(self, joins: Joins, rules: Mapping[str, AlertRule]) -> None:
        """``joins`` has the correlations, ``rules`` what alerts say of them."""
        self._joins = joins
        self._rules = rules
        self._correlators = {identity: Correlator(one) for identity, one in joins.correlations.items()}
        self._states: OrderedDict[tuple[str, tuple[str, ...]], State] = OrderedDict()

    def counts(self, rule: str) -> bool:
        """Whether a correlation names the rule."""
        return self._joins.feeds(rule)

    def feed(self, signal: Signal) -> list[Happening]:
        """Take a signal in; what fires because of it, and what belongs to something that has fired: of each firing once."""
        return self._feed(signal.joined())

    def feed_news(self, signal: Signal, documents: Mapping[str, Mapping[str, Any]]) -> list[Happening]:
        """As ``feed``, of what a first-seen rule came upon and what turned out to be new: these documents, by ``index/_id``."""
        joined = (
            each for ref, document in documents.items() for each in self._joins.of(signal.rule, signal.dataset, document, ref)
        )
        return self._feed(
            (signal.rule, Join(correlation.about.id, group, told.time_ms, told.ref, told.value))
            for correlation, group, told in joined
        )

    def _feed(self, joined: Iterable[tuple[str, Join]]) -> list[Happening]:
        happened: dict[str, Happening] = {}
        for rule, join in joined:
            told = self._take(rule, join)
            for each in self._happened(join, told, join.ref) if told else ():
                before = happened.setdefault(each.id, each)
                if before is not each:
                    before.events += each.events
                    before.ref = each.ref
        return list(happened.values())

    def _take(self, rule: str, join: Join) -> list[Told]:
        """What the correlator says of it: nothing, most of the time."""
        correlator = self._correlators.get(join.correlation)
        if correlator is None or rule not in correlator.correlation.rules:
            return []
        key, states = (join.correlation, join.group), self._states
        state = states.get(key)
        state, told = correlator.take(state, "\0".join(join.group), Occurred(rule, join.time_ms, join.ref, join.value))
        states[key] = state
        states.move_to_end(key)
        if len(states) > GROUPS:
            states.popitem(last=False)
        return told

    def _happened(self, join: Join, told: list[Told], ref: str) -> Iterator[Happening]:
        """What it comes to for alerts; ``ref`` names the event that brought it about."""
        named, correlation = self._rules.get(join.correlation), self._correlators[join.correlation].correlation
        for each in told:
            if named is not None and not named.counted_only and join.correlation not in self._joins.silent:
                if isinstance(each, Fired):
                    yield Happening(each.id, named, join.group, ref, _between(each), each.late)
                else:
                    yield Happening(each.id, named, join.group, ref, [(each.ref, each.time_ms)])
            if isinstance(each, Fired):
                for outer in self._joins.of_fired(correlation, join.group, each):
                    passed = Join(outer.correlation.about.id, outer.group, outer.occurrence.time_ms, outer.occurrence.ref)
                    yield from self._happened(passed, self._take(join.correlation, passed), ref)


def _between(fired: Fired) -> list[tuple[str, int]]:
    """The events of a firing; of those in the middle nobody knows more than that they are in between."""
    refs = dict.fromkeys(fired.refs)
    return [(ref, fired.first_ms if number == 0 and len(refs) > 1 else fired.last_ms) for number, ref in enumerate(refs)]


def _named(events: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """The first ones, and the last one, which says how long it went on."""
    return events if len(events) <= MOST_EVIDENCE else [*events[: MOST_EVIDENCE - 1], events[-1]]


def _evidence(ref: str, time_ms: int) -> Evidence:
    return Evidence(ref.partition("/")[0], _identity(ref), time_ms)


def _identity(ref: str) -> str:
    """The ``_id`` in ``index/_id``; the id of a firing as it is."""
    return ref.partition("/")[2] or ref
