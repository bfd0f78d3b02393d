"""What Kinesis and the way to it can do to a reader, by both ways of reading; nothing of it loses a record."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from service.local.kinesis import Faults, KinesisDouble, Limits, TurningClock
from service.source.kinesis.fault import Backoff, KinesisFault, Remedy
from tests.source.conftest import MemoryOutlet
from tests.source.running import MODES, PATIENT, QUICK, SWIFT, collecting, put, streams, until

Plan = Callable[[Faults], object]

POLLING_FAULTS: dict[str, Plan] = {
    "throttled": lambda faults: faults.throttle("GetRecords", 3),
    "limit exceeded": lambda faults: faults.fail("GetShardIterator", 2, code="LimitExceededException", status=400),
    "failing": lambda faults: faults.fail("GetRecords", 2),
    "connection lost": lambda faults: faults.drop("GetRecords", 2),
    "iterator expired": lambda faults: faults.fail("GetRecords", 1, code="ExpiredIteratorException", status=400),
    "token expired": lambda faults: faults.fail("GetRecords", 1, code="ExpiredTokenException", status=400),
    "listing fails": lambda faults: faults.fail("ListShards", 2),
    "describing fails": lambda faults: faults.fail("DescribeStreamSummary", 1),
    "rights missing for a while": lambda faults: faults.fail("GetRecords", 1, code="AccessDeniedException", status=400),
}
FAN_OUT_FAULTS: dict[str, Plan] = {
    "subscribing fails": lambda faults: faults.fail("SubscribeToShard", 2),
    "subscription cut": lambda faults: faults.drop("SubscribeToShard", 1),
    "ended early": lambda faults: faults.end_subscription(2),
    "event damaged": lambda faults: faults.corrupt_event(2),
    "event doubled": lambda faults: faults.duplicate_event(3),
    "events out of order": lambda faults: faults.reverse_events(2),
    "internal failure as an event": lambda faults: faults.event_exception("InternalFailureException", 2),
    "token expired": lambda faults: faults.fail("SubscribeToShard", 1, code="ExpiredTokenException", status=400),
}


@pytest.mark.parametrize("fault", POLLING_FAULTS)
async def test_polling_survives(fault: str, tmp_path: Path, outlet: MemoryOutlet) -> None:
    async with KinesisDouble() as double:
        stream = double.account.create("logs", 2)
        sent = put(stream, 50, "first")
        POLLING_FAULTS[fault](double.faults)
        async with collecting(streams(double, mode="polling"), tmp_path / "leases", outlet) as collector:
            await until(lambda: len(outlet.data) >= 25)
            POLLING_FAULTS[fault](double.faults)
            sent |= put(stream, 50, "second")
            await until(lambda: set(outlet.data) == sent)
            await until(lambda: not double.faults.planned)
            assert sum(shard.gaps for shard in collector.status().shards) == 0


@pytest.mark.parametrize("fault", FAN_OUT_FAULTS)
async def test_a_subscription_survives(fault: str, tmp_path: Path, outlet: MemoryOutlet) -> None:
    async with KinesisDouble(limits=SWIFT) as double:
        stream = double.account.create("logs", 2)
        sent = put(stream, 50, "first")
        FAN_OUT_FAULTS[fault](double.faults)
        config = streams(double, mode="fan_out", consumer="siem")
        async with collecting(config, tmp_path / "leases", outlet) as collector:
            await until(lambda: len(set(outlet.data)) >= 25)
            for round_number in range(3):
                sent |= put(stream, 20, f"more {round_number}")
                await asyncio.sleep(0.05)
            await until(lambda: set(outlet.data) == sent)
            assert sum(shard.gaps for shard in collector.status().shards) == 0
            assert collector.status().streams[0].mode == "fan_out/http2"


@pytest.mark.parametrize(("apart", "crash"), [(60.0, True), (60.0, False), (math.inf, False)], ids=["killed", "stopped", "cut"])
async def test_an_event_that_another_overtook_is_not_lost_when_it_had_not_come_yet(
    apart: float, crash: bool, tmp_path: Path, outlet: MemoryOutlet
) -> None:
    async with KinesisDouble(limits=replace(SWIFT, heartbeat_seconds=5.0)) as double:
        stream = double.account.create("logs", 1)
        sent = put(stream, 5, "before")
        config = streams(double, mode="fan_out", consumer="siem")
        async with collecting(config, tmp_path / "leases", outlet, crash=crash):
            await until(lambda: set(outlet.data) == sent)
            overtaken = double.faults.reverse_events(apart=apart)
            late = put(stream, 1, "overtaken")
            await until(lambda: overtaken.hits == 1)
            sent |= put(stream, 5, "in time")
            await until(lambda: set(outlet.data) == sent)
            sent |= late
            if apart == math.inf:
                await until(lambda: set(outlet.data) == sent)
            else:
                await asyncio.sleep(0.5)  # time enough for a checkpoint
                assert late.isdisjoint(outlet.data)
        async with collecting(config, tmp_path / "leases", outlet):
            await until(lambda: set(outlet.data) == sent)


async def test_an_event_that_the_end_of_its_shard_overtook_is_read(tmp_path: Path, outlet: MemoryOutlet) -> None:
    async with KinesisDouble(limits=replace(SWIFT, heartbeat_seconds=5.0)) as double:
        stream = double.account.create("logs", 1)
        sent = put(stream, 5, "before")
        async with collecting(streams(double, mode="fan_out", consumer="siem"), tmp_path / "leases", outlet):
            await until(lambda: set(outlet.data) == sent)
            overtaken = double.faults.reverse_events(apart=0.3)
            sent |= put(stream, 1, "overtaken")
            await until(lambda: overtaken.hits == 1)
            stream.split(stream.open_shards[0].shard_id, 1 << 127)
            sent |= put(stream, 5, "children")
            await until(lambda: set(outlet.data) == sent)


async def test_a_quiet_shard_is_checkpointed_to_its_end(tmp_path: Path, outlet: MemoryOutlet) -> None:
    async with KinesisDouble(limits=SWIFT) as double:
        stream = double.account.create("logs", 1)
        put(stream, 5)
        async with collecting(streams(double, mode="fan_out", consumer="siem"), tmp_path / "leases", outlet) as collector:
            newest = str(stream.open_shards[0].newest)
            await until(lambda: [shard.checkpoint for shard in collector.status().shards] == [newest])


def have(outlet: MemoryOutlet, sent: set[bytes]) -> bool:
    return set(outlet.data) == sent


@pytest.mark.parametrize("mode", MODES)
async def test_iterators_and_subscriptions_that_ended_of_age_are_renewed(mode: str, tmp_path: Path, outlet: MemoryOutlet) -> None:
    clock = TurningClock()
    async with KinesisDouble(clock=clock) as double:
        stream = double.account.create("logs", 1)
        sent = put(stream, 5, "0")
        async with collecting(streams(double, **MODES[mode]), tmp_path / "leases", outlet, PATIENT, clock=clock):
            for round_number in range(1, 4):
                await until(partial(have, outlet, sent))
                clock.advance(400)
                sent.update(put(stream, 5, str(round_number)))
            await until(lambda: set(outlet.data) == sent)
        assert len(outlet.data) == len(sent)


async def test_a_half_open_subscription_is_noticed_and_opened_again(tmp_path: Path, outlet: MemoryOutlet) -> None:
    clock = TurningClock()
    async with KinesisDouble(clock=clock, limits=SWIFT) as double:
        stream = double.account.create("logs", 1)
        sent = put(stream, 5, "before")
        config = streams(double, mode="fan_out", consumer="siem")
        async with collecting(config, tmp_path / "leases", outlet, PATIENT, clock=clock) as collector:
            await until(lambda: set(outlet.data) == sent)
            silence = double.faults.half_open()
            sent |= put(stream, 5, "into the void")
            await until(lambda: silence.hits == 1)
            for _ in range(12):
                clock.advance(5)
                await asyncio.sleep(0.02)
            await until(lambda: set(outlet.data) == sent)
            (shard,) = collector.status().shards
            assert "no event for 30 s" in shard.last_error


async def test_a_subscription_that_was_taken_over_waits_out_the_five_seconds(tmp_path: Path, outlet: MemoryOutlet) -> None:
    clock = TurningClock()
    async with KinesisDouble(clock=clock) as double:
        stream = double.account.create("logs", 1)
        config = streams(double, mode="fan_out", consumer="siem")
        async with collecting(config, tmp_path / "leases", outlet, PATIENT, clock=clock) as collector:
            double.faults.event_exception("ResourceInUseException")
            sent = put(stream, 5)
            await until(lambda: any("ResourceInUse" in shard.last_error for shard in collector.status().shards))
            assert outlet.data == []
            clock.advance(6)
            await until(lambda: set(outlet.data) == sent)


async def test_polling_keeps_within_what_a_shard_allows(tmp_path: Path, outlet: MemoryOutlet) -> None:
    options = replace(QUICK, pace=replace(QUICK.pace, behind=0.25, idle=0.25))
    async with KinesisDouble(limits=replace(Limits(), write_records=0, write_bytes=0)) as double:
        stream = double.account.create("logs", 1)
        put(stream, 200, size=20_000)
        async with collecting(streams(double, mode="polling"), tmp_path / "leases", outlet, options) as collector:
            await until(lambda: len(outlet.data) >= 200)
            await asyncio.sleep(1.0)
            assert collector.status().shards[0].faults == 0


async def test_auto_falls_back_to_polling_when_no_consumer_can_be_registered(tmp_path: Path, outlet: MemoryOutlet) -> None:
    async with KinesisDouble(limits=replace(Limits.none(), consumers=0)) as double:
        sent = put(double.account.create("logs", 1), 5)
        async with collecting(streams(double, consumer="siem"), tmp_path / "leases", outlet) as collector:
            await until(lambda: set(outlet.data) == sent)
            (stream,) = collector.status().streams
            assert stream.mode == "polling"
            assert "LimitExceeded" in stream.last_error


async def test_a_way_that_did_not_work_is_tried_again_later(tmp_path: Path, outlet: MemoryOutlet) -> None:
    clock = TurningClock()
    async with KinesisDouble(clock=clock) as double:
        stream = double.account.create("logs", 1)
        refusal = double.faults.fail("DescribeStreamConsumer", 2, code="AccessDeniedException", status=400)
        config = streams(double, consumer="siem")
        async with collecting(config, tmp_path / "leases", outlet, PATIENT, clock=clock) as collector:
            sent = put(stream, 5, "polled")
            await until(lambda: set(outlet.data) == sent)
            assert collector.status().shards[0].mode == "polling"
            assert refusal.hits == 2
            clock.advance(901)
            await until(lambda: collector.status().shards[0].mode == "fan_out/http2")
            sent |= put(stream, 5, "pushed")
            await until(lambda: set(outlet.data) == sent)
        assert len(outlet.data) == len(sent)


async def test_a_consumer_that_was_deregistered_is_registered_again(tmp_path: Path, outlet: MemoryOutlet) -> None:
    async with KinesisDouble(limits=SWIFT) as double:
        stream = double.account.create("logs", 1)
        sent = put(stream, 5, "one")
        config = streams(double, mode="fan_out", consumer="siem")
        async with collecting(config, tmp_path / "leases", outlet):
            await until(lambda: set(outlet.data) == sent)
            stream.consumers.clear()
            double.faults.end_subscription()
            sent |= put(stream, 5, "two")
            await until(lambda: set(outlet.data) == sent)


async def test_kinesis_away_for_a_while(tmp_path: Path, outlet: MemoryOutlet) -> None:
    async with KinesisDouble(limits=SWIFT) as double:
        stream = double.account.create("logs", 2)
        sent = put(stream, 20, "before")
        config = streams(double, consumer="siem")
        async with collecting(config, tmp_path / "leases", outlet) as collector:
            await until(lambda: set(outlet.data) == sent)
            await double.stop()
            await asyncio.sleep(0.5)
            await double.start()
            sent |= put(stream, 20, "after")
            await until(lambda: set(outlet.data) == sent)
            assert collector.status().streams[0].mode == "fan_out/http2"


def test_waits_grow_and_stay_bounded() -> None:
    backoff = Backoff(random.Random(1), first=0.5, most=10)
    waits = [backoff.next() for _ in range(50)]
    assert max(waits) <= 10
    assert waits[0] <= 0.5
    assert min(waits[10:]) >= 5
    assert backoff.next(least=30) == 30
    backoff.reset()
    assert backoff.next() <= 0.5


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("ProvisionedThroughputExceededException", Remedy.WAIT),
        ("InternalFailure", Remedy.WAIT),
        ("SomethingNew", Remedy.WAIT),
        ("ExpiredIteratorException", Remedy.NEW_ITERATOR),
        ("ExpiredTokenException", Remedy.NEW_CREDENTIALS),
        ("ResourceNotFoundException", Remedy.LOOK_AGAIN),
        ("AccessDeniedException", Remedy.ASK_OPERATOR),
    ],
)
def test_faults_are_sorted_by_remedy(code: str, remedy: Remedy) -> None:
    assert KinesisFault(code, "").remedy is remedy
