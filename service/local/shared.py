"""One local stack that many processes use: started once, found through a file in the cache, stopped on request."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from service.local.download import cache_folder
from service.local.stack import LocalStack

_START_SECONDS = 900.0


class Endpoints(msgspec.Struct, frozen=True):
    """Where the parts of a running stack answer; ``owner`` is the process that keeps them alive."""

    owner: int
    kafka: str
    opensearch: str
    dynamodb: str
    kinesis: str
    pids: dict[str, int]


def _file() -> Path:
    return cache_folder() / "stack.json"


def running() -> Endpoints | None:
    """The shared stack, or None when none is up."""
    try:
        endpoints = msgspec.json.decode(_file().read_bytes(), type=Endpoints)
    except (OSError, msgspec.DecodeError):
        return None
    alive = all(_is_alive(pid) for pid in (endpoints.owner, *endpoints.pids.values()))
    return endpoints if alive else None


def _is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def up(wait: Callable[[float], None] = time.sleep) -> Endpoints:
    """Start a shared stack in the background unless one runs; returns when it answers. Raises TimeoutError."""
    if endpoints := running():
        return endpoints
    _file().unlink(missing_ok=True)
    log = cache_folder() / "stack.log"
    with log.open("wb") as output:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "service.local.shared"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    ends = time.monotonic() + _START_SECONDS
    while time.monotonic() < ends:
        if endpoints := running():
            return endpoints
        if keeper.poll() is not None:
            break
        wait(0.2)
    raise TimeoutError(f"the shared stack did not come up: {log.read_text(errors='replace')[-2000:]}")


def down(wait: Callable[[float], None] = time.sleep) -> bool:
    """Stop the shared stack; whether there was one."""
    endpoints = running()
    if endpoints is None:
        return False
    os.kill(endpoints.owner, signal.SIGTERM)
    while _is_alive(endpoints.owner):
        wait(0.1)
    _file().unlink(missing_ok=True)
    return True


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


async def keep() -> None:
    """Run a stack in this process until it is told to end, its endpoints in the file."""
    ended = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, ended.set)
    async with LocalStack(notice=lambda line: _say(f"{line}\n")) as stack:
        endpoints = Endpoints(
            os.getpid(),
            stack.kafka_bootstrap,
            stack.opensearch_url,
            stack.dynamodb_url,
            stack.kinesis_url,
            stack.pids,
        )
        staged = _file().with_suffix(".new")
        staged.write_bytes(msgspec.json.encode(endpoints))
        staged.rename(_file())
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(keep())
