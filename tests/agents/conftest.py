"""A service of the test's own over the shared broker: settings, traffic, a loopback ``_bulk``."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import aiohttp
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from service.agents.topics import TopicNames, create_topics
from service.clock import SystemClock
from service.event import Record, RecordBatch, encode
from service.settings import Settings, load_settings
from tests.agents.bulk_double import BulkDouble
from tests.conftest import FEW

CHECKOUT = Path(__file__).resolve().parents[2]
BORN_MS = 1_795_000_000_000


@pytest.fixture
async def bulk() -> AsyncIterator[BulkDouble]:
    async with BulkDouble() as double:
        yield double


@pytest.fixture
async def config(kafka: str, unique: str, bulk: BulkDouble, few: Path, tmp_path: Path) -> AsyncIterator[Path]:
    """Path of a ``siem.yml`` with names of its own; its topics exist."""
    path = tmp_path / "siem.yml"
    path.write_text(
        f"""
kafka: {{ servers: ["{kafka}"], group: {unique}, instance: {unique}, topic_prefix: "{unique}-", partitions: 4 }}
opensearch: {{ urls: ["{bulk.url}"], bulk_wait_seconds: 0.2 }}
process: {{ drain_seconds: 10 }}
admin: {{ port: 0 }}
paths: {{ pipelines: "{few}", state: "{tmp_path / "state"}" }}
""",
        encoding="utf-8",
    )
    settings = load_settings(path, {})
    names = TopicNames(settings.kafka.topic_prefix)
    topics = names.all(FEW)
    await create_topics(settings.kafka, topics, SystemClock())
    yield path
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.delete_topics(topics)
    await admin.close()


@pytest.fixture
def settings(config: Path) -> Settings:
    return load_settings(config, {})


def flow_record(number: int, events: int) -> Record:
    """A CloudWatch record of VPC flow lines; log event ids are unique by ``number``."""
    lines = [
        {
            "id": f"{number:028d}{at:028d}",
            "timestamp": BORN_MS,
            "message": f"2 111111111111 eni-0a1b2c3d4e5f60718 192.0.2.{at % 250} 198.51.100.7 {1024 + at} 443 6 10 8400 "
            f"{BORN_MS // 1000} {BORN_MS // 1000 + 60} ACCEPT OK",
        }
        for at in range(events)
    ]
    envelope = {
        "messageType": "DATA_MESSAGE", "owner": "111111111111", "logGroup": "vpc-flow-logs", "logStream": "eni-0a1b-all",
        "subscriptionFilters": ["all"], "logEvents": lines,
    }  # fmt: skip
    data = gzip.compress(json.dumps(envelope).encode(), 1)
    return Record(data, "k", str(49590338271490256608559692538361571095921575989136588898 + number), 0, BORN_MS)


async def publish(settings: Settings, records: Iterable[Record], *, together: int = 5) -> None:
    """Put records on the topic ``records``, as a collector does."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka.servers, compression_type="zstd", acks="all")
    await producer.start()
    batch: list[Record] = []
    topic = TopicNames(settings.kafka.topic_prefix).records
    for record in records:
        batch.append(record)
        if len(batch) == together:
            await producer.send(topic, encode(RecordBatch("shop", "prod", "audit", "shardId-000000000000", batch)))
            batch = []
    if batch:
        await producer.send(topic, encode(RecordBatch("shop", "prod", "audit", "shardId-000000000000", batch)))
    await producer.stop()


PROOF: list[str] = []
"""What a service of this session saw to compile (``service/proof.py``): the content is the same for most of them."""


class Service:
    """A ``siem run`` in a process of its own."""

    def __init__(self, config: Path, *arguments: str, log: Path) -> None:
        self._arguments = [sys.executable, "-m", "service", "run", "--config", str(config), *arguments]
        self._log = log
        self._proof = load_settings(config, {}).paths.state / "proof"
        self.process: asyncio.subprocess.Process | None = None
        self.url = ""

    async def launch(self) -> None:
        if PROOF and not self._proof.exists():
            self._proof.parent.mkdir(parents=True, exist_ok=True)
            self._proof.write_text(PROOF[0])
        with self._log.open("ab") as out:
            self.process = await asyncio.create_subprocess_exec(*self._arguments, stdout=out, stderr=out, cwd=CHECKOUT)

    async def start(self) -> None:
        before = self._log.stat().st_size if self._log.exists() else 0
        await self.launch()
        async with asyncio.timeout(30):
            while not (found := [line["url"] for line in self.lines(before) if line.get("event") == "admin_listening"]):
                await asyncio.sleep(0.05)
        self.url = found[0]

    def lines(self, since: int = 0) -> list[dict[str, str]]:
        """Its log, parsed; anything that is not JSON fails the test."""
        return [json.loads(line) for line in self._log.read_bytes()[since:].splitlines() if line.endswith(b"}")]

    async def status(self) -> dict[str, object]:
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}status.json") as answer:
            found: dict[str, object] = await answer.json()
            return found

    async def ready(self, seconds: float = 60) -> None:
        async with asyncio.timeout(seconds), aiohttp.ClientSession() as session:
            while True:
                async with session.get(f"{self.url}health/ready") as answer:
                    if answer.status == 200:
                        PROOF[:] = [self._proof.read_text()] if self._proof.exists() else PROOF
                        return
                await asyncio.sleep(0.1)

    async def worker_pids(self) -> list[int]:
        workers = (await self.status())["workers"]
        assert isinstance(workers, list)
        return [worker["pid"] for worker in workers]

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(60):
            return await self.process.wait()


@pytest.fixture
async def service(config: Path, tmp_path: Path) -> AsyncIterator[Service]:
    """One worker of the role process; not started."""
    made = Service(config, "--role", "process", log=tmp_path / "log")
    yield made
    if made.process is not None and made.process.returncode is None:
        made.process.kill()
        await made.process.wait()


async def until(condition: object, seconds: float = 60) -> None:
    """Wait until ``condition()`` is true."""
    assert callable(condition)
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.05)


def kill(pid: int) -> None:
    """kill -9; what the status page still names may be gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
