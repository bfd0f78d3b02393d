"""Bounds what is under way: bytes taken in and not yet accounted for. The backpressure, and the memory limit."""

from __future__ import annotations

import asyncio
from collections import deque


class Gate:
    """Lets work in while there is room for it, first come first served, so that no dataset starves another."""

    def __init__(self, limit: int) -> None:
        """Hold at most ``limit`` bytes; something larger comes in alone."""
        self._limit = limit
        self._waiters: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._idle = asyncio.Event()
        self._idle.set()
        self.held = 0
        """Bytes inside."""
        self.count = 0
        """Pieces of work inside."""

    async def enter(self, size: int) -> None:
        """Wait for room for ``size`` bytes and take it; every ``enter`` needs its ``leave``."""
        if not self._waiters and self._fits(size):
            self._take(size)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (size, turn)
        self._waiters.append(entry)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(size)
            else:
                self._waiters.remove(entry)
                self._admit()
            raise

    def grow(self, size: int) -> None:
        """Take more room for what is inside, now: it cannot wait outside any more."""
        self.held += size

    def leave(self, size: int) -> None:
        """Give the room back."""
        self.held -= size
        self.count -= 1
        self._admit()
        if not self.count:
            self._idle.set()

    @property
    def waiting(self) -> int:
        """How many wait for room: more than none means the far side is the slow one."""
        return len(self._waiters)

    async def idle(self, timeout_seconds: float) -> bool:
        """Wait until nothing is inside, at most this long; True when it is so."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    def _fits(self, size: int) -> bool:
        return not self.held or self.held + size <= self._limit

    def _take(self, size: int) -> None:
        self.held += size
        self.count += 1
        self._idle.clear()

    def _admit(self) -> None:
        while self._waiters and self._fits(self._waiters[0][0]):
            size, turn = self._waiters.popleft()
            if turn.done():
                continue
            self._take(size)
            turn.set_result(None)
