"""Whole collectors against the Kinesis double: every record arrives, whatever happens on the way."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from service.local.kinesis import KinesisDouble, TurningClock
from service.source.kinesis.surroundings import ShardOptions
from tests.source.conftest import MemoryOutlet
from tests.source.running import MODES, PATIENT, QUICK, SWIFT, collecting, leases, put, streams, until


@pytest.mark.parametrize("mode", MODES)
async def test_every_record_of_every_shard_arrives_once(mode: str, tmp_path: Path, outlet: MemoryOutlet) -> None:
    async with KinesisDouble() as double:
        stream = double.account.create("logs", 3)
        sent = put(stream, 300, "early")
        async with collecting(streams(double, **MODES[mode]), tmp_path / "leases", outlet) as collector:
            await until(lambda: len(outlet.data) >= 300)
            sent |= put(stream, 300, "late")
            await until(lambda: len(outlet.data) >= 600)
            status = collector.status()
        assert len(outlet.data) == 600
        assert set(outlet.data) == sent
        assert status.streams[0].mode.startswith(mode)
        assert {batch.project for batch in outlet.batches} == {"shop"}
        assert sum(shard.records for shard in status.shards) == 600


@pytest.mark.parametrize("mode", MODES)
async def test_splits_and_merges_lose_nothing_and_keep_the_order_of_generations(
    mode: str, tmp_path: Path, outlet: MemoryOutlet
) -> None:
    async with KinesisDouble() as double:
        stream = double.account.create("logs", 2)
        sent = put(stream, 100, "a")
        async with collecting(streams(double, **MODES[mode]), tmp_path / "leases", outlet):
            await until(lambda: len(outlet.data) >= 100)
            stream.rescale(4)
            sent |= put(stream, 100, "b")
            stream.rescale(2)
            sent |= put(stream, 100, "c")
            stream.rescale(3)
            sent |= put(stream, 100, "d")
            await until(lambda: len(set(outlet.data)) >= 400)
        assert set(outlet.data) == sent
        assert len(outlet.data) == 400
        order: dict[str, list[int]] = {}
        for at, batch in enumerate(outlet.batches):
            order.setdefault(batch.shard, [at, at])[1] = at
        for shard in stream.shards.values():
            for parent in (shard.lineage.parent, shard.lineage.adjacent):
                if parent in order and shard.shard_id in order:
                    assert order[parent][1] < order[shard.shard_id][0], "a child was read before its parent ended"
        rows = await leases(tmp_path / "leases")
        assert {name for name, row in rows.items() if not row.checkpoint.is_end} == {
            shard.shard_id for shard in stream.open_shards
        }


async def test_a_child_waits_while_its_parent_is_not_safe(tmp_path: Path, outlet: MemoryOutlet) -> None:
    async with KinesisDouble() as double:
        stream = double.account.create("logs", 1)
        put(stream, 10, "parent")
        outlet.hold = True
        async with collecting(streams(double, mode="polling"), tmp_path / "leases", outlet) as collector:
            await until(lambda: len(outlet.data) >= 10)
            (parent,) = stream.shards
            stream.split(parent, 2**127)
            put(stream, 10, "child")
            await asyncio.sleep(1.0)
            assert {batch.shard for batch in outlet.batches} == {parent}
            assert not (await leases(tmp_path / "leases"))[parent].checkpoint.is_end
            outlet.let_go()
            await until(lambda: len(outlet.data) >= 20)
            assert {shard.state for shard in collector.status().shards} <= {"ended", "reading"}
        assert (await leases(tmp_path / "leases"))[parent].checkpoint.is_end


async def test_nothing_is_checkpointed_that_is_not_durable(tmp_path: Path, outlet: MemoryOutlet) -> None:
    async with KinesisDouble() as double:
        stream = double.account.create("logs", 1)
        sent = put(stream, 20)
        outlet.hold = True
        async with collecting(streams(double, mode="polling"), tmp_path / "leases", outlet, crash=True):
            await until(lambda: len(outlet.data) >= 20)
            await asyncio.sleep(0.4)
        (lease,) = (await leases(tmp_path / "leases")).values()
        assert lease.checkpoint.is_start
        again = MemoryOutlet()
        async with collecting(streams(double, mode="polling"), tmp_path / "leases", again):
            await until(lambda: len(again.data) >= 20)
        assert set(again.data) == sent


@pytest.mark.parametrize("mode", MODES)
async def test_a_crash_repeats_what_was_not_checkpointed_and_skips_nothing(
    mode: str, tmp_path: Path, outlet: MemoryOutlet
) -> None:
    async with KinesisDouble(limits=SWIFT) as double:
        stream = double.account.create("logs", 2)
        sent = put(stream, 50, "first")
        config = streams(double, **MODES[mode])
        async with collecting(config, tmp_path / "leases", outlet, crash=True):
            await until(lambda: len(outlet.data) >= 50)
            await asyncio.sleep(0.4)  # checkpointed by now
            sent |= put(stream, 50, "second")
            await until(lambda: len(outlet.data) >= 75)
        sent |= put(stream, 50, "third")
        async with collecting(config, tmp_path / "leases", outlet):
            await until(lambda: len(set(outlet.data)) >= 150)
        assert set(outlet.data) == sent
        assert not [data for data in outlet.data if data.startswith(b"first") and outlet.data.count(data) > 1]


def has(outlet: MemoryOutlet, count: int) -> bool:
    return len(outlet.data) >= count


async def test_a_drained_collector_repeats_nothing(tmp_path: Path, outlet: MemoryOutlet) -> None:
    async with KinesisDouble() as double:
        stream = double.account.create("logs", 2)
        for round_number in range(3):
            put(stream, 40, f"round {round_number}")
            async with collecting(streams(double, mode="polling"), tmp_path / "leases", outlet):
                await until(partial(has, outlet, 40 * (round_number + 1)))
                started = asyncio.get_running_loop().time()
            assert asyncio.get_running_loop().time() - started < 2
        assert len(outlet.data) == 120
        assert all(lease.owner is None for lease in (await leases(tmp_path / "leases")).values())


async def test_a_batch_that_kafka_did_not_take_is_sent_again(tmp_path: Path, outlet: MemoryOutlet) -> None:
    async with KinesisDouble() as double:
        stream = double.account.create("logs", 1)
        outlet.failures = 2
        sent = put(stream, 10)
        async with collecting(streams(double, mode="polling"), tmp_path / "leases", outlet) as collector:
            await until(lambda: set(outlet.data) == sent)
            (shard,) = collector.status().shards
            assert shard.resent >= 1


async def test_what_is_in_flight_is_bounded_and_a_large_record_travels_alone(tmp_path: Path, outlet: MemoryOutlet) -> None:
    options = replace(QUICK, shard=replace(QUICK.shard, batch_bytes=40_000), buffer_bytes=100_000)
    async with KinesisDouble() as double:
        stream = double.account.create("logs", 1)
        sent = put(stream, 300, "small", size=1000) | put(stream, 1, "large", size=90_000)
        outlet.hold = True
        async with collecting(streams(double, mode="polling"), tmp_path / "leases", outlet, options) as collector:
            await until(lambda: len(outlet.batches) >= 2)
            await asyncio.sleep(0.3)
            (shard,) = collector.status().shards
            assert 40_000 < shard.in_flight_bytes <= 100_000
            while set(outlet.data) != sent:
                outlet.let_go()
                outlet.hold = True
                await asyncio.sleep(0.01)
            outlet.let_go()
        assert len(outlet.data) == len(sent)
        for batch in outlet.batches:
            assert len(batch.records) == 1 or sum(len(record.data) for record in batch.records) <= 40_000


async def test_stopping_does_not_wait_for_ever_when_a_shard_has_ended_and_kafka_is_away(
    tmp_path: Path, outlet: MemoryOutlet
) -> None:
    async with KinesisDouble() as double:
        stream = double.account.create("logs", 1)
        sent = put(stream, 10)
        stream.rescale(2)
        outlet.hold = True
        async with collecting(streams(double, mode="polling"), tmp_path / "leases", outlet):
            await until(lambda: len(outlet.data) >= 10)
        rows = await leases(tmp_path / "leases")
        assert not any(row.checkpoint.is_end for row in rows.values())
        again = MemoryOutlet()
        async with collecting(streams(double, mode="polling"), tmp_path / "leases", again) as collector:
            await until(lambda: set(again.data) == sent)
            await until(lambda: any(shard.state == "ended" for shard in collector.status().shards))


async def test_a_lease_whose_consumer_vanished_is_read_again(tmp_path: Path, outlet: MemoryOutlet) -> None:
    async with KinesisDouble() as double:
        stream = double.account.create("logs", 1)
        sent = put(stream, 10)
        async with collecting(streams(double, mode="polling"), tmp_path / "leases", outlet) as collector:
            await until(lambda: len(outlet.data) >= 10)
            (reading,) = collector._readings.values()
            reading.task.cancel()
            sent |= put(stream, 10, "afterwards")
            await until(lambda: set(outlet.data) == sent)


async def test_a_stream_whose_outlet_is_stuck_does_not_stop_another(tmp_path: Path) -> None:
    class Partly(MemoryOutlet):
        async def send(self, batch):  # type: ignore[no-untyped-def]
            self.hold = batch.stream == "noisy"
            return await super().send(batch)

    outlet = Partly()
    options = replace(QUICK, shard=ShardOptions(batch_bytes=20_000, checkpoint_seconds=0.1, finish_seconds=0.2))
    async with KinesisDouble() as double:
        put(double.account.create("noisy", 2), 2000, size=1000)
        quiet = double.account.create("quiet", 1)
        config = streams(double, {"name": "noisy", "mode": "polling"}, {"name": "quiet", "consumer": "siem", "mode": "auto"})
        options = replace(options, buffer_bytes=100_000)
        async with collecting(config, tmp_path / "leases", outlet, options):
            await until(lambda: any(batch.stream == "noisy" for batch in outlet.batches))
            sent = put(quiet, 50, "quiet", size=5000)
            await until(lambda: sent <= set(outlet.data))


async def test_latest_begins_when_the_stream_was_first_seen_even_if_nothing_was_read_then(
    tmp_path: Path, outlet: MemoryOutlet
) -> None:
    async with KinesisDouble() as double:
        stream = double.account.create("logs", 2)
        put(stream, 20, "old")
        await asyncio.sleep(0.01)
        config = streams(double, mode="polling", start="LATEST")
        async with collecting(config, tmp_path / "leases", outlet, crash=True) as collector:
            await until(lambda: len(collector.status().shards) == 2)
            await asyncio.sleep(0.3)
        sent = put(stream, 20, "while nobody was there")
        async with collecting(config, tmp_path / "leases", outlet):
            await until(lambda: len(outlet.data) >= 20)
            sent |= put(stream, 20, "new")
            await until(lambda: len(outlet.data) >= 40)
        assert set(outlet.data) == sent


async def test_at_timestamp_begins_there(tmp_path: Path, outlet: MemoryOutlet) -> None:
    clock = TurningClock(1_790_000_000_000)
    async with KinesisDouble(clock=clock) as double:
        stream = double.account.create("logs", 1)
        put(stream, 5, "old")
        clock.advance(3600)
        sent = put(stream, 5, "new")
        config = streams(double, mode="polling", start="AT_TIMESTAMP", at="2026-09-21T14:30:00+00:00")
        async with collecting(config, tmp_path / "leases", outlet, PATIENT, clock=clock):
            await until(lambda: len(outlet.data) >= 5)
        assert set(outlet.data) == sent


async def test_damaged_leases_are_rebuilt_from_the_oldest_record_even_where_latest_was_asked_for(
    tmp_path: Path, outlet: MemoryOutlet
) -> None:
    async with KinesisDouble() as double:
        sent = put(double.account.create("logs", 1), 10)
        (tmp_path / "leases").write_bytes(b"\xff" * 4096)
        async with collecting(streams(double, mode="polling", start="LATEST"), tmp_path / "leases", outlet):
            await until(lambda: set(outlet.data) == sent)


async def test_records_that_expired_unread_are_a_loud_gap(tmp_path: Path, outlet: MemoryOutlet) -> None:
    clock = TurningClock()
    async with KinesisDouble(clock=clock) as double:
        stream = double.account.create("logs", 1)
        put(stream, 5, "read")
        config = streams(double, mode="polling")
        async with collecting(config, tmp_path / "leases", outlet, PATIENT, clock=clock):
            await until(lambda: len(outlet.data) >= 5)
        put(stream, 5, "lost")
        clock.advance(30 * 3600)
        sent = put(stream, 5, "kept")
        async with collecting(config, tmp_path / "leases", outlet, PATIENT, clock=clock) as collector:
            await until(lambda: sent <= set(outlet.data))
            (shard,) = collector.status().shards
            assert (shard.gaps, shard.last_error) == (1, "records_expired_unread")
    assert [batch.gap for batch in outlet.batches if batch.gap] == ["records_expired_unread"]


async def test_an_idle_night_is_no_gap(tmp_path: Path, outlet: MemoryOutlet) -> None:
    clock = TurningClock()
    async with KinesisDouble(clock=clock) as double:
        stream = double.account.create("logs", 1)
        put(stream, 5, "read")
        config = streams(double, mode="polling")
        async with collecting(config, tmp_path / "leases", outlet, PATIENT, clock=clock):
            await until(lambda: len(outlet.data) >= 5)
            clock.advance(30 * 3600)
            await asyncio.sleep(1.0)
        sent = put(stream, 5, "fresh")
        async with collecting(config, tmp_path / "leases", outlet, PATIENT, clock=clock) as collector:
            await until(lambda: sent <= set(outlet.data))
            (shard,) = collector.status().shards
            assert shard.gaps == 0


async def test_a_shard_that_expired_unread_does_not_block_its_children(tmp_path: Path, outlet: MemoryOutlet) -> None:
    clock = TurningClock()
    async with KinesisDouble(clock=clock) as double:
        stream = double.account.create("logs", 1)
        put(stream, 5, "read")
        config = streams(double, mode="polling")
        async with collecting(config, tmp_path / "leases", outlet, PATIENT, clock=clock):
            await until(lambda: len(outlet.data) >= 5)
        (parent,) = stream.shards
        stream.split(parent, 2**127)
        clock.advance(30 * 3600)
        stream.forget_expired()
        sent = put(stream, 10, "children")
        async with collecting(config, tmp_path / "leases", outlet, PATIENT, clock=clock) as collector:
            await until(lambda: sent <= set(outlet.data))
            assert sum(shard.gaps for shard in collector.status().shards) >= 1
    assert "shard_expired_unread" in [batch.gap for batch in outlet.batches if not batch.records]


async def test_a_stream_made_anew_under_its_name_is_another_stream(tmp_path: Path, outlet: MemoryOutlet) -> None:
    async with KinesisDouble() as double:
        put(double.account.create("logs", 2), 20, "old")
        async with collecting(streams(double, mode="polling"), tmp_path / "leases", outlet):
            await until(lambda: len(outlet.data) >= 20)
            del double.account.streams["logs"]
            await asyncio.sleep(1.1)  # identities have a resolution of a second
            sent = put(double.account.create("logs", 1), 20, "new")
            await until(lambda: sent <= set(outlet.data))
        rows = await leases(tmp_path / "leases")
        assert len(rows) == 1


async def test_a_stream_that_comes_later_is_found(tmp_path: Path, outlet: MemoryOutlet) -> None:
    async with (
        KinesisDouble() as double,
        collecting(streams(double, mode="polling"), tmp_path / "leases", outlet) as collector,
    ):
        await until(lambda: [stream.state for stream in collector.status().streams] == ["unreachable"])
        sent = put(double.account.create("logs", 1), 5)
        await until(lambda: set(outlet.data) == sent)


async def test_workers_share_the_shards_and_the_survivor_gets_those_of_the_dead(tmp_path: Path) -> None:
    first, second = MemoryOutlet(), MemoryOutlet()
    async with KinesisDouble() as double:
        stream = double.account.create("logs", 4)
        config = streams(double, mode="polling")
        path = tmp_path / "leases"
        sent = put(stream, 100, "one")
        async with collecting(config, path, first) as survivor:
            await until(lambda: len(first.data) >= 100)
            async with collecting(config, path, second, crash=True) as dead:
                await until(lambda: sum(shard.state == "reading" for shard in dead.status().shards) == 2)
                await until(lambda: sum(shard.state == "reading" for shard in survivor.status().shards) == 2)
                sent |= put(stream, 100, "two")
                await until(lambda: len(first.data) + len(second.data) >= 200)
                assert second.data
                assert len(first.data) + len(second.data) == 200  # handing over repeated nothing
            sent |= put(stream, 100, "three")
            await until(lambda: set(first.data) | set(second.data) == sent)
            assert sum(shard.state == "reading" for shard in survivor.status().shards) == 4
