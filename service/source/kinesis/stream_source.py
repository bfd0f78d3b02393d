"""One subscribed stream at work: found, its shards listed and leased, read in the best mode that works."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence

import structlog

from service.clock import Clock
from service.errors import Backpressure
from service.source.kinesis.client import KinesisClient, StartAt, Stream
from service.source.kinesis.fan_out import FanOutReader, Registration
from service.source.kinesis.fault import Backoff, KinesisFault
from service.source.kinesis.lease import TRIM_HORIZON, Lease
from service.source.kinesis.lease_table import LeaseTable
from service.source.kinesis.polling import PollingReader, PollPace
from service.source.kinesis.reader import Chunk, Reader
from service.source.kinesis.resharding import Shard, child_start, finished, holes, new_lease, plan
from service.source.kinesis.status import StreamStatus
from service.source.kinesis.transport import Transport, Unsupported
from service.source.kinesis.wire import ChildShard
from service.source.streams import Subscription

log = structlog.get_logger(__name__)

HOLES_BELIEVED = 3
"""Audits in a row that must find a hole before it is called one: listing and leases are never read at the same instant."""
_CHILDREN_ATTEMPTS = 8
_GIVEN_UP_SECONDS = 900.0
"""After so long a way of reading that did not work is tried again: rights and networks change."""


class StreamSource:
    """What a worker knows and does about one stream. ``transports``: ways to subscribe, best first."""

    def __init__(
        self,
        subscription: Subscription,
        client: KinesisClient,
        table: LeaseTable,
        clock: Clock,
        rng: random.Random,
        *,
        transports: Sequence[Transport],
        pace: PollPace | None = None,
    ) -> None:
        """Know nothing yet; ``find`` first."""
        project, entry = subscription
        self.subscription = subscription
        self.stream: Stream | None = None
        self.status = StreamStatus(project=project.id, environment=project.environment, stream=entry.stream_name)
        self._client = client
        self._table = table
        self._clock = clock
        self._rng = rng
        self._pace = pace
        self._registration: Registration | None = None
        self._shards: dict[str, Shard] = {}
        self._holes_in_a_row = 0
        self._ways: list[Transport | None] = []
        """Transports to subscribe with, best first; None is polling."""
        if entry.consumer is not None and entry.mode != "polling":
            self._ways += transports
        if entry.mode != "fan_out":
            self._ways.append(None)
        self._given_up: dict[int, float] = {}
        """Number of a way → monotonic time from which on it may be tried again."""

    async def find(self) -> Stream:
        """Look the stream up; raises KinesisFault. A stream that was made anew under its name has another id."""
        entry = self.subscription.stream
        stream = await self._client.stream(entry.arn or entry.stream_name)
        if self.stream is None or self.stream.id != stream.id:
            if self.stream is not None:
                log.error("stream_made_anew", stream=stream.arn, before=self.stream.id, now=stream.id)
            self._registration = Registration(self._client, stream, entry.consumer or "", self._clock)
            self._shards = {}
        self.stream = stream
        self.status.arn = stream.arn
        self.status.state = "active"
        return stream

    async def sync(self, leases: Iterable[Lease]) -> bool:
        """Create the leases that are missing, delete those that are done; ``leases`` is the table as last seen.

        True if any were made. Raises KinesisFault or Backpressure.
        """
        stream = self._found()
        self._shards = {shard.id: shard for shard in await self._client.shards(stream)}
        known = {lease.shard: lease for lease in leases if lease.stream == stream.id}
        first = not self.status.shards
        made = False
        for lease in self._plan(stream, known):
            if await self._table.create_if_absent(lease):
                made = True
                log.info("lease_made", lease=lease.key, start=lease.checkpoint.sequence)
        for lease in finished(known, self._shards):
            if await self._table.delete(lease):
                log.info("lease_deleted", lease=lease.key)
        self.status.shards = len(self._shards)
        self.status.open_shards = sum(shard.open for shard in self._shards.values())
        return made or first

    def audit(self, leases: Iterable[Lease]) -> None:
        """Check that unfinished leases cover all hash keys."""
        stream = self._found()
        found = holes(lease for lease in leases if lease.stream == stream.id)
        self._holes_in_a_row = self._holes_in_a_row + 1 if found else 0
        self.status.holes = len(found) if self._holes_in_a_row >= HOLES_BELIEVED else 0
        if self.status.holes:
            log.error("hash_range_holes", stream=stream.id, holes=[f"{start}-{end}" for start, end in found])

    async def read(
        self,
        shard: str,
        start: StartAt,
        *,
        on_fault: Callable[[KinesisFault], None],
        on_mode: Callable[[str], None],
        room: Callable[[], int],
    ) -> AsyncGenerator[Chunk, None]:
        """Read a shard the best way that works; ends early when a better way may be tried again.

        Raises as readers do; a way that turned out not to work here is given up for a while by then.
        """
        number = self._way()
        reader = self._reader(self._ways[number], shard, on_fault, room)
        self.status.mode = reader.mode
        on_mode(reader.mode)
        try:
            async with contextlib.aclosing(reader.read(start)) as chunks:
                async for chunk in chunks:
                    yield chunk
                    if not chunk.ended and self._way() < number:
                        return
        except Unsupported as fault:
            self._give_up(number, reader.mode, fault)
            raise

    def _reader(
        self, way: Transport | None, shard: str, on_fault: Callable[[KinesisFault], None], room: Callable[[], int]
    ) -> Reader:
        stream, client, clock = self._found(), self._client, self._clock
        if way is None or self._registration is None:
            return PollingReader(client, stream, shard, clock, self._rng, on_fault=on_fault, room=room, pace=self._pace)
        return FanOutReader(client, self._registration, way, shard, clock, self._rng, on_fault=on_fault)

    def _way(self) -> int:
        """Number of the best way that is not given up; the last one when all are."""
        now = self._clock.monotonic()
        usable = (number for number in range(len(self._ways)) if self._given_up.get(number, now) <= now)
        return next(usable, len(self._ways) - 1)

    def _give_up(self, number: int, mode: str, fault: Unsupported) -> None:
        self.note(fault)
        if number + 1 < len(self._ways):
            self._given_up[number] = self._clock.monotonic() + _GIVEN_UP_SECONDS
            log.warning("mode_given_up", stream=self.status.stream, mode=mode, code=fault.code, reason=fault.message)

    async def make_children(self, parent: Lease, children: list[ChildShard]) -> list[str]:
        """Leases for the children of a shard that ended, and whatever else is missing; waits out all faults."""
        stream = self._found()
        backoff = Backoff(self._rng)
        while True:
            try:
                self._shards = {shard.id: shard for shard in await self._client.shards(stream)}
                known = {lease.shard: lease for lease in await self._table.list() if lease.stream == stream.id}
                ids = {child.shard_id for child in children}
                ids |= {shard.id for shard in self._shards.values() if parent.shard in shard.parents}
                if not ids and parent.shard in self._shards and backoff.failures < _CHILDREN_ATTEMPTS:
                    raise KinesisFault("NoChildren", f"{parent.shard} ended and has no children yet", "ListShards")
                planned = self._plan(stream, known)
                told = [_shard(child) for child in children if child.shard_id not in self._shards]
                made_ms = self._clock.now_ms()
                planned += [new_lease(stream.id, shard, child_start(parent), made_ms=made_ms) for shard in told]
                for lease in planned:
                    await self._table.create_if_absent(lease)
            except (KinesisFault, Backpressure) as fault:
                log.warning("children_delayed", lease=parent.key, reason=str(fault))
                await self._clock.sleep(backoff.next())
                continue
            return sorted(ids)

    async def is_listed(self, shard: str) -> bool:
        """Whether the stream still has the shard; raises KinesisFault."""
        return any(listed.id == shard for listed in await self._client.shards(self._found()))

    def quota(self) -> float:
        """Bytes a second for each shard, when the stream has a quota; 0: no limit.

        Every worker knows the number of open shards and none need ask another what it reads.
        """
        most = self.subscription.stream.most_mb_per_second
        return 0.0 if most is None else most * 1_000_000 / max(1, self.status.open_shards)

    def note(self, fault: Exception) -> None:
        """Remember what went wrong last."""
        self.status.last_error = str(fault)
        self.status.last_error_ms = self._clock.now_ms()

    def _plan(self, stream: Stream, known: dict[str, Lease]) -> list[Lease]:
        # A rebuilt table does not know what had been read: beginning at LATEST would skip it.
        start = TRIM_HORIZON if self._table.rebuilt else self.subscription.stream.start
        made_ms = stream.server_ms if stream.server_ms is not None else self._clock.now_ms()
        return plan(stream.id, self._shards.values(), known, start, made_ms=made_ms)

    def _found(self) -> Stream:
        if self.stream is None:
            raise RuntimeError("the stream was not looked up")
        return self.stream


def _shard(child: ChildShard) -> Shard:
    keys = child.hash_key_range
    return Shard(child.shard_id, tuple(sorted(child.parent_shards)), keys.starting_hash_key, keys.ending_hash_key, open=True)
