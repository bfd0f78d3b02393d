"""How much may wait in the sink: bounded for all, for a dataset, for a project, with a reserve for those that must not wait."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass


@dataclass(slots=True)
class _Waiter:
    dataset: str
    project: str
    size: int
    turn: asyncio.Future[None]


class Budget:
    """Characters of documents in the sink.

    Ordinary datasets share three quarters of ``limit``, one dataset at most half of it (an index that is blocked for
    hours must not stop the others), one project at most half as well; priority datasets may use all, one project at
    most three quarters. So the flood of one project always leaves room that others can have, and whoever holds least is
    served first. Something larger than its share passes when nothing else of that share is inside.
    """

    def __init__(self, limit: int, priority: frozenset[str]) -> None:
        """Bound everything by ``limit`` characters."""
        self._limit = limit
        self._priority = priority
        self._by_dataset: Counter[str] = Counter()
        self._by_project: Counter[tuple[str, bool]] = Counter()
        self._waiters: list[_Waiter] = []
        self.used = 0

    async def take(self, dataset: str, size: int, project: str = "") -> None:
        """Wait until there is room, first come first served within a dataset of a project."""
        waiter = _Waiter(dataset, project, size, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        self._wake()
        try:
            await waiter.turn
        except asyncio.CancelledError:
            if waiter.turn.done() and not waiter.turn.cancelled():
                self.give(dataset, size, project)
            else:
                self._waiters.remove(waiter)
                self._wake()
            raise

    def give(self, dataset: str, size: int, project: str = "") -> None:
        """Room is free again."""
        self._add(dataset, project, -size)
        self._wake()

    @property
    def waiting(self) -> int:
        """Callers held back now."""
        return len(self._waiters)

    def _wake(self) -> None:
        full: set[bool] = set()
        passed_over: set[tuple[str, str]] = set()
        # Sorting is stable: who came first goes first where two projects hold the same.
        for waiter in sorted(self._waiters, key=lambda one: self._by_project[self._lane(one.dataset, one.project)]):
            group, urgent = (waiter.dataset, waiter.project), waiter.dataset in self._priority
            if waiter.turn.done() or urgent in full or group in passed_over:
                continue
            if not self._within_share(waiter):
                passed_over.add(group)
            elif not self._is_room(waiter.dataset, waiter.size):
                full.add(urgent)  # the next room is for this one, not for something smaller that came later
            else:
                self._waiters.remove(waiter)
                self._add(waiter.dataset, waiter.project, waiter.size)
                waiter.turn.set_result(None)

    def _lane(self, dataset: str, project: str) -> tuple[str, bool]:
        return project, dataset in self._priority

    def _within_share(self, waiter: _Waiter) -> bool:
        held = self._by_project[self._lane(waiter.dataset, waiter.project)] if waiter.project else 0
        if waiter.dataset in self._priority:
            return not held or held + waiter.size <= self._limit * 3 // 4
        shares = (self._by_dataset[waiter.dataset], held)
        return all(not share or share + waiter.size <= self._limit // 2 for share in shares)

    def _is_room(self, dataset: str, size: int) -> bool:
        if dataset in self._priority:
            return self.used + size <= self._limit or not self._by_dataset[dataset]
        return self.used + size <= self._limit * 3 // 4 or self.used == 0

    def _add(self, dataset: str, project: str, size: int) -> None:
        self._by_dataset[dataset] += size
        self._by_project[self._lane(dataset, project)] += size
        self.used += size
