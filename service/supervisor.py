"""``siem run``'s own process: starts workers, keeps them running, gathers their reports, serves the status page.

It holds no events and imports nothing of the pipeline, so that it stays small and alive whatever happens to a worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import IO

import msgspec
import structlog

from service.clock import Clock
from service.settings import Settings
from service.telemetry import events
from service.telemetry.admin import AdminServer
from service.telemetry.board import Board, WorkerLine
from service.telemetry.meters import Meters
from service.telemetry.problems import Problems
from service.telemetry.report import frame_length, unpack_report

log = structlog.get_logger()

EXIT_CONFIGURATION = 78
FIRST_RESTART_SECONDS = 0.5
LONGEST_RESTART_SECONDS = 30.0
STEADY_SECONDS = 60.0
"""A worker that ran this long starts over without delay when it ends."""
KILL_SECONDS = 20.0
"""Beyond a worker's own deadlines."""
SILENT_SECONDS = 60.0
"""A worker that says nothing for this long hangs (or was paused): it is killed and started again."""

Lag = Callable[[], Awaitable[dict[str, int]]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run."""

    config: Path | None
    role: str
    workers: int


class StateInUseError(Exception):
    """Another service runs with this state folder."""


@contextlib.contextmanager
def state_lock(folder: Path, role: str) -> Iterator[None]:
    """Hold the state folder for this role; raises StateInUseError when another process does.

    Two of them would fence each other out of the consumer group for ever.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        for part in ("collect", "process") if role == "both" else (role,):
            file: IO[str] = stack.enter_context((folder / f"{part}.lock").open("w", encoding="ascii"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StateInUseError(str(folder)) from error
        yield


class Supervisor:
    """Runs workers until told to stop; ``run`` once."""

    def __init__(
        self, plan: Plan, settings: Settings, clock: Clock, meters: Meters, problems: Problems, lag: Lag | None = None
    ) -> None:
        """``lag`` asks the brokers how much waits, by topic."""
        self._plan = plan
        self._settings = settings
        self._clock = clock
        self._lag = lag
        self._stop = asyncio.Event()
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._refused = self._accepted = False
        self.board = Board(clock, plan.role, meters, problems, version("kinesiem"), started_ms=clock.now_ms())
        self.url = ""
        """Where the status page is, while running."""

    async def run(self) -> int:
        """Return the exit code: 0 after a clean stop, 78 when no worker ever accepted the configuration, else 1."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        async with AdminServer(self._settings.admin, self.board) as admin:
            self.url = admin.url
            log.info(events.SERVICE_STARTED, role=self._plan.role, workers=self._plan.workers, url=admin.url)
            keepers = [asyncio.create_task(self._keep(str(number))) for number in range(self._plan.workers)]
            ticking = [asyncio.create_task(self._tick()), asyncio.create_task(self._watch_lag())]
            stopping = asyncio.create_task(self._stop.wait())
            await asyncio.wait((*keepers, stopping), return_when=asyncio.FIRST_COMPLETED)
            codes = await self._end(keepers)
            for task in (*ticking, stopping):
                task.cancel()
            await asyncio.gather(*ticking, stopping, return_exceptions=True)
        log.info(events.SERVICE_STOPPED, codes=codes)
        if self._refused:
            return EXIT_CONFIGURATION
        return 0 if all(code == 0 for code in codes) else 1

    def stop(self) -> None:
        """Drain and stop; asked a second time, stop at once."""
        if self._stop.is_set():
            self._forward(signal.SIGKILL)
            return
        log.info(events.STOP_REQUESTED)
        self.board.stopping = True
        self._stop.set()

    def _reload(self) -> None:
        # A worker that has not reported yet does not listen yet either: SIGHUP would end it. It sees by itself what changed.
        self._forward(signal.SIGHUP, {name for name, line in self.board.workers.items() if line.report is not None})

    def _forward(self, number: signal.Signals, names: Container[str] | None = None) -> None:
        for name, process in self._processes.items():
            if process.returncode is None and (names is None or name in names):
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(number)

    async def _end(self, keepers: list[asyncio.Task[int]]) -> list[int]:
        self._stop.set()
        self.board.stopping = True
        self._forward(signal.SIGTERM)
        patience = self._settings.process.drain_seconds * 2 + KILL_SECONDS
        _, slow = await asyncio.wait(keepers, timeout=patience)
        if slow:
            log.error(events.WORKER_KILLED, workers=len(slow))
            self._forward(signal.SIGKILL)
        return list(await asyncio.gather(*keepers))

    async def _keep(self, name: str) -> int:
        """Start a worker again and again until the service stops; returns its last exit code."""
        line = self.board.workers[name] = WorkerLine(name)
        delay = FIRST_RESTART_SECONDS
        while True:
            began = self._clock.monotonic()
            line.state, line.started_ms = "starting", self._clock.now_ms()
            code = await self._run_once(name)
            self.board.depart(name)
            if self._stop.is_set():
                line.state = "stopped"
                # SIGTERM's own effect: it came before the worker had begun anything.
                return 0 if code == -signal.SIGTERM else code
            # Once workers run, a file that is wrong by now must not stop those that have what was right; this one tries again.
            if code == EXIT_CONFIGURATION and not self._accepted:
                self._refused = True
                line.state = "stopped"
                return code
            if self._clock.monotonic() - began > STEADY_SECONDS:
                delay = FIRST_RESTART_SECONDS
            line.state = "restarting"
            line.restarts += 1
            log.error(events.WORKER_EXITED, worker=name, code=code, restart_seconds=delay)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stop.wait()
                return 0
            delay = min(delay * 2, LONGEST_RESTART_SECONDS)

    async def _run_once(self, name: str) -> int:
        async with _conversation() as (theirs, reader):
            order = {
                "config": None if self._plan.config is None else str(self._plan.config),
                "role": self._plan.role,
                "number": int(name),
                "socket": theirs.fileno(),
            }
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "service.worker",
                msgspec.json.encode(order).decode(),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                # A terminal's Ctrl-C goes to the whole group; only we pass it on, once.
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
            theirs.close()
            self._processes[name] = process
            self.board.workers[name].pid = process.pid
            if self._stop.is_set():
                process.send_signal(signal.SIGTERM)
            listening = asyncio.create_task(self._listen(name, reader))
            code = await process.wait()
            await asyncio.wait([listening], timeout=2.0)
            listening.cancel()
            return code

    async def _listen(self, name: str, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                length = frame_length(await reader.readexactly(4))
                self.board.hear(name, unpack_report(await reader.readexactly(length)))
                self._accepted = True  # a worker reports when it has read its configuration
        except asyncio.IncompleteReadError:
            return
        except (ConnectionError, ValueError, msgspec.DecodeError) as error:
            log.warning(events.REPORT_LOST, worker=name, reason=type(error).__name__)

    async def _tick(self) -> None:
        while True:
            self.board.tick()
            for name, line in self.board.workers.items():
                if line.report is not None and self._clock.monotonic() - line.heard > SILENT_SECONDS:
                    log.error(events.WORKER_SILENT, worker=name, pid=line.pid, seconds=SILENT_SECONDS)
                    line.heard = self._clock.monotonic()
                    with contextlib.suppress(ProcessLookupError):
                        self._processes[name].kill()
            await self._clock.sleep(1.0)

    async def _watch_lag(self) -> None:
        while self._lag is not None:
            with contextlib.suppress(OSError, TimeoutError):
                self.board.lag = await self._lag()
            await self._clock.sleep(5.0)


@contextlib.asynccontextmanager
async def _conversation() -> AsyncIterator[tuple[socket.socket, asyncio.StreamReader]]:
    ours, theirs = socket.socketpair()
    theirs.set_inheritable(True)
    reader, writer = await asyncio.open_connection(sock=ours)
    try:
        yield theirs, reader
    finally:
        theirs.close()
        writer.close()
