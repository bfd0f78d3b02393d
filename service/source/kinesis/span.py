"""A time range of a stream, read once: by polling, without leases, so that the collector is not disturbed."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass

from service.clock import Clock
from service.event import Record, RecordBatch
from service.source.kinesis.batches import Unpacked, Unpacker, slices
from service.source.kinesis.client import KinesisClient, StartAt, Stream
from service.source.kinesis.deaggregate import HashRange
from service.source.kinesis.fault import KinesisFault, Remedy
from service.source.kinesis.polling import PollingReader, PollPace
from service.source.kinesis.resharding import Shard
from service.source.streams import Subscription

GENTLE = PollPace(behind=1.0, idle=1.0, bytes_per_second=1_000_000)
"""One of the five calls a second that all pollers of a shard share, and half of its bytes: the rest is for live reading."""
LEEWAY_MS = 10_000
"""Arrival times are approximate and not quite in order: the range is read this much wider, then cut exactly."""
_SHARDS_AT_ONCE = 16
_AHEAD = 4
"""Batches read and not yet taken."""


@dataclass(frozen=True, slots=True)
class Span:
    """Records that arrived from ``since_ms`` (included) to ``until_ms`` (not)."""

    since_ms: int
    until_ms: int

    def holds(self, record: Record) -> bool:
        """Whether the record arrived in it."""
        return self.since_ms <= record.arrival_ms < self.until_ms


@dataclass(frozen=True, slots=True)
class Portion:
    """A batch as the collector would have made it, and how much of the range is done with it, from 0 to 1."""

    batch: RecordBatch
    done: float


class SpanReader:
    """Reads a range from every shard that has part of it, parents before children."""

    def __init__(
        self,
        client: KinesisClient,
        subscription: Subscription,
        stream: Stream,
        span: Span,
        clock: Clock,
        rng: random.Random,
        *,
        batch_bytes: int,
        on_fault: Callable[[KinesisFault], None],
        pace: PollPace = GENTLE,
    ) -> None:
        """Ask nothing yet; ``on_fault`` hears of every passing fault."""
        self.counts = Unpacked()
        """What was read, leeway included."""
        self.expired: list[str] = []
        """Shards that went out of retention while others were read."""
        self._client = client
        self._subscription = subscription
        self._stream = stream
        self._span = span
        self._clock = clock
        self._rng = rng
        self._batch_bytes = batch_bytes
        self._on_fault = on_fault
        self._pace = pace
        self._reached: dict[str, float] = {}
        self._finished: dict[str, asyncio.Event] = {}
        self._news = asyncio.Event()

    async def portions(self) -> AsyncGenerator[Portion, None]:
        """The records of the range in batches; raises KinesisFault where only an operator can help."""
        while new := [shard for shard in await self._client.shards(self._stream) if shard.id not in self._finished]:
            # Children of a reshard that happens meanwhile are found by the next look.
            for shard in new:
                self._finished[shard.id] = asyncio.Event()
                self._reached[shard.id] = 0.0
            async with contextlib.aclosing(self._read_all(new)) as portions:
                async for portion in portions:
                    yield portion

    async def _read_all(self, shards: list[Shard]) -> AsyncGenerator[Portion, None]:
        queue: asyncio.Queue[RecordBatch] = asyncio.Queue(_AHEAD)
        slots = asyncio.Semaphore(_SHARDS_AT_ONCE)
        reading = asyncio.create_task(self._read_each(shards, slots, queue))
        reading.add_done_callback(lambda _: self._news.set())
        try:
            while True:
                while not queue.empty():
                    yield Portion(queue.get_nowait(), sum(self._reached.values()) / len(self._reached))
                if reading.done():
                    break
                self._news.clear()
                await self._news.wait()
            try:
                reading.result()
            except BaseExceptionGroup as faults:
                raise next(_leaves(faults)) from faults
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read_each(self, shards: list[Shard], slots: asyncio.Semaphore, queue: asyncio.Queue[RecordBatch]) -> None:
        async with asyncio.TaskGroup() as tasks:
            for shard in shards:
                tasks.create_task(self._read(shard, slots, queue))

    async def _read(self, shard: Shard, slots: asyncio.Semaphore, queue: asyncio.Queue[RecordBatch]) -> None:
        for parent in shard.parents:
            if parent in self._finished:
                await self._finished[parent].wait()
        try:
            async with slots:
                await self._read_shard(shard, queue)
        except KinesisFault as fault:
            if fault.remedy is not Remedy.LOOK_AGAIN or await self._is_listed(shard):
                raise
            self.expired.append(shard.id)
        self._reached[shard.id] = 1.0
        self._finished[shard.id].set()

    async def _read_shard(self, shard: Shard, queue: asyncio.Queue[RecordBatch]) -> None:
        span, project = self._span, self._subscription.project
        unpacker = Unpacker(self._hash_range(shard), self.counts)
        reader = PollingReader(
            self._client, self._stream, shard.id, self._clock, self._rng,
            on_fault=self._on_fault, room=lambda: self._batch_bytes, pace=self._pace,
        )  # fmt: skip
        start = StartAt("AT_TIMESTAMP", timestamp_ms=max(0, span.since_ms - LEEWAY_MS))
        async with contextlib.aclosing(reader.read(start)) as chunks:
            async for chunk in chunks:
                records = (record for record in unpacker.records(chunk.records) if span.holds(record))
                for batch, _ in slices(records, self._batch_bytes):
                    await queue.put(RecordBatch(project.id, project.environment, self._stream.name, shard.id, batch))
                    self._news.set()
                reached_ms = self._clock.now_ms() - chunk.behind_ms
                if chunk.records:
                    reached_ms = round(chunk.records[-1].approximate_arrival_timestamp * 1000)
                share = (reached_ms - span.since_ms) / max(1, span.until_ms - span.since_ms)
                self._reached[shard.id] = min(1.0, max(self._reached[shard.id], share))
                if not chunk.behind_ms or reached_ms >= span.until_ms + LEEWAY_MS:
                    return

    def _hash_range(self, shard: Shard) -> HashRange | None:
        """As the collector decides it: the same aggregates are left out."""
        if self._subscription.stream.foreign_aggregates == "keep" or not self._stream.keyed:
            return None
        return HashRange(int(shard.hash_start), int(shard.hash_end))

    async def _is_listed(self, shard: Shard) -> bool:
        return any(listed.id == shard.id for listed in await self._client.shards(self._stream))


def _leaves(faults: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for fault in faults.exceptions:
        if isinstance(fault, BaseExceptionGroup):
            yield from _leaves(fault)
        else:
            yield fault
