"""One worker process, started by the supervisor: runs the parts of ``service.app``, reports, drains, exits.

Exit codes: 0 drained, 70 something unexpected (start me again), 78 the configuration is wrong (do not), 75 my parent died.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

import msgspec
import structlog
import uvloop

from service import early

if __name__ == "__main__":
    early.calm()  # before what takes seconds: importing the pipeline

from service.agents.connection import close_on_broken_writes
from service.app import Parts, running
from service.clock import Clock, SystemClock
from service.errors import ContentError, ContentErrors
from service.heap import calm_the_collector, give_back_holes, keep_large_blocks_apart
from service.loading import Content, Role, content_to_start_with, faults_of
from service.reload import Reloader, Signature, signature
from service.reporter import Reporter
from service.settings import Settings, load_settings
from service.telemetry import events
from service.telemetry.log import configure
from service.telemetry.meters import Meters
from service.telemetry.problems import Problems

EXIT_CRASHED = 70
EXIT_ORPHANED = 75
EXIT_CONFIGURATION = 78
UNCLEAN_SECONDS = 15.0
"""Beyond the drain's deadline: a client that does not close must not keep the process."""
CRASH_SECONDS = 5.0

log = structlog.get_logger()


class Order(msgspec.Struct):
    """What the supervisor wants; its JSON is the process's only argument."""

    config: str | None
    role: Role
    number: int
    socket: int


def main(argument: str) -> None:
    """Run until told to stop; never returns."""
    order = msgspec.json.decode(argument, type=Order)
    clock, meters = SystemClock(), Meters()
    problems = Problems(clock)
    try:
        settings = load_settings(Path(order.config) if order.config else None)
        configure(
            level=settings.logging.level,
            form=settings.logging.format,
            secrets=settings.secrets(),
            clock=clock,
            meters=meters,
            problems=problems,
            worker=str(order.number),
        )
        seen = signature(settings)  # before: what changes while it is read is read again
        content = content_to_start_with(settings, order.role)
    except (ContentErrors, ContentError) as errors:
        refuse(errors)
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    close_on_broken_writes()
    worker = Worker(order, settings, content, seen, clock, meters, problems)
    with asyncio.Runner() as runner:
        code = runner.run(worker.run())
        # Not through the interpreter's end: a library's thread that does not stop must not keep us.
        _leave(code)


def refuse(errors: ContentErrors | ContentError) -> NoReturn:
    """Say what is wrong with the configuration, and end."""
    for fault in faults_of(errors):
        log.error(events.CONFIGURATION_REFUSED, fault=str(fault))
    _leave(EXIT_CONFIGURATION)


def _leave(code: int) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class Worker:
    """The life of a worker process."""

    def __init__(
        self,
        order: Order,
        settings: Settings,
        content: Content,
        seen: Signature,
        clock: Clock,
        meters: Meters,
        problems: Problems,
    ) -> None:
        """Start nothing yet. ``seen``: see Reloader."""
        self._order = order
        self._settings = settings
        self._content = content
        self._seen = seen
        self._clock = clock
        self._meters = meters
        self._problems = problems
        self._stop = asyncio.Event()
        self._ending = asyncio.Event()
        self._patience = settings.process.drain_seconds * 2 + UNCLEAN_SECONDS
        self._life: asyncio.Task[int] | None = None
        self._reporter: Reporter | None = None
        self._reloader: Reloader | None = None

    async def run(self) -> int:
        """Return the exit code."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._terminate)
        loop.add_signal_handler(signal.SIGINT, lambda: None)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        async with Reporter(str(self._order.number), self._order.socket, self._meters, self._problems, self._clock) as reporter:
            self._reporter = reporter
            life = self._life = asyncio.create_task(self._live(reporter))
            ending = asyncio.create_task(self._ending.wait())
            orphaned = asyncio.create_task(reporter.parent_gone())
            await asyncio.wait((life, ending, orphaned), return_when=asyncio.FIRST_COMPLETED)
            if orphaned.done():
                _leave(EXIT_ORPHANED)
            done, _ = await asyncio.wait((life, orphaned), timeout=self._patience, return_when=asyncio.FIRST_COMPLETED)
            code = life.result() if life in done else EXIT_CRASHED
        log.info(events.SERVICE_STOPPED, clean=code == 0)
        return code

    def _terminate(self) -> None:
        if self._stop.is_set():
            _leave(1)
        self._stop.set()
        self._ending.set()
        if self._reporter is not None and self._life is not None:
            if self._reporter.state == "starting":
                self._life.cancel()
            self._reporter.state = "draining"

    def _reload(self) -> None:
        if self._reloader is not None:
            self._reloader.ask()

    async def _live(self, reporter: Reporter) -> int:
        log.info(events.WORKER_STARTED, role=self._order.role, pipelines=len(self._content.pipelines))
        instance = f"{self._settings.kafka.instance}-{self._order.number}"
        try:
            async with running(self._settings, self._content, self._order.role, instance, self._meters, self._clock) as parts:
                return await self._until_ended(parts, reporter)
        except asyncio.CancelledError:
            return 0
        except Exception:
            if self._stop.is_set() and reporter.parts is None:
                # Parts that were cancelled while they started, each in its own way; nothing was in their hands.
                log.warning(events.START_ABANDONED, exc_info=True)
                return 0
            log.exception(events.WORKER_CRASHED)
            return EXIT_CRASHED

    async def _until_ended(self, parts: Parts, reporter: Reporter) -> int:
        reporter.parts = parts
        reporter.state = "ready"
        self._reloader = Reloader(self._settings, self._content, self._seen, self._order.role, parts, self._meters, self._clock)
        reloading = asyncio.create_task(self._reloader.watch())
        calm_the_collector()
        keep_large_blocks_apart()
        giving_back = asyncio.create_task(give_back_holes(self._clock))
        log.info(events.WORKER_READY)
        crashed = asyncio.create_task(parts.app.until_crashed())
        stopped = asyncio.create_task(self._stop.wait())
        await asyncio.wait((crashed, stopped), return_when=asyncio.FIRST_COMPLETED)
        reloading.cancel()
        giving_back.cancel()
        stopped.cancel()
        if not crashed.done():
            crashed.cancel()
            return 0
        log.error(events.WORKER_CRASHED, reason=repr(parts.app.crash_reason), exc_info=parts.app.crash_reason)
        parts.app.drain_seconds = 0.0
        self._patience = CRASH_SECONDS
        self._ending.set()
        return EXIT_CRASHED


if __name__ == "__main__":
    main(sys.argv[1])
