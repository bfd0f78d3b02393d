"""Whole collectors against the Kinesis double: every record arrives, whatever happens on the way."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from service.clock import SystemClock
from service.local.kinesis import KinesisDouble
from service.source.kinesis.collector import CollectOptions, Collector
from service.source.kinesis.coordinator import LeaseTimes
from service.source.kinesis.polling import PollPace
from service.source.kinesis.shard import ShardOptions
from service.source.kinesis.sqlite_leases import SqliteLeases
from service.source.streams import Streams
from tests.source.conftest import MemoryOutlet

QUICK = CollectOptions(
    times=LeaseTimes(failover=1.0, handoff=3.0),
    shard=ShardOptions(checkpoint_seconds=0.1, parents_seconds=0.05, finish_seconds=2.0),
    pace=PollPace(behind=0.01, idle=0.02),
    discovery_seconds=0.5,
)


def streams(double: KinesisDouble, **entry: object) -> Streams:
    stream = {"name": "logs", "start": "TRIM_HORIZON", **entry}
    project = {"id": "shop", "environment": "prod", "region": "eu-central-1", "endpoint_url": double.url}
    return Streams.model_validate({"projects": [{**project, "streams": [stream]}]})


@contextlib.asynccontextmanager
async def collecting(
    config: Streams, path: Path, outlet: MemoryOutlet, options: CollectOptions = QUICK
) -> AsyncIterator[Collector]:
    table = SqliteLeases(path)
    collector = Collector(config, table, outlet, SystemClock(), options=options, rng=random.Random(1))
    stop = asyncio.Event()
    running = asyncio.create_task(collector.run(stop))
    try:
        yield collector
        stop.set()
        await asyncio.wait_for(running, 10)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await table.close()


async def until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


MODES = {
    "polling": {"mode": "polling"},
    "fan_out": {"mode": "fan_out", "consumer": "siem"},
}


@pytest.mark.parametrize("mode", MODES)
async def test_every_record_of_every_shard_arrives_once(mode: str, tmp_path: Path, outlet: MemoryOutlet) -> None:
    async with KinesisDouble() as double:
        stream = double.account.create("logs", 3)
        for number in range(300):
            stream.shard_for(f"key {number}").put(f"early {number}".encode(), f"key {number}")
        async with collecting(streams(double, **MODES[mode]), tmp_path / "leases", outlet) as collector:
            await until(lambda: len(outlet.data) >= 300)
            for number in range(300):
                stream.shard_for(f"key {number}").put(f"late {number}".encode(), f"key {number}")
            await until(lambda: len(outlet.data) >= 600)
            status = collector.status()
        assert sorted(outlet.data) == sorted(f"{word} {number}".encode() for word in ("early", "late") for number in range(300))
        assert status.streams[0].mode.startswith(mode)
        assert {batch.project for batch in outlet.batches} == {"shop"}
