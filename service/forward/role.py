"""``siem forward`` as a process: every project's queues are read until it is told to stop; then it drains."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.metadata import version

import structlog

from service.clock import Clock
from service.decode.tables import NONE, Tables
from service.forward.bounds import MIB, Bounds
from service.forward.connecting import Clients
from service.forward.forwarder import Forwarder
from service.forward.producer import Producer, PutLimits
from service.forward.queue import QueueReader, QueueTimes
from service.settings import Forward, Settings
from service.source.forwarding import ForwardProject, ForwardRules, Meant
from service.telemetry import events, metrics
from service.telemetry.admin import AdminServer
from service.telemetry.board import Board, WorkerLine
from service.telemetry.memory import resident_bytes
from service.telemetry.meters import Meters
from service.telemetry.problems import Problems
from service.telemetry.report import Report, SourceLine

log = structlog.get_logger()

_REQUEST = 5 * MIB
_FLUSH_SECONDS = 10.0
"""After the drain, for what was read and is not on the stream."""


@dataclass(slots=True)
class ProjectForward:
    """One project at work."""

    project: ForwardProject
    producer: Producer
    forwarders: list[Forwarder] = field(default_factory=list)
    readers: list[QueueReader] = field(default_factory=list)

    def trouble(self) -> str:
        """Why nothing moves, if nothing does."""
        return self.producer.trouble or next((reader.trouble for reader in self.readers if reader.trouble), "")


def bounds_of(settings: Forward) -> Bounds:
    """What one object may cost."""
    record = settings.record_bytes
    return Bounds(unit=settings.unit_bytes, output=settings.object_bytes, record=record, frame=min(Bounds().frame, record // 2))


def put_limits_of(settings: Forward) -> PutLimits:
    """How records are put together and sent."""
    return PutLimits(
        record=settings.record_bytes, request=max(_REQUEST, settings.record_bytes), requests=settings.requests_in_flight,
        buffer=settings.buffer_bytes,
    )  # fmt: skip


@contextlib.asynccontextmanager
async def connected(
    settings: Forward, rules: ForwardRules, clock: Clock, tables: Tables = NONE
) -> AsyncIterator[list[ProjectForward]]:
    """Every project ready to work; leaving ends what is still on its way."""
    rng = random.Random()  # noqa: S311 - jitter and partition keys, no secrets
    queues = sum(len(project.queues) for project in rules.projects)
    threads = ThreadPoolExecutor(queues * settings.objects_at_once, thread_name_prefix="forward")
    projects: list[ProjectForward] = []
    async with Clients(settings.objects_at_once) as clients:
        try:
            for project in rules.projects:
                producer = Producer(clients.kinesis(project), project.stream, clock, rng, put_limits_of(settings))
                at_work = ProjectForward(project, producer)
                projects.append(at_work)
                for queue in project.queues:
                    forwarder = Forwarder(
                        await clients.s3(project, queue), producer, Meant(queue.buckets, queue.keys, queue.ignore),
                        clock=clock, rng=rng, threads=threads, bounds=bounds_of(settings), tables=tables,
                    )  # fmt: skip
                    reader = QueueReader(
                        await clients.sqs(project, queue), queue.url, forwarder.forward, at_once=settings.objects_at_once,
                        clock=clock, rng=rng, times=QueueTimes(visibility=settings.visibility_seconds),
                    )  # fmt: skip
                    at_work.forwarders.append(forwarder)
                    at_work.readers.append(reader)
            yield projects
        finally:
            for at_work in projects:
                await at_work.producer.abandon()
            threads.shutdown(wait=False, cancel_futures=True)


class Role:
    """The running role; ``run`` once."""

    def __init__(
        self, settings: Settings, rules: ForwardRules, tables: Tables, clock: Clock, meters: Meters, problems: Problems
    ) -> None:
        """Connect to nothing yet."""
        self._settings = settings
        self._rules = rules
        self._tables = tables
        self._clock = clock
        self._meters = meters
        self._problems = problems
        self._stop = asyncio.Event()
        self.board = Board(clock, "forward", Meters(), problems, version("kinesiem"), started_ms=clock.now_ms())
        self.board.workers["0"] = WorkerLine("0", os.getpid(), started_ms=clock.now_ms())
        self.url = ""
        """Where the status page is, while running."""

    async def run(self) -> int:
        """Work until told to stop; returns the exit code. Raises OSError when the admin port is taken."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        async with AdminServer(self._settings.admin, self.board) as admin:
            self.url = admin.url
            async with connected(self._settings.forward, self._rules, self._clock, self._tables) as projects:
                log.info(events.FORWARD_STARTED, projects=len(projects), queues=sum(len(each.readers) for each in projects))
                ticking = asyncio.create_task(self._tick(projects))
                await self._work(projects)
                ticking.cancel()
                self._report(projects)
        log.info(events.FORWARD_STOPPED, done=sum(reader.done for each in projects for reader in each.readers))
        return 0

    def stop(self) -> None:
        """Drain and stop; asked a second time, stop at once."""
        if self._stop.is_set():
            os._exit(1)
        log.info(events.STOP_REQUESTED)
        self.board.stopping = True
        self._stop.set()

    async def _work(self, projects: list[ProjectForward]) -> None:
        drain = self._settings.forward.drain_seconds
        async with asyncio.TaskGroup() as group:
            for each in projects:
                for reader in each.readers:
                    group.create_task(reader.run(self._stop, drain))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FLUSH_SECONDS):
                for each in projects:
                    await each.producer.close()

    async def _tick(self, projects: list[ProjectForward]) -> None:
        while True:
            self._report(projects)
            await self._clock.sleep(1.0)

    def _report(self, projects: list[ProjectForward]) -> None:
        for each in projects:
            count(self._meters, each)
        state = "draining" if self._stop.is_set() else "ready"
        sources = [_line(each) for each in projects]
        self.board.hear(
            "0",
            Report(
                "0", os.getpid(), state, 0, self._meters.snapshot(), self._problems.latest(), sources, [], [], resident_bytes()
            ),
        )


def _line(each: ProjectForward) -> SourceLine:
    project, trouble = each.project, each.trouble()
    name = project.stream.rpartition("/")[2]
    return SourceLine(project.id, project.environment, name, "unreachable" if trouble else "forwarding", "S3", 0, None, trouble)


def count(meters: Meters, each: ProjectForward) -> None:
    """Set the project's numbers."""
    labels = (each.project.id, each.project.environment)
    put = each.producer.counts
    for fate in ("forwarded", "ignored", "lost", "later"):
        meters.set(metrics.FORWARD_OBJECTS, sum(f.counts.objects[fate] for f in each.forwarders), (*labels, fate))
    for code in {code for forwarder in each.forwarders for code in forwarder.counts.letters}:
        meters.set(metrics.FORWARD_LETTERS, sum(f.counts.letters[code] for f in each.forwarders), (*labels, code))
    meters.set(metrics.FORWARD_BYTES, sum(f.counts.bytes for f in each.forwarders), labels)
    meters.set(metrics.FORWARD_UNITS, sum(f.counts.units for f in each.forwarders), labels)
    meters.set(metrics.FORWARD_PUT_BYTES, put.bytes, labels)
    for code, records in put.retries.items():
        meters.set(metrics.FORWARD_RETRIES, records, (*labels, code))
    meters.set(metrics.FORWARD_WORKING, sum(reader.working for reader in each.readers), labels)
    meters.set(metrics.FORWARD_HELD, float(bool(each.trouble())), labels)
