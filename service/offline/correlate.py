"""Correlations over the matches of files, in memory, in the order of the events' times."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from service.detect.correlation import Correlator, Fired, State
from service.detect.correlation_rule import Correlation
from service.detect.joining import Joined, Joins
from service.offline.detect import Hit


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


def correlate(joins: Joins, hits: Sequence[Hit]) -> Iterator[CorrelationHit]:
    """What fires over these matches."""
    numbers = count()
    todo: list[tuple[int, int, Joined]] = []
    by_ref: dict[str, list[Hit]] = {}

    def add(joined: Iterator[Joined]) -> None:
        for each in joined:
            heapq.heappush(todo, (each.occurrence.time_ms, next(numbers), each))

    for hit in hits:
        ref = f"{hit.index}/{hit.id}"
        by_ref.setdefault(ref, []).append(hit)
        add(joins.of(hit.rule.id, hit.dataset, hit.document, ref))
    correlators = {each.about.id: Correlator(each) for each in joins.correlations.values()}
    states: dict[tuple[str, tuple[str, ...]], State] = {}
    while todo:
        correlation, group, occurrence = heapq.heappop(todo)[2]
        key = (correlation.about.id, group)
        states[key], told = correlators[correlation.about.id].take(states.get(key), "\0".join(group), occurrence)
        for each in told:
            if not isinstance(each, Fired):
                continue
            its = [hit for ref in each.refs for hit in by_ref.get(ref, ()) if _counts(joins, correlation, hit)]
            by_ref[each.id] = its
            own = group[len(group) - len(correlation.group_by) :]
            yield CorrelationHit(correlation, own, each, tuple(its))
            add(joins.of_fired(correlation, group, each))


def _counts(joins: Joins, correlation: Correlation, hit: Hit) -> bool:
    """Whether a match is one of the correlation's, or of those among its rules."""
    if hit.rule.id in correlation.rules:
        return True
    return any(_counts(joins, joins.correlations[rule], hit) for rule in correlation.rules if rule in joins.correlations)
