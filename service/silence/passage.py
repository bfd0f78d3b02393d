"""How far what arrived has got: without that, a silence may be ours.

Collectors say up to when they have read each stream. From there on the topics are watched: once the group has committed
what a topic held when we looked, everything that had arrived by that look is past it. Two such steps, records and the
dataset's own topic, and an arrival that was not heard of did not happen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

MARKS = 240
FRESH_MS = 90_000
"""A collector's word counts for so long."""
UNACKNOWLEDGED_MS = 30_000
"""What was read this lately may not be in Kafka yet."""


class Position(NamedTuple):
    """One partition: where the group is, and where the topic ends."""

    topic: str
    partition: int
    reached: int
    end: int


class Reading(NamedTuple):
    """What one collector says of one stream."""

    through_ms: int
    """Its slowest shard is read up to here."""
    shards: int
    """So many it reads."""
    open_shards: int
    """So many there are."""
    error: str = ""


_Ends = dict[int, int]


class _Hop:
    """One topic: looks that were taken at it, and the newest one that is passed."""

    def __init__(self) -> None:
        self._marks: deque[tuple[int, _Ends]] = deque()
        self.through_ms: int | None = None

    def look(self, at_ms: int, positions: list[Position]) -> None:
        """Remember where the topic ends: everything up to ``at_ms`` is in it."""
        if not self._marks or self._marks[-1][0] < at_ms:
            self._marks.append((at_ms, {position.partition: position.end for position in positions}))
        if len(self._marks) > MARKS:
            # Far behind for long: every other look tells enough.
            self._marks = deque(mark for number, mark in enumerate(self._marks) if number % 2 == 0)
        reached = {position.partition: position.reached for position in positions}
        while self._marks and all(reached.get(partition, 0) >= end for partition, end in self._marks[0][1].items()):
            self.through_ms = self._marks.popleft()[0]


class Passage:
    """Everything that was looked at so far."""

    def __init__(self, records_topic: str, raw_prefix: str) -> None:
        """Follow the topic of records, and those of the datasets whose names begin with ``raw_prefix``."""
        self._records_topic = records_topic
        self._raw_prefix = raw_prefix
        self._records = _Hop()
        self._datasets: dict[str, _Hop] = {}
        self._readings: dict[tuple[str, str, str], dict[str, tuple[int, Reading]]] = {}

    def read(self, worker: str, at_ms: int, stream: tuple[str, str, str], reading: Reading) -> None:
        """Take a collector's word."""
        self._readings.setdefault(stream, {})[worker] = (at_ms, reading)

    def look(self, at_ms: int, positions: Iterable[Position]) -> None:
        """Take a look at the topics."""
        topics: dict[str, list[Position]] = {}
        for position in positions:
            topics.setdefault(position.topic, []).append(position)
        if self._records_topic not in topics:
            return
        self._records.look(at_ms, topics.pop(self._records_topic))
        through = self._records.through_ms
        if through is None:
            return
        for topic, found in topics.items():
            if topic.startswith(self._raw_prefix):
                self._datasets.setdefault(topic.removeprefix(self._raw_prefix), _Hop()).look(through, found)

    def processed(self, datasets: Iterable[str]) -> int | None:
        """Up to when all that reached Kafka for these datasets is accounted for; None: not known yet."""
        times = [hop.through_ms if (hop := self._datasets.get(dataset)) else None for dataset in datasets]
        known = [time for time in times if time is not None]
        return min(known) if known and len(known) == len(times) else None

    def collected(self, stream: tuple[str, str, str], now_ms: int) -> int | str:
        """Up to when the stream is read; or, in words, why that is not known."""
        fresh = [reading for at_ms, reading in self._readings.get(stream, {}).values() if now_ms - at_ms < FRESH_MS]
        if not fresh:
            return "no collector reads the stream"
        reading = [one for one in fresh if one.shards]
        wanted = max(one.open_shards for one in fresh)
        if not reading or sum(one.shards for one in reading) < wanted:
            errors = [one.error for one in fresh if one.error]
            return errors[0] if errors else f"not all {wanted} shards are read"
        return min(one.through_ms for one in reading) - UNACKNOWLEDGED_MS
