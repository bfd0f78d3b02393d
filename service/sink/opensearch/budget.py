"""How much may wait in the sink: bounded for all, for one dataset, and with a reserve for those that must not wait."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass


@dataclass(slots=True)
class _Waiter:
    dataset: str
    size: int
    turn: asyncio.Future[None]


class Budget:
    """Characters of documents in the sink.

    Ordinary datasets share three quarters of ``limit``, one dataset at most half of it (an index that is blocked for
    hours must not stop the others); priority datasets may use all. Something larger than its share passes when nothing
    else of that share is inside.
    """

    def __init__(self, limit: int, priority: frozenset[str]) -> None:
        """Bound everything by ``limit`` characters."""
        self._limit = limit
        self._priority = priority
        self._by_dataset: Counter[str] = Counter()
        self._waiters: deque[_Waiter] = deque()
        self.used = 0

    async def take(self, dataset: str, size: int) -> None:
        """Wait until there is room, first come first served within a dataset."""
        if not any(waiter.dataset == dataset for waiter in self._waiters) and self._fits(dataset, size):
            self._add(dataset, size)
            return
        waiter = _Waiter(dataset, size, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        try:
            await waiter.turn
        except asyncio.CancelledError:
            if waiter.turn.done() and not waiter.turn.cancelled():
                self.give(dataset, size)
            else:
                self._waiters.remove(waiter)
                self._wake()
            raise

    def give(self, dataset: str, size: int) -> None:
        """Room is free again."""
        self._by_dataset[dataset] -= size
        self.used -= size
        self._wake()

    @property
    def waiting(self) -> int:
        """Callers held back now."""
        return len(self._waiters)

    def _fits(self, dataset: str, size: int) -> bool:
        if dataset in self._priority:
            return self.used + size <= self._limit or not self._by_dataset[dataset]
        if not self._by_dataset[dataset]:
            return self.used + size <= self._limit * 3 // 4 or self.used == 0
        return self.used + size <= self._limit * 3 // 4 and self._by_dataset[dataset] + size <= self._limit // 2

    def _add(self, dataset: str, size: int) -> None:
        self._by_dataset[dataset] += size
        self.used += size

    def _wake(self) -> None:
        passed_over: set[str] = set()
        for waiter in list(self._waiters):
            if waiter.turn.done() or waiter.dataset in passed_over:
                continue
            if self._fits(waiter.dataset, waiter.size):
                self._waiters.remove(waiter)
                self._add(waiter.dataset, waiter.size)
                waiter.turn.set_result(None)
            else:
                passed_over.add(waiter.dataset)
