"""A time range of a stream, read once beside the collector: all of it, nothing else, and within the quota that all share."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from pathlib import Path

import pytest

from service.clock import Clock, SystemClock
from service.event import RecordBatch
from service.local.kinesis import KinesisDouble, Limits
from service.local.kinesis.turning_clock import TurningClock
from service.source.kinesis.connections import Connections
from service.source.kinesis.deaggregate import SubRecord
from service.source.kinesis.fault import KinesisFault
from service.source.kinesis.polling import PollPace
from service.source.kinesis.span import GENTLE, Portion, Span, SpanReader
from tests.source.conftest import MemoryOutlet
from tests.source.running import PATIENT, QUICK, collecting, put, streams, until
from tests.source.test_deaggregate import aggregate

START_MS = 1_795_000_000_000
QUICKLY = PollPace(behind=0.01, idle=0.01)


async def read(
    double: KinesisDouble, span: Span, clock: Clock | None = None, pace: PollPace = QUICKLY, batch_bytes: int = 4096
) -> tuple[list[Portion], SpanReader, list[KinesisFault]]:
    faults: list[KinesisFault] = []
    (subscription,) = streams(double, name="logs").subscriptions()
    async with Connections("test") as connections:
        client = connections.client(subscription)
        reader = SpanReader(
            client, subscription, await client.stream("logs"), span, clock or SystemClock(), random.Random(5),
            batch_bytes=batch_bytes, on_fault=faults.append, pace=pace,
        )  # fmt: skip
        return [portion async for portion in reader.portions()], reader, faults


def data(portions: list[Portion]) -> list[bytes]:
    return [record.data for portion in portions for record in portion.batch.records]


async def test_the_range_is_cut_exactly_and_reading_stops_behind_it() -> None:
    clock = TurningClock(START_MS, frozen=True)
    async with KinesisDouble(clock=clock) as double:
        stream = double.account.create("logs", 2)
        put(stream, 10, "before")
        clock.advance(60)
        sent = put(stream, 200, "inside")
        clock.advance(60)
        put(stream, 10, "behind")
        clock.advance(3600)
        put(stream, 3000, "long behind", 300)
        span = Span(START_MS + 60_000, START_MS + 120_000)
        portions, reader, _ = await read(double, span, pace=PollPace(behind=0.01, idle=0.01, records=50))
        assert sorted(data(portions)) == sorted(sent)
        assert reader.counts.records < 1000
        assert [portion.done for portion in portions] == sorted(portion.done for portion in portions)


async def test_every_generation_of_a_reshard_is_read_parents_first() -> None:
    async with KinesisDouble() as double:
        stream = double.account.create("logs", 2)
        now = double.account.clock.now_ms()
        sent = put(stream, 100, "a")
        for number, shards in enumerate((4, 2, 3)):
            stream.rescale(shards)
            sent |= put(stream, 100, f"generation {number}")
        portions, _, _ = await read(double, Span(now - 1000, now + 3_600_000))
        assert len(data(portions)) == len(sent) == 400
        assert set(data(portions)) == sent
        last = {portion.batch.shard: at for at, portion in enumerate(portions)}
        first: dict[str, int] = {}
        for at, portion in enumerate(portions):
            first.setdefault(portion.batch.shard, at)
        for shard in stream.shards.values():
            for parent in (shard.lineage.parent, shard.lineage.adjacent):
                if parent in last and shard.shard_id in first:
                    assert last[parent] < first[shard.shard_id]


async def test_shards_that_appear_while_it_reads_are_read_too() -> None:
    async with KinesisDouble() as double:
        stream = double.account.create("logs", 1)
        now = double.account.clock.now_ms()
        sent = put(stream, 2000, "a", 100)
        task = asyncio.create_task(
            read(double, Span(now - 1000, now + 3_600_000), pace=PollPace(behind=0.05, idle=0.05, records=100))
        )
        await asyncio.sleep(0.2)
        stream.rescale(2)
        sent |= put(stream, 100, "b")
        portions, _, _ = await task
        assert set(data(portions)) == sent


async def test_batches_are_those_of_the_collector(tmp_path: Path, outlet: MemoryOutlet) -> None:
    """Aggregates, foreign aggregates and sub-sequence numbers included: the same records mean the same ids."""
    clock = TurningClock(START_MS)
    async with KinesisDouble(clock=clock) as double:
        stream = double.account.create("logs", 2)
        put(stream, 50, "plain")
        for number in range(20):
            key = f"key {number}"
            own = [SubRecord(key, None, f"{number}/{part}".encode()) for part in range(3)]
            stream.shard_for(key).put(aggregate(own), key)
        stranger = [SubRecord(f"any {number}", None, b"foreign") for number in range(50)]
        stream.shard_for("any 1").put(aggregate(stranger), "any 1")
        async with collecting(streams(double, mode="polling"), tmp_path / "leases", outlet, PATIENT, clock=clock):
            await until(lambda: len(outlet.data) >= 110)
        portions, reader, _ = await read(double, Span(START_MS - 1000, START_MS + 3_600_000), clock)

        def flat(batches: list[RecordBatch]) -> list[tuple[object, ...]]:
            return sorted(
                (batch.project, batch.environment, batch.stream, batch.shard, record.sequence, record.subsequence, record.data,
                 record.partition_key, record.arrival_ms)
                for batch in batches
                for record in batch.records
            )  # fmt: skip

        assert flat([portion.batch for portion in portions]) == flat(outlet.batches)
        assert reader.counts.discarded == 50


async def test_throttling_and_expired_iterators_are_waited_out() -> None:
    async with KinesisDouble() as double:
        sent = put(double.account.create("logs", 2), 100)
        now = double.account.clock.now_ms()
        planned = [
            double.faults.throttle("GetRecords", 3),
            double.faults.fail("GetShardIterator", 1),
            double.faults.drop("GetRecords", 2),
            double.faults.fail("GetRecords", 1, code="ExpiredIteratorException", status=400),
        ]
        portions, _, faults = await read(double, Span(now - 60_000, now + 60_000))
        assert set(data(portions)) == sent
        assert [fault.hits for fault in planned] == [3, 1, 2, 1]
        assert len(faults) == 7


async def test_a_refusal_that_only_an_operator_can_mend_ends_it() -> None:
    async with KinesisDouble() as double:
        put(double.account.create("logs", 2), 100)
        double.faults.fail("GetRecords", 9, code="AccessDeniedException", status=400)
        now = double.account.clock.now_ms()
        with pytest.raises(KinesisFault, match="AccessDenied"):
            await read(double, Span(now - 60_000, now + 60_000))


async def test_a_consumer_that_stops_early_leaves_no_reader_behind() -> None:
    async with KinesisDouble() as double:
        put(double.account.create("logs", 4), 2000, size=500)
        now = double.account.clock.now_ms()
        (subscription,) = streams(double, name="logs").subscriptions()
        async with Connections("test") as connections:
            client = connections.client(subscription)
            reader = SpanReader(
                client, subscription, await client.stream("logs"), Span(now - 60_000, now + 60_000), SystemClock(),
                random.Random(5), batch_bytes=1024, on_fault=lambda _: None, pace=QUICKLY,
            )  # fmt: skip
            portions = reader.portions()
            await anext(portions)
            async with asyncio.timeout(5):
                await portions.aclose()
        assert not [task for task in asyncio.all_tasks() if "SpanReader" in repr(task.get_coro())]


async def test_live_polling_is_not_throttled_by_a_replay_beside_it(tmp_path: Path, outlet: MemoryOutlet) -> None:
    """Real quotas: five calls a second and shard. The collector takes four at most, the replay one."""
    limits = replace(Limits.none(), reads_per_second=5, read_bytes=2 * 1024 * 1024)
    options = replace(QUICK, pace=PollPace())
    async with KinesisDouble(limits=limits) as double:
        stream = double.account.create("logs", 1)
        now = double.account.clock.now_ms()
        sent = put(stream, 3000, size=900)
        async with collecting(streams(double, mode="polling"), tmp_path / "leases", outlet, options) as collector:
            task = asyncio.create_task(read(double, Span(now - 1000, now + 3_600_000), pace=GENTLE))
            await until(lambda: len(outlet.data) >= 3000, 30)
            portions, _, faults = await task
            (shard,) = collector.status().shards
        assert set(data(portions)) == set(outlet.data) == sent
        assert len(outlet.data) == 3000
        assert shard.faults + len(faults) <= 2, "the two of them stay within the quota"
