"""Reading a shard by asking: GetRecords, within the limits that all who poll a shard share."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from service.clock import Clock
from service.source.kinesis.client import KinesisClient, StartAt, Stream
from service.source.kinesis.fault import Backoff, KinesisFault, Remedy
from service.source.kinesis.reader import Chunk
from service.source.kinesis.wire import RecordsReply

_FIRST_GUESS = 4096.0
"""Bytes of a record, before any was seen."""
_LEAST_WANTED = 256 * 1024


@dataclass(frozen=True, slots=True)
class PollPace:
    """How often to ask. A shard allows five calls and 2 MB a second to all its pollers together."""

    behind: float = 0.25
    """Seconds between calls while there is more to read."""
    idle: float = 1.0
    """Seconds between calls at the tip."""
    bytes_per_second: int = 2_000_000
    records: int = 10_000
    """Most records a call."""
    reply_bytes: int = 1_000_000
    """About how much to ask for at once; a quarter of a second's worth would do, a reply may hold up to 10 MB."""


class PollingReader:
    """Polls one shard. ``on_fault`` hears of every passing fault."""

    mode = "polling"

    def __init__(
        self,
        client: KinesisClient,
        stream: Stream,
        shard: str,
        clock: Clock,
        rng: random.Random,
        *,
        on_fault: Callable[[KinesisFault], None],
        room: Callable[[], int],
        pace: PollPace | None = None,
    ) -> None:
        """Ask nothing yet; ``room``: bytes worth asking for now."""
        self._client = client
        self._stream = stream
        self._shard = shard
        self._clock = clock
        self._backoff = Backoff(rng)
        self._on_fault = on_fault
        self._room = room
        self._pace = pace or PollPace()
        self._record_bytes = _FIRST_GUESS

    async def read(self, start: StartAt) -> AsyncGenerator[Chunk, None]:
        """Chunks from ``start`` to the shard's end."""
        position = start
        iterator: str | None = None
        while True:
            asked = self._clock.monotonic()
            try:
                if iterator is None:
                    iterator = await self._client.iterator(self._stream, self._shard, position)
                reply = await self._client.records(self._stream, iterator, self._limit())
            except KinesisFault as fault:
                self._on_fault(fault)
                if fault.remedy in (Remedy.ASK_OPERATOR, Remedy.LOOK_AGAIN):
                    raise
                if fault.remedy is Remedy.NEW_ITERATOR:
                    iterator = None
                await self._clock.sleep(self._backoff.next())
                continue
            self._backoff.reset()
            iterator = reply.next_shard_iterator
            if reply.records:
                position = StartAt("AFTER_SEQUENCE_NUMBER", reply.records[-1].sequence_number)
            yield Chunk(reply.records, reply.millis_behind_latest, ended=iterator is None, children=reply.child_shards or [])
            if iterator is None:
                return
            wait = self._wait(reply) - (self._clock.monotonic() - asked)
            if wait > 0:
                await self._clock.sleep(wait)

    def _limit(self) -> int:
        """Records to ask for: Kinesis limits by count only, and many shards' full replies would not fit into memory."""
        wanted = min(self._pace.reply_bytes, max(self._room(), _LEAST_WANTED))
        return max(1, min(self._pace.records, int(wanted / self._record_bytes)))

    def _wait(self, reply: RecordsReply) -> float:
        size = sum(len(record.data) for record in reply.records)
        if reply.records:
            self._record_bytes += (size / len(reply.records) + 1 - self._record_bytes) / 4
        pace = self._pace.behind if reply.millis_behind_latest > 0 else self._pace.idle
        return max(pace, size / self._pace.bytes_per_second)
