"""Sends what is replayed, a little at a time, and watches it arrive: what is not there yet holds up what comes next.

That is how live traffic goes first: while the service is busy, documents of the replay are late, and nothing more is sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from opensearchpy import exceptions as oe

from service.clock import Clock
from service.replay.foresee import Foreseen, Place
from service.replay.tally import Counts
from service.source.kinesis.pace import Pace

_LOOK_SECONDS = 0.25
_REFUSED_AFTER_SECONDS = 5.0
"""Without progress for so long, dead letters of documents that OpenSearch refused are looked for."""


@dataclass(frozen=True, slots=True)
class Message:
    """One Kafka message to be sent."""

    topic: str
    value: bytes
    key: bytes | None = None


class Send(Protocol):
    """Makes messages durable."""

    async def __call__(self, messages: Iterable[Message]) -> None:
        """Return when every replica has all of them."""
        ...


class Looking(Protocol):
    """What ``Presence`` does."""

    async def of(self, places: set[Place]) -> set[Place]:
        """Those that are there."""
        ...

    async def refused(self, places: set[Place]) -> set[Place]:
        """Those that OpenSearch refused."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a replay may run ahead."""

    window_bytes: int = 8 * 1024 * 1024
    """Sent and not yet seen in OpenSearch."""
    patience: float = 120.0
    """Seconds without any progress after which the rest counts as unseen."""


@dataclass(slots=True)
class _Load:
    documents: set[Place]
    letters: set[Place]
    size: int


class Conveyor:
    """Takes loads in order. ``presence`` None: do not look, neither before nor after."""

    def __init__(
        self,
        send: Send,
        presence: Looking | None,
        clock: Clock,
        pace: Pace,
        limits: Limits | None = None,
        seen: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Send nothing yet; ``seen`` hears of events whose fate is known."""
        self.counts = Counts()
        self._send = send
        self._presence = presence
        self._clock = clock
        self._pace = pace
        self._limits = limits or Limits()
        self._seen = seen
        self._waiting: deque[_Load] = deque()
        self._progress = clock.monotonic()

    async def put(self, foreseen: Foreseen, messages: list[Message]) -> None:
        """Send the messages when there is room, and count what is known of their events."""
        size = sum(len(message.value) for message in messages)
        load = await self._note(foreseen, size)
        await self._until(self._limits.window_bytes - size)
        await self._send(messages)
        self._waiting.append(load)
        await self._clock.sleep(self._pace.passed(size))
        self._progress = self._clock.monotonic()

    async def foresee(self, foreseen: Foreseen) -> None:
        """Count as ``put`` does and send nothing: what would be indexed counts as unseen."""
        await self._note(foreseen, 0)

    async def finish(self) -> Counts:
        """Wait until everything was seen, or the patience is at its end."""
        await self._until(0)
        return self.counts

    async def _note(self, foreseen: Foreseen, size: int) -> _Load:
        """Count what is settled beforehand; the load holds what has to show up."""
        counts = self.counts
        documents, letters = set(foreseen.documents), set(foreseen.letters)
        for load in self._waiting:  # the same event a second time in this very replay
            documents -= load.documents
            letters -= load.letters
        if self._presence is not None:
            documents -= await self._presence.of(documents)
        counts.records += foreseen.records
        counts.events += foreseen.events
        counts.dropped += foreseen.dropped
        counts.already_there += len(foreseen.documents) - len(documents)
        counts.unseen += len(documents)
        counts.dead_lettered += len(foreseen.letters)
        counts.datasets.update(foreseen.datasets)
        counts.codes.update(foreseen.dead)
        self._seen(foreseen.events - len(documents))
        return _Load(documents, letters, size)

    async def _until(self, most_bytes: int) -> None:
        """Look until no more than so many bytes are on their way."""
        if self._presence is None:
            self._waiting.clear()
            return
        while self._waiting and sum(load.size for load in self._waiting) > max(0, most_bytes):
            moved = await self._look(self._presence)
            now = self._clock.monotonic()
            if moved:
                self._progress = now
            elif now - self._progress > self._limits.patience:
                self._waiting.clear()
                return
            else:
                await self._clock.sleep(_LOOK_SECONDS)

    async def _look(self, presence: Looking) -> bool:
        load = self._waiting[0]
        idle = self._clock.monotonic() - self._progress
        try:
            there = await presence.of(load.documents)
            letters = await presence.of(load.letters)
            refused = await presence.refused(load.documents - there) if idle > _REFUSED_AFTER_SECONDS else set()
        except oe.TransportError:
            return False  # busy or away: patience decides
        load.documents -= there | refused
        load.letters -= letters
        counts, found = self.counts, len(there) + len(refused)
        counts.indexed += len(there)
        counts.dead_lettered += len(refused)
        if refused:
            counts.codes["sink/refused"] += len(refused)
        counts.unseen -= found
        self._seen(found)
        if not load.documents and not load.letters:
            self._waiting.popleft()
            return True
        return bool(found or letters)
