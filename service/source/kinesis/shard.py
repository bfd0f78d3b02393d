"""One shard, from where its lease says to its end: read, hand over, checkpoint what is safe."""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from service.errors import Backpressure, LeaseLost
from service.event import RecordBatch
from service.source.kinesis.batches import Unpacked, Unpacker, slices
from service.source.kinesis.checkpoint import CheckpointTracker
from service.source.kinesis.deaggregate import HashRange
from service.source.kinesis.fault import Backoff, KinesisFault, Remedy
from service.source.kinesis.handover import Handover
from service.source.kinesis.horizon import HorizonWatch
from service.source.kinesis.lease import Checkpoint, Lease
from service.source.kinesis.pace import Pace
from service.source.kinesis.reader import Chunk
from service.source.kinesis.resharding import waits_for
from service.source.kinesis.resume import Resume
from service.source.kinesis.status import ShardStatus
from service.source.kinesis.surroundings import Origin, ShardOptions, Surroundings
from service.source.kinesis.wire import ChildShard

log = structlog.get_logger(__name__)

_STALLED = 120.0
"""Seconds without any sign of life from the reader after which the lease is no longer renewed."""


class ShardConsumer:
    """Consumes one shard under one lease; ``run`` returns when it ended, was finished, or the lease was lost."""

    def __init__(
        self, lease: Lease, origin: Origin, around: Surroundings, status: ShardStatus, counts: Unpacked,
        options: ShardOptions | None = None,
    ) -> None:  # fmt: skip
        """Read nothing yet; ``status`` and ``counts`` are kept up to date and may have served an earlier consumer."""
        self.status = status
        self._lease = lease
        self._origin = origin
        self._around = around
        self._clock = around.clock
        self._options = options or ShardOptions()
        self._counts = counts
        self._unpacker = Unpacker(_hash_range(lease, origin), counts)
        self._tracker = CheckpointTracker(lease.checkpoint)
        self._resume = Resume(lease, origin.start_ms, self._tracker, self._clock)
        self._stored = lease.checkpoint
        self._handover = Handover(
            around.outlet, self._tracker, around.clock, around.rng, must_hold=self._must_hold, share=around.share
        )
        self._pace = Pace(around.quota, around.clock)
        self._held_by_quota = False
        self._finish = asyncio.Event()
        self._last_life = self._clock.monotonic()
        self._horizon = HorizonWatch(lease.key, origin.stream.retention_ms, status, around.clock)

    def finish(self) -> None:
        """Ask to stop reading, wait for what is in flight, checkpoint, give the lease back."""
        self._finish.set()

    def progressing(self) -> bool:
        """False when the reader gave no sign of life for so long that another worker should try."""
        return self._handover.waiting or self._held_by_quota or self._clock.monotonic() - self._last_life < _STALLED

    @property
    def accounted_ms(self) -> int | None:
        """Kinesis's clock up to which everything that arrived is safe; None before anything was.

        Until then LATEST stays the moment the lease was made, by Kinesis's clock and not by ours.
        """
        return None if self._tracker.safe.is_start else self._tracker.accounted_ms

    def note(self, fault: KinesisFault) -> None:
        """Remember a passing fault; it also shows that the reader lives."""
        self._last_life = self._clock.monotonic()
        self.status.faults += 1
        self.status.last_error = str(fault)
        self.status.last_error_ms = self._clock.now_ms()

    def refresh_status(self) -> ShardStatus:
        """The status, brought up to date."""
        status, counts = self.status, self._counts
        status.checkpoint = _shown(self._tracker.safe)
        status.in_flight_bytes = self._tracker.in_flight_bytes
        status.records, status.bytes = counts.records, counts.bytes
        status.user_records, status.discarded, status.damaged = counts.user_records, counts.discarded, counts.damaged
        status.resent = self._handover.resent
        return status

    async def run(self) -> None:
        """Consume. A lost lease is noted, not raised: what is in flight is dropped and nothing checkpointed."""
        checkpoints = asyncio.create_task(self._keep_checkpointing())
        try:
            await self._wait_for_parents()
            ended = await self._read_until_finished()
            self.status.state = "draining"
            await self._drain(patient=ended is not None)
            if ended is not None and not self._tracker.in_flight:
                await self._end(ended)
            else:
                await self._store()
                await self._around.coordinator.release(self._lease.key)
                self.status.state = "released"
        except LeaseLost:
            self.status.state = "lost"
            log.warning("shard_dropped", lease=self._lease.key, in_flight=self._tracker.in_flight)
        finally:
            checkpoints.cancel()
            await asyncio.gather(checkpoints, return_exceptions=True)
            await self._handover.drop()
            self.refresh_status().in_flight_bytes = 0

    async def _wait_for_parents(self) -> None:
        while waiting := waits_for(self._lease, self._around.coordinator.leases):
            self.status.state = "waiting_for_parents"
            self._last_life = self._clock.monotonic()
            if self._finish.is_set():
                return
            log.debug("shard_waits_for_parents", lease=self._lease.key, parents=waiting)
            await self._clock.sleep(self._options.parents_seconds)
            self._must_hold()

    async def _read_until_finished(self) -> list[ChildShard] | None:
        """Read until the shard ends (its children), or until asked to finish (None)."""
        if self._finish.is_set():
            return None
        self.status.state = "reading"
        reading = asyncio.create_task(self._read())
        finish = asyncio.create_task(self._finish.wait())
        try:
            await asyncio.wait((reading, finish), return_when=asyncio.FIRST_COMPLETED)
            return await reading if reading.done() else None
        finally:
            reading.cancel()
            finish.cancel()
            # What the cancelled reader had not handed over yet is read again by whoever comes next.
            await asyncio.gather(reading, finish, return_exceptions=True)

    async def _read(self) -> list[ChildShard]:
        resume = self._resume
        backoff = Backoff(self._around.rng, first=1.0, most=30.0)
        while True:
            read = False
            resume.begin()
            try:
                async with contextlib.aclosing(self._around.read(resume.start)) as chunks:
                    async for chunk in chunks:
                        self._must_hold()
                        after = None if read else resume.after
                        if chunk.records and after is not None:
                            self._horizon.resumed(chunk.records[0], after, resume.known_ms)
                        resume.comes(chunk)
                        await self._take(chunk, after)
                        read = read or bool(chunk.records)
                        backoff.reset()
                        if chunk.ended:
                            return chunk.children
                        await self._keep_quota(chunk)
            except KinesisFault as fault:
                self.note(fault)
                log.warning("shard_not_readable", lease=self._lease.key, code=fault.code, reason=fault.message)
                if fault.remedy is Remedy.LOOK_AGAIN and await self._is_gone():
                    return []
            self._must_hold()
            await self._clock.sleep(backoff.next())
            self._last_life = self._clock.monotonic()

    async def _take(self, chunk: Chunk, after: Checkpoint | None) -> None:
        self._last_life = self._clock.monotonic()
        self.status.behind_ms = chunk.behind_ms
        self._horizon.behind(chunk.behind_ms)
        accounted_ms = self._clock.now_ms() - chunk.behind_ms
        last: Checkpoint | None = None
        most = min(self._options.batch_bytes, self._around.share())
        for records, weight in slices(self._unpacker.records(chunk.records, after), most):
            last = Checkpoint(records[-1].sequence, records[-1].subsequence)
            origin = self._origin
            shard, gap = self._lease.shard, self._horizon.told()
            batch = RecordBatch(origin.project, origin.environment, origin.stream.name, shard, records, gap)
            complete = last.sequence == chunk.records[-1].sequence_number
            upto, upto_ms = (last, accounted_ms if complete else None) if chunk.final else (None, None)
            await self._handover.send(batch, weight, upto, upto_ms)
        if chunk.records and (last is None or last.sequence != chunk.records[-1].sequence_number):
            last = Checkpoint(chunk.records[-1].sequence_number)
        if last is not None:
            self._resume.took(chunk, last, accounted_ms)
        else:
            self._resume.idle(accounted_ms)
        self._last_life = self._clock.monotonic()

    async def _keep_quota(self, chunk: Chunk) -> None:
        """Wait until the stream's quota has room again; the lease is renewed meanwhile."""
        wait = self._pace.passed(sum(len(record.data) for record in chunk.records))
        if wait <= 0:
            return
        self._held_by_quota = True
        self.status.quota_seconds += wait
        try:
            await self._clock.sleep(wait)
        finally:
            self._held_by_quota = False
            self._last_life = self._clock.monotonic()

    async def _is_gone(self) -> bool:
        try:
            gone = not await self._around.is_listed(self._lease.shard)
        except KinesisFault as fault:
            self.note(fault)
            return False
        if gone:
            self._horizon.gap("shard_expired_unread")
            origin = self._origin
            empty = RecordBatch(
                origin.project, origin.environment, origin.stream.name, self._lease.shard, [], self._horizon.told()
            )
            await (await self._around.outlet.send(empty))
        return gone

    async def _drain(self, *, patient: bool) -> None:
        """Wait for what is in flight: as long as it takes before SHARD_END, but only a while once asked to finish."""
        emptied = asyncio.create_task(self._handover.emptied())
        finish = asyncio.create_task(self._finish.wait())
        try:
            if patient:
                await asyncio.wait((emptied, finish), return_when=asyncio.FIRST_COMPLETED)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(emptied, self._options.finish_seconds)
        finally:
            emptied.cancel()
            finish.cancel()
            await asyncio.gather(emptied, finish, return_exceptions=True)

    async def _end(self, children: list[ChildShard]) -> None:
        coordinator, key = self._around.coordinator, self._lease.key
        ids = await self._around.make_children(self._lease, children)
        backoff = Backoff(self._around.rng)
        while True:
            self._last_life = self._clock.monotonic()
            try:
                await coordinator.end_shard(key, ids)
            except Backpressure as fault:
                log.warning("checkpoint_delayed", lease=key, reason=fault.reason)
                await self._clock.sleep(backoff.next())
                continue
            self.status.state = "ended"
            log.info("shard_ended", lease=key, children=ids)
            return

    async def _keep_checkpointing(self) -> None:
        while True:
            await self._clock.sleep(self._options.checkpoint_seconds)
            try:
                await self._store()
            except LeaseLost:
                return  # the reader finds out by itself before its next batch

    async def _store(self) -> None:
        coordinator, key = self._around.coordinator, self._lease.key
        safe, accounted_ms = self._tracker.safe, self.accounted_ms
        coordinator.note_progress(key, accounted_ms, self.status.mode or None)
        if safe == self._stored:
            return
        try:
            await coordinator.checkpoint(key, safe, accounted_ms)
        except Backpressure as fault:
            log.warning("checkpoint_delayed", lease=key, reason=fault.reason)
            return
        self._stored = safe

    def _must_hold(self) -> None:
        if not self._around.coordinator.holds(self._lease.key):
            raise LeaseLost(self._lease.key)


def _hash_range(lease: Lease, origin: Origin) -> HashRange | None:
    if origin.keep_foreign or not origin.stream.keyed or lease.hash_start is None or lease.hash_end is None:
        return None
    return HashRange(int(lease.hash_start), int(lease.hash_end))


def _shown(checkpoint: Checkpoint) -> str:
    return f"{checkpoint.sequence}/{checkpoint.subsequence}" if checkpoint.subsequence else checkpoint.sequence
