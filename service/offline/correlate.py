"""Correlations over the matches of files, in memory, in the order of the events' times."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.detect.correlation import Correlator, Fired, State
from service.detect.correlation_rule import Correlation
from service.detect.joining import TIME, Joins, milliseconds
from service.detect.ruleset import RuleSet
from service.offline.detect import Hit
from service.offline.newcomers import Newcomers

_FORGET_EVERY = 10_000
"""Groups and matches that are remembered before the old ones are looked for."""


@dataclass(frozen=True, slots=True)
class CorrelationHit:
    """A correlation that fired."""

    correlation: Correlation
    group: tuple[str, ...]
    """Values of ``group_by``, without the project."""
    fired: Fired
    hits: tuple[Hit, ...]
    """The matches it rests on, those of correlations among its rules included."""

    @property
    def grouped(self) -> dict[str, str]:
        """What the group has in common."""
        return dict(zip(self.correlation.group_by, self.group, strict=True))


class Correlating:
    """Correlations over matches that come in the order of their times; what is too old to count is forgotten."""

    def __init__(self, joins: Joins) -> None:
        """Nothing has happened yet."""
        self._joins = joins
        self._correlators = {each.about.id: Correlator(each) for each in joins.correlations.values()}
        self._states: dict[tuple[str, tuple[str, ...]], State] = {}
        self._hits: dict[str, tuple[int, list[Hit]]] = {}
        # What a firing rests on may be as old as the timespans of a chain together.
        self._horizon_ms = sum(each.horizon_ms for each in self._correlators.values())
        self._newest_ms = 0
        self._forget_at = _FORGET_EVERY

    def take(self, hit: Hit) -> Iterator[CorrelationHit]:
        """What fires now that this match is there, too."""
        ref = f"{hit.index}/{hit.id}"
        todo = deque(self._joins.of(hit.rule.id, hit.dataset, hit.document, ref))
        if todo:
            self._newest_ms = max(self._newest_ms, todo[0].occurrence.time_ms)
            self._hits.setdefault(ref, (todo[0].occurrence.time_ms, []))[1].append(hit)
        while todo:
            correlation, group, occurrence = todo.popleft()
            key = (correlation.about.id, group)
            correlator = self._correlators[correlation.about.id]
            self._states[key], told = correlator.take(self._states.get(key), "\0".join(group), occurrence)
            for each in told:
                if isinstance(each, Fired):
                    its = [hit for ref in each.refs for hit in self._rests_on(ref) if _counts(self._joins, correlation, hit)]
                    self._hits[each.id] = (each.last_ms, its)
                    own = group[len(group) - len(correlation.group_by) :]
                    yield CorrelationHit(correlation, own, each, tuple(its))
                    todo.extend(self._joins.of_fired(correlation, group, each))
        if len(self._states) + len(self._hits) > self._forget_at:
            self._forget()

    def _rests_on(self, ref: str) -> list[Hit]:
        return self._hits[ref][1] if ref in self._hits else []

    def _forget(self) -> None:
        now = self._newest_ms
        self._states = {key: state for key, state in self._states.items() if self._correlators[key[0]].expires_ms(state) >= now}
        self._hits = {ref: its for ref, its in self._hits.items() if its[0] >= now - self._horizon_ms}
        self._forget_at = 2 * (len(self._states) + len(self._hits)) + _FORGET_EVERY


def correlate(rules: RuleSet, hits: Sequence[Hit]) -> Iterator[CorrelationHit]:
    """What fires over these matches, in whatever order they are; of first-seen rules what is new counts."""
    correlating, newcomers = Correlating(rules.joins), Newcomers(rules)
    for hit in sorted(hits, key=_time):
        if newcomers.is_news(hit):
            yield from correlating.take(hit)


def _time(hit: Hit) -> int:
    return milliseconds(hit.document.get(TIME)) or 0


def _counts(joins: Joins, correlation: Correlation, hit: Hit) -> bool:
    """Whether a match is one of the correlation's, or of those among its rules."""
    if hit.rule.id in correlation.rules:
        return True
    return any(_counts(joins, joins.correlations[rule], hit) for rule in correlation.rules if rule in joins.correlations)
