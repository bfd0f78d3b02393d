"""A server process of the local stack: started in its own process group, watched until it answers, stopped by its pid."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import stat
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from service.errors import SiemError

NOBODY = 65534
_PR_SET_PDEATHSIG = 1
_GRACE_SECONDS = 45.0  # the first run writes its class archive when it ends


class ServerFailed(SiemError):
    """A server process ended or did not answer in time; the message carries the end of its log."""


@dataclass(slots=True)
class Child:
    """A running server."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """Its process id, also the id of its process group."""
        return self.process.pid

    async def until(self, answers: Callable[[], Awaitable[bool]], seconds: float) -> None:
        """Wait until ``answers`` says yes; raises ServerFailed when the process ends first or the time is over.

        Whatever ends the wait but a yes also stops the process.
        """
        try:
            async with asyncio.timeout(seconds):
                while not await answers():
                    if self.process.poll() is not None:
                        raise ServerFailed(f"{self.name} ended with {self.process.returncode}:\n{self._last_lines()}")
                    await asyncio.sleep(0.1)
        except TimeoutError as late:
            await self.stop()
            raise ServerFailed(f"{self.name} did not answer within {seconds:.0f} s:\n{self._last_lines()}") from late
        except BaseException:
            await self.stop()
            raise

    def _last_lines(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-25:])

    def signal(self, sign: signal.Signals) -> None:
        """Send a signal to the whole process group."""
        os.killpg(self.process.pid, sign)

    async def stop(self) -> None:
        """Ask it to end, then make it; returns when it is gone."""
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is not None:
                return
            self.signal(sign)
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self.process.wait, _GRACE_SECONDS)


def start(
    name: str, command: list[str], folder: Path, *, drop_root: bool = False, environment: Mapping[str, str] | None = None
) -> Child:
    """Start ``command`` in ``folder``, its output in ``<name>.log`` there.

    ``drop_root`` runs it as nobody when we are root; ``environment`` replaces ours.
    It is killed when this process dies, however that happens.
    """
    nobody = NOBODY if drop_root and os.geteuid() == 0 else None
    log = folder / f"{name}.log"
    libc = ctypes.CDLL(None)

    def die_with_parent() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=nobody,
            group=nobody,
            extra_groups=None if nobody is None else [],
            preexec_fn=die_with_parent,
        )
    return Child(name, process, log)


def free_port() -> int:
    """A loopback port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def accepts(address: str) -> bool:
    """Whether somebody listens at ``host:port``."""
    host, _, port = address.rpartition(":")
    try:
        _, writer = await asyncio.open_connection(host, int(port))
    except OSError:
        return False
    writer.close()
    return True


def open_way(folder: Path) -> None:
    """Let a server that drops root reach ``folder``; raises ServerFailed when that would open a folder not ours to open.

    Only temporary folders are opened, and only for passing through.
    """
    if os.geteuid():
        return
    temporary = Path(tempfile.gettempdir()).resolve()
    for parent in folder.resolve().parents:
        mode = parent.stat().st_mode
        if mode & stat.S_IXOTH:
            continue
        if temporary not in parent.parents:
            raise ServerFailed(f"OpenSearch refuses to run as root, and as nobody it cannot enter {parent}")
        parent.chmod(mode | stat.S_IXGRP | stat.S_IXOTH)


def own(folder: Path) -> None:
    """Make ``folder`` writable for a server that drops root."""
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
