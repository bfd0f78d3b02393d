"""The collector: every stream of ``streams.yml``, as many shards of it as are this worker's, into the outlet."""

from __future__ import annotations

import asyncio
import random
import secrets
import socket
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

import structlog
from aiobotocore.session import AioSession

from service.clock import Clock
from service.errors import Backpressure
from service.source.kinesis.batches import Unpacked
from service.source.kinesis.client import StartAt
from service.source.kinesis.connections import Connections
from service.source.kinesis.coordinator import LeaseCoordinator, LeaseTimes
from service.source.kinesis.fault import Backoff, KinesisFault
from service.source.kinesis.lease import Lease
from service.source.kinesis.lease_table import LeaseTable
from service.source.kinesis.outlet import Outlet
from service.source.kinesis.polling import PollPace
from service.source.kinesis.reader import Chunk
from service.source.kinesis.shard import ShardConsumer
from service.source.kinesis.status import CollectorStatus, ShardStatus
from service.source.kinesis.stream_source import StreamSource
from service.source.kinesis.surroundings import Origin, ShardOptions, Surroundings
from service.source.streams import Streams

log = structlog.get_logger(__name__)

_LEAST_SHARE = 64 * 1024
"""Bytes that a shard may have in flight however many there are."""


@dataclass(frozen=True, slots=True)
class CollectOptions:
    """Bounds and rhythms of a collector; seconds and bytes."""

    times: LeaseTimes = field(default_factory=LeaseTimes)
    shard: ShardOptions = field(default_factory=ShardOptions)
    pace: PollPace = field(default_factory=PollPace)
    buffer_bytes: int = 48 * 1024 * 1024
    """Most bytes handed over and not durable yet, over all shards; each gets an equal share."""
    discovery_seconds: float = 30.0
    """How often shards are listed."""
    audit_seconds: float = 120.0
    """How often the coverage of hash keys is checked."""


@dataclass(slots=True)
class _Reading:
    consumer: ShardConsumer
    task: asyncio.Task[None]


@dataclass(slots=True)
class _Memory:
    """What outlives a consumer: its shard may come back."""

    status: ShardStatus
    counts: Unpacked = field(default_factory=Unpacked)


def worker_name() -> str:
    """A name that no other start of any process has: fencing rests on it."""
    return f"{socket.gethostname()}-{secrets.token_hex(6)}"


