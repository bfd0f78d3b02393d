"""The whole path: messages that wait on the topic ``records`` → a real ``siem run`` with one worker → bulk bodies accepted."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import yaml
from aiokafka import AIOKafkaProducer

from bench import corpus
from bench.measure import cpu_seconds, resident_mb
from bench.stages import PLACES
from service.agents.topics import MAX_MESSAGE_BYTES, TopicNames, create_topics
from service.clock import SystemClock
from service.content import find_content
from service.event import RecordBatch, encode
from service.settings import Kafka

Count = Callable[[], Awaitable[int]]
_POLL_SECONDS = 0.05
_PATIENCE = 1800.0
"""Seconds that a run may take, and one more for each thousand events."""


@dataclass(frozen=True, slots=True)
class Run:
    """One drain of a topic."""

    events: int
    wall_seconds: float
    """From just before the first documents were accepted to the last."""
    cpu_seconds: float
    """Of the worker over the same time: less than a bulk in flight of work is missing at its beginning."""
    rss_mb: float
    peak_mb: float
    server_cpu_seconds: float = 0.0
    """Of OpenSearch over the same time, where its process was named."""

    @property
    def per_second(self) -> float:
        """Events a second of wall time."""
        return self.events / self.wall_seconds

    @property
    def per_cpu_second(self) -> float:
        """Events a CPU-second of the worker."""
        return self.events / self.cpu_seconds


def row(name: str, runs: list[Run]) -> dict[str, Any]:
    """One line of the report: the run in the middle."""
    middle = sorted(runs, key=lambda run: run.per_cpu_second)[len(runs) // 2]
    return {
        "name": name,
        "events_per_cpu_second": round(middle.per_cpu_second),
        "events_per_second": round(middle.per_second),
        "cpu_us": 1e6 / middle.per_cpu_second,
        "wall_us": 1e6 / middle.per_second,
        "runs": [asdict(run) for run in runs],
        "peak_mb": max(run.peak_mb for run in runs),
        "events": middle.events,
    }


async def fill(servers: str, prefix: str, batches: list[RecordBatch], *, times: int = 1) -> None:
    """Put the batches on ``<prefix>records``, ``times`` over."""
    names, kafka = TopicNames(prefix), Kafka(servers=[servers], partitions=2)
    await create_topics(kafka, names.all(corpus.DATASETS), SystemClock())
    async with AIOKafkaProducer(
        bootstrap_servers=servers, compression_type="zstd", acks="all", max_request_size=MAX_MESSAGE_BYTES
    ) as producer:
        values = [encode(batch) for batch in batches]
        for _ in range(times):
            await asyncio.gather(*[await producer.send(names.records, value) for value in values])


def write_settings(folder: Path, servers: str, url: str, prefix: str, **sections: dict[str, object]) -> Path:
    """A siem.yml for one run."""
    path = folder / f"{prefix}siem.yml"
    said: dict[str, object] = {
        "kafka": {
            "servers": [servers], "topic_prefix": prefix, "group": f"{prefix}siem", "instance": f"{prefix}w", "partitions": 2,
            "session_timeout_seconds": 6,
        },
        "opensearch": {"urls": [url]},
        "enrich": {"geoip": [str(PLACES)]},
        "admin": {"port": 0},
        "paths": {"pipelines": str(find_content().pipelines), "state": str(folder / f"{prefix}state")},
    }  # fmt: skip
    path.write_text(yaml.safe_dump(said | sections))
    return path


async def apply(settings: Path) -> None:
    """``siem apply``."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "service", "apply", "--config", str(settings), stdout=asyncio.subprocess.DEVNULL
    )
    if await process.wait():
        raise RuntimeError("siem apply failed")


@asynccontextmanager
async def loopback(keep: Path | None = None) -> AsyncIterator[str]:
    """URL of a sink that accepts everything."""
    arguments = ["--keep", str(keep)] if keep else []
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.loopback", *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(await process.stdout.readline())}"
    finally:
        process.terminate()
        await process.wait()


async def accepted(session: aiohttp.ClientSession, url: str) -> int:
    """Documents the loopback sink has accepted."""
    async with session.get(f"{url}/stats") as answer:
        return int((await answer.json(content_type=None))["documents"])


async def indexed(session: aiohttp.ClientSession, url: str, dataset: str) -> int:
    """Documents OpenSearch has indexed, visible to searches or not."""
    async with session.get(f"{url}/siem-{dataset}-*/_stats/indexing?filter_path=_all.primaries.indexing.index_total") as answer:
        said = await answer.json(content_type=None)
    return int(said.get("_all", {}).get("primaries", {}).get("indexing", {}).get("index_total", 0))


async def drain(settings: Path, count: Count, events: int, *, server: int = 0) -> Run:
    """Start the service and wait until ``count`` says that all events have arrived; ``server``: OpenSearch's process."""
    log = settings.with_suffix(".log")
    with log.open("ab") as out:
        service = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "service", "run", "--role", "process", "--workers", "1", "--config", str(settings),
            stdout=out, stderr=out, env=os.environ | {"SIEM_LOGGING_LEVEL": "warning"},
        )  # fmt: skip
    try:
        return await _watch(service, log, count, events, server)
    finally:
        if service.returncode is None:
            service.terminate()
            await service.wait()


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


async def _watch(service: asyncio.subprocess.Process, log: Path, count: Count, events: int, server: int) -> Run:
    worker, deadline = 0, time.monotonic() + _PATIENCE + events / 1000
    started, used, serving, peak = time.monotonic(), 0.0, 0.0, 0.0
    while True:
        await asyncio.sleep(_POLL_SECONDS)
        if service.returncode is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the service did not get through: {_end_of(log)}")
        worker = worker or next((child.pid for child in psutil.Process(service.pid).children()), 0)
        if not worker:
            continue
        now, cpu, busy = time.monotonic(), cpu_seconds(worker), cpu_seconds(server) if server else 0.0
        done = await count()
        if not done:
            started, used, serving = now, cpu, busy
        if done >= events:
            peak = resident_mb(worker, "VmHWM")
            spent = cpu_seconds(server) - serving if server else 0.0
            return Run(events, time.monotonic() - started, cpu_seconds(worker) - used, resident_mb(worker), peak, spent)
