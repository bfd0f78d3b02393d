"""Running collectors against the Kinesis double, at a pace for tests."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

from service.clock import Clock, SystemClock
from service.local.kinesis import KinesisDouble, Limits
from service.local.kinesis.stream import Stream
from service.source.kinesis.collector import CollectOptions, Collector
from service.source.kinesis.coordinator import LeaseTimes
from service.source.kinesis.lease import Lease
from service.source.kinesis.polling import PollPace
from service.source.kinesis.sqlite_leases import SqliteLeases
from service.source.kinesis.surroundings import ShardOptions
from service.source.streams import Streams
from tests.source.conftest import MemoryOutlet

QUICK = CollectOptions(
    times=LeaseTimes(failover=1.0, handoff=3.0),
    shard=ShardOptions(checkpoint_seconds=0.1, parents_seconds=0.05, finish_seconds=2.0),
    pace=PollPace(behind=0.01, idle=0.02),
    discovery_seconds=0.5,
)
PATIENT = replace(QUICK, times=LeaseTimes(failover=1e6, handoff=1e6))
"""For tests that let the clock jump: no lease runs out."""

SWIFT = replace(Limits.none(), takeover_seconds=0.05, heartbeat_seconds=0.1)
"""A double that lets subscriptions be opened again at once, and whose empty events come at the pace of tests."""

MODES: dict[str, dict[str, object]] = {
    "polling": {"mode": "polling"},
    "fan_out": {"mode": "fan_out", "consumer": "siem"},
}


def streams(double: KinesisDouble, *entries: dict[str, object], **entry: object) -> Streams:
    wanted = entries or ({"name": "logs", **entry},)
    project = {"id": "shop", "environment": "prod", "region": "eu-central-1", "endpoint_url": double.url}
    return Streams.model_validate({"projects": [{**project, "streams": list(wanted)}]})


@contextlib.asynccontextmanager
async def collecting(
    config: Streams,
    path: Path,
    outlet: MemoryOutlet,
    options: CollectOptions = QUICK,
    *,
    clock: Clock | None = None,
    crash: bool = False,
) -> AsyncIterator[Collector]:
    """A collector that runs meanwhile; then it drains, or with ``crash`` is torn down with all it had in flight."""
    table = SqliteLeases(path)
    collector = Collector(config, table, outlet, clock or SystemClock(), options=options, rng=random.Random(1))
    stop = asyncio.Event()
    running = asyncio.create_task(collector.run(stop))
    try:
        yield collector
        if not crash:
            stop.set()
            await asyncio.wait_for(running, 10)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await table.close()


async def until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait for something that other tasks bring about."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def leases(path: Path) -> dict[str, Lease]:
    """The lease table by shard id."""
    table = SqliteLeases(path)
    await table.prepare()
    found = {lease.shard: lease for lease in await table.list()}
    await table.close()
    return found


def put(stream: Stream, count: int, word: str = "record", size: int = 0) -> set[bytes]:
    """Put records under different keys; what was put."""
    sent = set()
    for number in range(count):
        data = f"{word} {number} ".encode() + b"." * size
        stream.shard_for(f"{word} {number}").put(data, f"{word} {number}")
        sent.add(data)
    return sent