class Collector:
    """Reads all of this worker's shards; ``run`` once."""

    def __init__(
        self,
        streams: Streams,
        table: LeaseTable,
        outlet: Outlet,
        clock: Clock,
        *,
        options: CollectOptions | None = None,
        worker: str | None = None,
        session: AioSession | None = None,
        rng: random.Random | None = None,
    ) -> None:
        """Connect to nothing yet. ``session`` brings credentials other than the process's own."""
        self.worker = worker or worker_name()
        self._streams = streams
        self._table = table
        self._outlet = outlet
        self._clock = clock
        self._options = options or CollectOptions()
        self._rng = rng or random.Random()  # noqa: S311 -- spreads retries, guards nothing
        self._connections = Connections(self.worker, session)
        self._coordinator = LeaseCoordinator(table, self.worker, clock, times=self._options.times, rng=self._rng)
        self._sources: list[StreamSource] = []
        self._readings: dict[str, _Reading] = {}
        self._memories: dict[str, _Memory] = {}
        self._stopping = False
        self._news = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Collect until ``stop`` is set, then drain: what was handed over is checkpointed, leases are given back."""
        try:
            await self._run(stop)
        finally:
            tasks = [reading.task for reading in self._readings.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, stop: asyncio.Event) -> None:
        await self._patiently(self._table.prepare, stop)
        await self._patiently(self._coordinator.observe, stop)
        if stop.is_set():
            return
        async with self._connections as connections:
            self._sources = [
                StreamSource(
                    subscription, connections.client(subscription), self._table, self._clock, self._rng,
                    transports=connections.transports, pace=self._options.pace,
                )
                for subscription in self._streams.subscriptions()
            ]  # fmt: skip
            async with asyncio.TaskGroup() as tasks:
                watching = [
                    tasks.create_task(self._keep_renewing()),
                    tasks.create_task(self._keep_taking()),
                    *(tasks.create_task(self._watch(source)) for source in self._sources),
                ]
                await stop.wait()
                self._stopping = True
                for task in watching[1:]:
                    task.cancel()
                await self._drain()  # leases go on being renewed until the last is given back
                watching[0].cancel()

    def status(self) -> CollectorStatus:
        """A snapshot for the status page."""
        for reading in self._readings.values():
            reading.consumer.refresh_status()
        leases = self._coordinator.leases.values()
        others = Counter(lease.owner for lease in leases if lease.owner not in (None, self.worker))
        return CollectorStatus(
            worker=self.worker,
            streams=[source.status for source in self._sources],
            shards=[memory.status for memory in self._memories.values()],
            others={str(owner): count for owner, count in others.items()},
        )

    async def _keep_renewing(self) -> None:
        while True:
            await self._clock.sleep(self._options.times.renewal)
            for key, reading in list(self._readings.items()):
                consumer = reading.consumer
                self._coordinator.note_progress(key, consumer.accounted_ms, consumer.status.mode or None)
            for key in await self._coordinator.renew(self._is_progressing):
                await self._abandon(key)
            for key, reading in list(self._readings.items()):
                if self._coordinator.leaving(key):
                    reading.consumer.finish()

    async def _keep_taking(self) -> None:
        while True:
            try:
                await self._coordinator.observe()
                for lease in await self._coordinator.take(self._is_mine):
                    await self._abandon(lease.key)  # an earlier consumer that has not noticed yet
                    self._start(lease)
            except Backpressure as fault:
                log.warning("lease_table_away", reason=fault.reason)
            self._news.clear()
            pause = asyncio.create_task(self._clock.sleep(self._options.times.failover / 2))
            news = asyncio.create_task(self._news.wait())
            try:
                await asyncio.wait((pause, news), return_when=asyncio.FIRST_COMPLETED)
            finally:
                pause.cancel()
                news.cancel()

    async def _watch(self, source: StreamSource) -> None:
        backoff = Backoff(self._rng, first=1.0, most=30.0)
        audited = self._clock.monotonic()
        while True:
            try:
                before = source.stream
                stream = await source.find()
                if before is not None and before.id != stream.id:
                    await self._forget(before.id)
                if await source.sync(self._coordinator.leases.values()):
                    self._news.set()
                if self._clock.monotonic() - audited >= self._options.audit_seconds:
                    source.audit(self._coordinator.leases.values())
                    audited = self._clock.monotonic()
            except (KinesisFault, Backpressure) as fault:
                source.note(fault)
                if source.stream is None:
                    source.status.state = "unreachable"
                log.warning("stream_not_listed", stream=source.status.stream, reason=str(fault))
                await self._clock.sleep(backoff.next())
                continue
            backoff.reset()
            await self._clock.sleep(self._options.discovery_seconds)

    def _is_mine(self, lease: Lease) -> bool:
        """Leases of other deployments' streams may be in the table, too."""
        return any(source.stream is not None and source.stream.id == lease.stream for source in self._sources)

    def _is_progressing(self, key: str) -> bool:
        # A lease without a reader (whatever went wrong) is not kept: somebody must read the shard.
        reading = self._readings.get(key)
        return reading is not None and reading.consumer.progressing()

    def _start(self, lease: Lease) -> None:
        source = next((it for it in self._sources if it.stream is not None and it.stream.id == lease.stream), None)
        if source is None or source.stream is None or self._stopping:
            return
        project, entry = source.subscription
        memory = self._memories.get(lease.key)
        if memory is None:
            status = ShardStatus(
                project=project.id, environment=project.environment, stream=source.stream.name,
                shard=lease.shard, lease_key=lease.key,
            )  # fmt: skip
            memory = self._memories[lease.key] = _Memory(status)
        memory.status.owner = self.worker

        def read(start: StartAt) -> AsyncGenerator[Chunk, None]:
            on_mode = partial(setattr, memory.status, "mode")
            return source.read(lease.shard, start, on_fault=consumer.note, on_mode=on_mode, room=self._share)

        around = Surroundings(
            coordinator=self._coordinator, outlet=self._outlet, clock=self._clock, rng=self._rng, read=read,
            make_children=source.make_children, is_listed=source.is_listed, share=self._share, quota=source.quota,
        )  # fmt: skip
        keep = entry.foreign_aggregates == "keep"
        origin = Origin(project.id, project.environment, source.stream, entry.at_ms, keep_foreign=keep)
        consumer = ShardConsumer(lease, origin, around, memory.status, memory.counts, self._options.shard)
        task = asyncio.create_task(self._consume(lease.key, consumer), name=f"shard {lease.key}")
        self._readings[lease.key] = _Reading(consumer, task)

    async def _consume(self, key: str, consumer: ShardConsumer) -> None:
        try:
            await consumer.run()
        except Exception as fault:
            log.exception("shard_consumer_failed", lease=key)
            consumer.status.last_error = repr(fault)
            await self._clock.sleep(5.0)
            await self._coordinator.release(key)
        finally:
            consumer.status.owner = None
            if (reading := self._readings.get(key)) is not None and reading.consumer is consumer:
                del self._readings[key]
            self._news.set()  # a shard that ended has children to take

    def _share(self) -> int:
        return max(_LEAST_SHARE, self._options.buffer_bytes // max(1, len(self._readings)))

    async def _abandon(self, key: str) -> None:
        reading = self._readings.pop(key, None)
        if reading is not None:
            reading.task.cancel()
            await asyncio.gather(reading.task, return_exceptions=True)
            reading.consumer.status.state = "lost"

    async def _forget(self, stream_id: str) -> None:
        """A stream of this name was deleted and made anew: what its old leases point at is gone."""
        for lease in [lease for lease in self._coordinator.leases.values() if lease.stream == stream_id]:
            await self._abandon(lease.key)
            await self._coordinator.release(lease.key)
            stored = await self._table.get(lease.key)
            if stored is not None:
                await self._table.delete(stored)

    async def _drain(self) -> None:
        for reading in self._readings.values():
            reading.consumer.finish()
        await asyncio.gather(*(reading.task for reading in self._readings.values()), return_exceptions=True)
        for key in self._coordinator.held:
            await self._coordinator.release(key)

    async def _patiently(self, call: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
        backoff = Backoff(self._rng, first=0.5, most=10.0)
        while not stop.is_set():
            try:
                await call()
            except Backpressure as fault:
                log.warning("lease_table_away", reason=fault.reason)
                await self._clock.sleep(backoff.next())
                continue
            return
