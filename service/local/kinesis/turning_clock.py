"""A clock that tests push ahead: real time plus whatever ``advance`` added; sleepers wake when it is their time."""

from __future__ import annotations

import asyncio
import time


class TurningClock:
    """Implements ``service.clock.Clock``; ``frozen`` clocks move by ``advance`` alone."""

    def __init__(self, start_ms: int | None = None, *, frozen: bool = False) -> None:
        self._frozen = frozen
        self._began = time.monotonic()
        self._start_ms = time.time_ns() // 1_000_000 if start_ms is None else start_ms
        self._added = 0.0
        self._turned = asyncio.Event()

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass at once."""
        self._added += seconds
        self._turned.set()
        self._turned = asyncio.Event()

    def monotonic(self) -> float:
        """Seconds since this clock was made."""
        return self._added + (0.0 if self._frozen else time.monotonic() - self._began)

    def now_ms(self) -> int:
        """Wall clock, milliseconds since the epoch."""
        return self._start_ms + int(self.monotonic() * 1000)

    async def sleep(self, seconds: float) -> None:
        """Wait until ``seconds`` have passed on this clock."""
        until = self.monotonic() + seconds
        while (left := until - self.monotonic()) > 0:
            turned = self._turned
            try:
                await asyncio.wait_for(turned.wait(), None if self._frozen else left)
            except TimeoutError:
                continue
        await asyncio.sleep(0)
