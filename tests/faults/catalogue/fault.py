"""What a fault is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.stage import Stage

Inject = Callable[[Stage], Awaitable[None]]
TAKEN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the table. ``inject`` returns when the cause is gone again (or the process that suffered it)."""

    name: str
    family: str
    inject: Inject
    quick: bool = False
    """Part of the short form."""
    quiet: bool = False
    """Needs the load to be paused and everything to have arrived before it begins."""
    soak: bool = True
    """May happen in the soak."""


class NotInjectedError(AssertionError):
    """The fault found nothing to hit: the row would claim something that was never tried."""


async def moment(stage: Stage, longest: float = 1.5) -> None:
    """Let a random while pass: no fault begins in step with the load."""
    await asyncio.sleep(stage.rng.uniform(0.1, longest))


async def gone(file: Path, seconds: float = TAKEN_SECONDS) -> None:
    """Wait until a failpoint's file was taken; raises NotInjectedError."""
    try:
        await until(lambda: not file.exists(), f"nobody came by {file.name}", seconds)
    finally:
        file.unlink(missing_ok=True)  # noqa: ASYNC240 - a file in memory, once


async def until(condition: Callable[[], bool], what: str, seconds: float = TAKEN_SECONDS) -> None:
    """Wait until a planned fault has happened; raises NotInjectedError."""
    try:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise NotInjectedError(what) from None
