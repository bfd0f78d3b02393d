"""Everything that runs: servers behind proxies, a collector and two processors as processes, a producer, the oracle."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Self

import yaml
from opensearchpy import AsyncOpenSearch

from service.content import find_content
from service.local.child import free_port
from service.local.kinesis import KinesisDouble
from service.local.stack import LocalStack
from tests.faults.bulk_proxy import FaultProxy
from tests.faults.certificates import Authority
from tests.faults.events import DATASETS, Maker
from tests.faults.hostile import KINDS
from tests.faults.oracle import Oracle, Verdict
from tests.faults.processes import Process, environment
from tests.faults.producer import LANES, Producer
from tests.faults.proxies import TcpProxy

PATIENCE = 300.0
"""Seconds after which a fault that is over counts as not recovered from."""
PLATEAU = 25.0
"""Seconds without anything new after which no more is waited for."""


@dataclass(slots=True)
class Options:
    """How large and how unpleasant."""

    seed: int = 1
    rate: int = 120
    mutation: str = ""
    heap: str = "768m"
    lasting: bool = False
    """Servers compile as in production."""
    workers: int = 2
    outage_seconds: float = 8.0
    """How long Kafka and OpenSearch are gone where a fault says so; the long form takes 120."""


@dataclass(slots=True)
class Stage:
    """Use as an async context manager; afterwards nothing is left running."""

    options: Options
    rng: Random = field(init=False)
    stack: LocalStack = field(init=False)
    kafka: TcpProxy = field(init=False)
    search: FaultProxy = field(init=False)
    leases: FaultProxy = field(init=False)
    authority: Authority = field(init=False)
    maker: Maker = field(init=False)
    producer: Producer = field(init=False)
    client: AsyncOpenSearch = field(init=False)
    oracle: Oracle = field(init=False)
    collector: Process = field(init=False)
    processor: Process = field(init=False)
    extra: list[Process] = field(default_factory=list)
    _load: asyncio.Task[None] | None = None
    _exit: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def kinesis(self) -> KinesisDouble:
        """The Kinesis double."""
        return self.stack.kinesis

    @property
    def control(self) -> Path:
        """Where the processes under test look for what to suffer."""
        return self.stack.folder / "control"

    @property
    def tuning(self) -> Path:
        """The deployment's tuning folder, which may change while all runs."""
        return self.stack.folder / "tuning"

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._exit.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exit.aclose()

    async def _start(self) -> None:
        enter = self._exit.enter_async_context
        self.rng = Random(self.options.seed)
        self.kafka = TcpProxy()
        self.stack = LocalStack(heap=self.options.heap, lasting=self.options.lasting, kafka_advertised=self.kafka.port)
        await enter(self.stack)
        self.kafka.target = int(self.stack.kafka_bootstrap.rpartition(":")[2])
        await enter(self.kafka)
        for folder in (self.control, self.tuning):
            folder.mkdir()
        self.authority = Authority(self.stack.folder, "authority")
        self.search = await enter(FaultProxy(self.stack.opensearch_url, self.authority.server("search")))
        self.leases = await enter(FaultProxy(self.stack.dynamodb_url))
        self.client = AsyncOpenSearch([self.stack.opensearch_url], timeout=60, max_retries=10, retry_on_timeout=True)
        self._exit.push_async_callback(self.client.close)
        self.maker = Maker(self.options.seed, time.time_ns() // 1_000_000)
        self.producer = Producer(self.kinesis, self.maker, Random(self.options.seed + 1), rate=self.options.rate)
        self.oracle = Oracle(self.client, self.maker)
        for lane in LANES:
            self.kinesis.account.create(lane.stream, 2)
        self.collector = self.process("collector", "collect", 1)
        self.processor = self.process("processor", "process", self.options.workers)
        await self._apply()
        for process in (self.collector, self.processor):
            process.start()
            self._exit.push_async_callback(process.stop)
        self._exit.push_async_callback(self.pause_load)

    def process(self, name: str, role: str, workers: int) -> Process:
        """A container of its own: another name in the group, another state folder."""
        folder = self.stack.folder / name
        folder.mkdir(exist_ok=True)
        config = folder / "siem.yml"
        config.write_text(yaml.safe_dump(self._settings(name, workers), sort_keys=False))
        (folder / "streams.yml").write_text(yaml.safe_dump(self._streams()))
        return Process(name, config, role, workers, environment(self.control, self.options.mutation))

    def _settings(self, name: str, workers: int) -> dict[str, dict[str, object]]:
        return {
            "kafka": {
                "servers": [f"127.0.0.1:{self.kafka.port}"], "partitions": 4, "instance": name, "session_timeout_seconds": 6,
            },
            "opensearch": {
                "urls": [self.search.url], "ca_file": str(self.authority.file), "bulk_wait_seconds": 0.3,
                "request_timeout_seconds": 8,
            },
            "leases": {"kind": "dynamodb", "region": "eu-west-1", "endpoint": self.leases.url, "duration_seconds": 3},
            "collect": {"streams": "streams.yml"},
            "process": {"workers": workers, "drain_seconds": 5},
            "admin": {"port": free_port()},
            "paths": {
                "pipelines": str(find_content().pipelines), "tuning": str(self.tuning),
                "state": str(self.stack.folder / name / "state"),
            },
        }  # fmt: skip

    def _streams(self) -> dict[str, object]:
        return {
            "projects": [
                {
                    "id": lane.project, "environment": lane.environment, "accounts": [lane.account], "region": "eu-west-1",
                    "endpoint_url": self.kinesis.url,
                    "streams": [
                        {"name": lane.stream, "start": "TRIM_HORIZON", "consumer": "siem", "mode": lane.mode}
                        if lane.mode != "polling"
                        else {"name": lane.stream, "start": "TRIM_HORIZON", "mode": "polling"}
                    ],
                }
                for lane in LANES
            ]
        }  # fmt: skip

    async def _apply(self) -> None:
        code, said = await self._siem("apply")
        if code:
            raise RuntimeError(f"siem apply failed:\n{said[-2000:]}")

    async def ledger(self) -> str:
        """What ``siem ledger`` says about all of it: the product's own account beside the oracle's."""
        code, said = await self._siem("ledger")
        last = said.strip().splitlines()[-1:] or [""]
        return f"exit {code}: {last[0]}"

    async def _siem(self, verb: str) -> tuple[int, str]:
        config = self.stack.folder / "processor" / "siem.yml"
        command = (sys.executable, "-m", "service", verb, "--config", str(config))
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=environment(self.control)
        )
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode(errors="replace")

    async def warm_up(self) -> None:
        """One record of every dataset through every lane: a cold OpenSearch makes twelve indices, and that is no fault."""
        now = asyncio.get_running_loop().time()
        for lane in LANES:
            for dataset in DATASETS:
                self.producer.put(lane, dataset, 2, now)
            self.producer.put(lane, KINDS[0].dataset, 0, now, kind=KINDS[0])
        await self.recovered()
        # A killed node reads its translog again before it answers: half a gigabyte, the default, takes two cores minutes.
        await self.client.indices.put_settings(index="siem-*", body={"index.translog.flush_threshold_size": "64mb"})

    def start_load(self) -> None:
        """Let events flow."""
        if self._load is None:
            self._load = asyncio.create_task(self.producer.run())

    async def pause_load(self) -> None:
        """No further event."""
        if self._load is not None:
            self._load.cancel()
            await asyncio.gather(self._load, return_exceptions=True)
            self._load = None

    async def recovered(self, seconds: float = PATIENCE) -> float:
        """How long it takes, from now, until fresh probes pass and what was sent before them has arrived.

        Raises TimeoutError.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        probes = self.producer.probe(began)
        owed = self.producer.ledger.events + self.producer.ledger.letters
        async with asyncio.timeout(seconds):
            while True:
                if sum(await self.oracle.counts()) >= owed and await self.oracle.has(probes):
                    return loop.time() - began
                await asyncio.sleep(max(0.3, (loop.time() - began) / 30))  # each look makes the node write segments

    async def flowing(self, seconds: float = PATIENCE) -> None:
        """Return when fresh probes pass, whatever became of what was before them; raises TimeoutError."""
        probes = self.producer.probe(asyncio.get_running_loop().time())
        async with asyncio.timeout(seconds):
            while not await self.oracle.has(probes):
                await self.client.indices.refresh(index="siem-*", params={"ignore_unavailable": "true"})
                await asyncio.sleep(0.3)

    async def settled(self) -> Verdict:
        """The verdict once all has arrived, or nothing more does; the load must be paused."""
        loop = asyncio.get_running_loop()
        ledger = self.producer.ledger
        found, since = (-1, -1), loop.time()
        while loop.time() - since < PLATEAU:
            counts = await self.oracle.counts()
            if counts == (ledger.events - len(ledger.dead), ledger.letters + len(ledger.dead)):
                break
            if counts != found:
                found, since = counts, loop.time()
            await asyncio.sleep(0.5)
        return await self.oracle.verdict(ledger)

    async def begin_anew(self, mutation: str = "") -> None:
        """Another run on the same servers, as if nothing had been before; the processor has this deliberate bug."""
        await self.pause_load()
        await self.processor.stop()
        await self.client.indices.delete(index="siem-*", params={"ignore_unavailable": "true"})
        self.options.mutation = mutation
        self.maker = Maker(self.options.seed, time.time_ns() // 1_000_000)
        self.producer = Producer(self.kinesis, self.maker, Random(self.options.seed + 1), rate=self.options.rate)
        self.oracle = Oracle(self.client, self.maker)
        self.processor = self.process("processor", "process", self.options.workers)
        self.processor.start()
        self._exit.push_async_callback(self.processor.stop)

    def point(self, name: str) -> Path:
        """Have the next worker that comes by the failpoint die there; the file vanishes when one did."""
        file = self.control / f"point-{name}"
        file.touch()
        return file

    def keep_logs(self, folder: Path) -> None:
        """Copy what the processes under test said."""
        folder.mkdir(parents=True, exist_ok=True)
        for log in self.stack.folder.glob("*/*.log"):
            (folder / log.name).write_bytes(log.read_bytes())

    def turn_clocks(self, milliseconds: int) -> None:
        """Make the wall clock of every process under test wrong by so much."""
        staged = self.control / "clock.new"
        staged.write_text(str(milliseconds))
        staged.rename(self.control / "clock")
