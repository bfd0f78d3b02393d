"""``siem run`` as a process that is started again when it ends uncalled, as an orchestrator does, and can be hurt."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil

from service.local.child import Child, start

INSIDE = Path(__file__).parent / "inside"
LONGEST_STOP = 60.0


class Process:
    """One container's worth: a supervisor and its workers."""

    def __init__(self, name: str, config: Path, role: str, workers: int, environment: Mapping[str, str]) -> None:
        """Run with ``config``; the log is ``<name>.log`` beside it."""
        self.name = name
        self.starts = 0
        self.exits: list[int] = []
        """Exit codes of clean stops."""
        self._command = [sys.executable, "-m", "service", "run", "--config", str(config), "--role", role]
        self._command += ["--workers", str(workers)]
        self._folder = config.parent
        self._environment = environment
        self._child: Child | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """The supervisor of now."""
        if self._child is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._child.pid

    def workers(self) -> list[int]:
        """Process ids of the workers of now."""
        try:
            return [child.pid for child in psutil.Process(self.pid).children() if child.status() != psutil.STATUS_ZOMBIE]
        except psutil.NoSuchProcess:
            return []

    def said(self, event: str) -> int:
        """How often its log names an event, of all its lives."""
        return (self._folder / f"{self.name}.log").read_bytes().count(f'"event": "{event}"'.encode())

    def start(self) -> None:
        """Start it, and keep it running until ``stop``."""
        self._spawn()
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self, sign: signal.Signals = signal.SIGTERM) -> None:
        """End it for good; returns when it is gone."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        child = self._child
        if child is None:
            return
        for worker in self.workers():
            os.kill(worker, signal.SIGCONT)
        if child.process.poll() is None:
            os.kill(child.pid, sign)
        try:
            self.exits.append(await asyncio.to_thread(child.process.wait, LONGEST_STOP))
        finally:
            self._child = None

    async def killed(self) -> None:
        """The whole container at once: supervisor and workers."""
        pids = [*self.workers(), self.pid]
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def _spawn(self) -> None:
        self.starts += 1
        self._child = start(self.name, self._command, self._folder, environment=self._environment)

    async def _keep(self) -> None:
        while self._child is not None:
            if self._child.process.poll() is not None:
                self._spawn()
            await asyncio.sleep(0.2)


def environment(control: Path, mutation: str = "") -> dict[str, str]:
    """What the processes under test see: any credentials (the double takes all), and the way to be hurt from inside."""
    return {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "demo",
        "AWS_SECRET_ACCESS_KEY": "demo",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONPATH": str(INSIDE),
        "SIEM_FAULT_CONTROL": str(control),
        "SIEM_FAULT_MUTATION": mutation,
    }
