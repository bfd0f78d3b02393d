"""A double with a journal comes back as it was, whatever ended it."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from service.local.kinesis import KinesisDouble, TurningClock
from tests.contracts.kinesis_calls import create, put, read
from tests.contracts.kinesis_servers import client_of


class TickingClock(TurningClock):
    """No two readings are of the same millisecond: what must have happened at one time has to read it once."""

    def now_ms(self) -> int:
        self.advance(0.001)
        return super().now_ms()


def picture(double: KinesisDouble) -> dict[str, Any]:
    """Everything of a double that a client can see."""
    return {
        name: (
            stream.arn,
            stream.created_ms,
            stream.retention_hours,
            stream.max_record_bytes,
            stream.consumers,
            [
                (shard.shard_id, shard.hash_range, shard.lineage, shard.first, shard.newest, shard.last_possible, shard.closed_ms)
                for shard in stream.shards.values()
            ],
            [shard.read(0, 10_000, 1 << 30).records for shard in stream.shards.values()],
        )
        for name, stream in double.account.streams.items()
    }


def busy(double: KinesisDouble, clock: TurningClock) -> None:
    """A bit of everything."""
    double.account.create("gone", 1)
    stream = double.account.create("logs", 3, on_demand=True)
    for number in range(50):
        stream.shard_for(str(number)).put(bytes([number]) * number, f"ключ {number}")
        clock.advance(0.37)
    stream.register("siem")
    stream.register("other")
    stream.rescale(4)
    stream.shard_for("late").put(b"late", "late")
    clock.advance(0.999)
    stream.rescale(2)
    stream.retain(48)
    stream.admit(2 << 20)
    stream.deregister("other")
    double.account.delete("gone")


def test_a_journal_replays_to_the_same_streams_with_the_same_numbers(tmp_path: Path) -> None:
    clock = TickingClock()
    first = KinesisDouble(clock=clock, journal=tmp_path / "journal")
    busy(first, clock)
    clock.advance(1000)
    second = KinesisDouble(clock=clock, journal=tmp_path / "journal")
    assert picture(second) == picture(first)
    second.account.stream("logs").shard_for("k").put(b"more", "k")
    third = KinesisDouble(clock=clock, journal=tmp_path / "journal")
    assert picture(third) == picture(second)


@pytest.mark.parametrize("cut", [1, 3, 4, 5, 20])
def test_an_entry_that_a_crash_cut_off_is_cut_away(tmp_path: Path, cut: int) -> None:
    file = tmp_path / "journal"
    double = KinesisDouble(journal=file)
    stream = double.account.create("logs", 1)
    stream.shard_for("k").put(b"whole", "k")
    before, size = picture(double), file.stat().st_size
    stream.shard_for("k").put(b"cut off in the middle", "k")
    with file.open("r+b") as opened:
        opened.truncate(size + cut)
    again = KinesisDouble(journal=file)
    assert picture(again) == before
    assert file.stat().st_size == size


async def test_a_double_that_is_killed_comes_back_with_what_it_acknowledged(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "service", "double", "--port", "0", "--journal", str(tmp_path / "journal")]
    acknowledged: list[str] = []
    for round_number in range(2):
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().split()[-1]
        async with client_of(url) as client:
            if round_number == 0:
                await create(client)
            acknowledged += [f"{round_number}-{n}" for n in range(20)]
            await put(client, *acknowledged[-20:])
            process.send_signal(signal.SIGKILL)
        await process.communicate()
    async with KinesisDouble(journal=tmp_path / "journal") as double, client_of(double.url) as client:
        assert (await read(client, "shardId-000000000000", "TRIM_HORIZON")).texts == acknowledged
