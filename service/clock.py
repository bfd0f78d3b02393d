"""Time, injected: tests turn it by hand, leases never trust a wall clock."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """What the service may know about time."""

    def monotonic(self) -> float:
        """Seconds on a clock that never jumps; only differences mean anything."""
        ...

    def now_ms(self) -> int:
        """Wall clock, milliseconds since the epoch, UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Suspend the caller."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def monotonic(self) -> float:
        """Seconds of ``time.monotonic``."""
        return time.monotonic()

    def now_ms(self) -> int:
        """Milliseconds of ``time.time_ns``."""
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        """``asyncio.sleep``."""
        await asyncio.sleep(seconds)
