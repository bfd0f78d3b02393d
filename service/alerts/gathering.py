"""What matches contribute to correlations, gathered over a whole Kafka message of events: names and values, no documents.

Most matches of base rules come to nothing. Whoever sees a correlation fire reads the document of the event that made it fire
from its index, where it was stored before the signal was sent.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from service.alerts.signal import Counted, Signal
from service.detect.joining import TIME, Joins, Source, milliseconds
from service.detect.seen import Seen
from service.event import Slice

MOST_COUNTED = 2000
"""Events of one signal; of a message with more there are several signals."""
LONGEST = 256 * 1024
"""Characters of the groups and values of one signal, about."""
_PARTS = 11
"""Pieces of a bulk action between its quotes, and what follows it."""
_KEYS = ("_index", "_id")

Event = tuple[int, int, str, str | float | None]


class Gathering:
    """Takes in the matches of one project, environment and stream, of one dataset."""

    def __init__(self, joins: Joins, dataset: str) -> None:
        """Nothing has matched yet."""
        self._joins = joins
        self._dataset = dataset
        self._groups: dict[str, list[tuple[Source, dict[tuple[str, ...], list[Event]]]]] = {}
        self._indices: dict[str, int] = {}

    def add(self, rule: str, seen: Seen, piece: str) -> None:
        """A match; without a value to group by, or without a time, it contributes nothing."""
        sources = self._groups.get(rule)
        if sources is None:
            sources = self._groups[rule] = [(each, {}) for each in self._joins.sources.get((rule, self._dataset), ())]
        if not sources:
            return
        time_ms = milliseconds(seen.at(TIME, (TIME,)))
        if time_ms is None:
            return
        index, identity = place_of(piece)
        number = self._indices.setdefault(index, len(self._indices))
        for source, groups in sources:
            event = (time_ms, number, identity, source.valued(seen))
            for group in source.grouped(seen):
                events = groups.get(group)
                if events is None:
                    groups[group] = [event]
                else:
                    events.append(event)

    def signals(self, slice_: Slice) -> Iterator[Signal]:
        """All of it, as events of the project, environment and stream of a slice."""
        scope = (slice_.project, slice_.environment)
        for everywhere in (False, True):
            counted: list[Counted] = []
            events = size = 0
            for each in self._counted(() if everywhere else scope, everywhere=everywhere):
                counted.append(each)
                events += len(each.events)
                size += sum(map(len, each.group)) + sum([len(event[3]) for event in each.events if event[3].__class__ is str])
                if events >= MOST_COUNTED or size >= LONGEST:
                    yield self._signal(slice_, counted, events, everywhere=everywhere)
                    counted, events, size = [], 0, 0
            if counted:
                yield self._signal(slice_, counted, events, everywhere=everywhere)

    def _counted(self, scope: tuple[str, ...], *, everywhere: bool) -> Iterator[Counted]:
        for rule, sources in self._groups.items():
            for source, groups in sources:
                if source.correlation.across_projects is everywhere:
                    for group, events in groups.items():
                        for start in range(0, len(events), MOST_COUNTED):
                            part = events[start : start + MOST_COUNTED]
                            yield Counted(rule, source.correlation.about.id, (*scope, *group), part)

    def _signal(self, slice_: Slice, counted: list[Counted], events: int, *, everywhere: bool) -> Signal:
        return Signal(
            rule="",
            project=slice_.project,
            environment=slice_.environment,
            stream=slice_.stream,
            dataset=self._dataset,
            arrived_ms=slice_.arrival_ms,
            evidence=[],
            count=events,
            document="",
            own=False,
            everywhere=everywhere,
            counted=tuple(counted),
            indices=tuple(self._indices),
        )


def place_of(piece: str) -> tuple[str, str]:
    """Index and id out of a bulk action; the pipeline writes both so that they need no escapes."""
    parts = piece.split('"', _PARTS - 1)
    if parts[3] == _KEYS[0] and parts[7] == _KEYS[1] and parts[10].startswith("}}\n"):
        return parts[5], parts[9]
    action = orjson.loads(piece[: piece.index("\n")])["create"]
    return action["_index"], action["_id"]
