"""What matches contribute to correlations, gathered over a whole Kafka message of events: names and values, no documents.

Most matches of base rules come to nothing. Whoever sees a correlation fire reads the document of the event that made it fire
from its index, where it was stored before the signal was sent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import orjson

from service.alerts.signal import Counted, Event, Signal
from service.detect.joining import TIME, Joins, Source, milliseconds
from service.detect.seen import Seen
from service.event import Slice

MOST_COUNTED = 2000
"""Events of one signal; of a message with more there are several signals."""
LONGEST = 256 * 1024
"""Characters of the groups and values of one signal, about."""
_OPENING, _MIDDLE = '{"create":{"_index":"', '","_id":"'
"""Of a bulk action, as pipelines write it: so that neither index nor id needs an escape."""
_TIME = (TIME,)

Named = tuple[Seen, int, int, str]
"""A match with its time, the number of its index, and its id."""


class Gathering:
    """Takes in the matches of one project, environment and stream, of one dataset."""

    def __init__(self, joins: Joins, dataset: str) -> None:
        """Nothing has matched yet."""
        self._joins = joins
        self._dataset = dataset
        self.matches: defaultdict[str, list[tuple[Seen, str]]] = defaultdict(list)
        """Rule → what matched it, each with its lines of a bulk request. Whoever finds a match adds it."""
        self._indices: dict[str, int] = {}

    def signals(self, slice_: Slice) -> Iterator[Signal]:
        """All of it, as events of the project, environment and stream of a slice."""
        found = [(source, each) for source, each in self._gathered() if each.events]
        for everywhere in (False, True):
            counted: list[Counted] = []
            events = size = 0
            for source, each in found:
                if source.correlation.across_projects is everywhere:
                    counted.append(each)
                    events += len(each.events)
                    size += _size(each)
                    if events >= MOST_COUNTED or size >= LONGEST:
                        yield self._signal(slice_, counted, events, everywhere=everywhere)
                        counted, events, size = [], 0, 0
            if counted:
                yield self._signal(slice_, counted, events, everywhere=everywhere)

    def _gathered(self) -> Iterator[tuple[Source, Counted]]:
        for rule, matches in self.matches.items():
            sources = self._joins.sources.get((rule, self._dataset))
            named = list(self._named(matches)) if sources else []
            for source in sources or ():
                for each in _counted(rule, source, named):
                    yield source, each

    def _named(self, matches: list[tuple[Seen, str]]) -> Iterator[Named]:
        """The matches that have a time: what has none contributes nothing."""
        head, number = "", 0
        for seen, piece in matches:
            time_ms = milliseconds(seen.at(TIME, _TIME))
            if time_ms is None:
                continue
            if head and piece.startswith(head):  # as the one before, in the same index
                yield seen, time_ms, number, piece[len(head) : piece.index('"', len(head))]
                continue
            index, identity = place_of(piece)
            number = self._indices.setdefault(index, len(self._indices))
            head = piece[: piece.index(_MIDDLE) + len(_MIDDLE)] if piece.startswith(f"{_OPENING}{index}{_MIDDLE}") else ""
            yield seen, time_ms, number, identity

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


def _counted(rule: str, source: Source, named: list[Named]) -> Iterator[Counted]:
    """What these matches are to one correlation; in halves where that is too much for a signal."""
    numbers: dict[tuple[str, ...], int] = {}
    events: list[Event] = []
    valued = source.valued if source.values else None
    for seen, time_ms, index, identity in named:
        value = None if valued is None else valued(seen)
        for group in source.grouped(seen):
            events.append((time_ms, index, identity, value, numbers.setdefault(group, len(numbers))))
    found = Counted(rule, source.correlation.about.id, list(numbers), events)
    if len(named) > 1 and (len(events) > MOST_COUNTED or _size(found) > LONGEST):
        middle = len(named) // 2
        yield from _counted(rule, source, named[:middle])
        yield from _counted(rule, source, named[middle:])
    else:
        yield found


def _size(counted: Counted) -> int:
    """Characters of groups and values."""
    values = sum([len(event[3]) for event in counted.events if event[3].__class__ is str])
    return sum([sum(map(len, group)) for group in counted.groups]) + values


def place_of(piece: str) -> tuple[str, str]:
    """Index and id out of a bulk action."""
    action = orjson.loads(piece[: piece.index("\n")])["create"]
    return action["_index"], action["_id"]
