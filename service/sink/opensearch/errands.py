"""Tasks that nobody awaits, but whose failure somebody must hear of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

Cargo = TypeVar("Cargo")


class Errands(Generic[Cargo]):
    """Runs coroutines, each on behalf of some cargo; ``on_failure(error, cargo)`` hears of those that raise."""

    def __init__(
        self,
        on_failure: Callable[[BaseException, Cargo], None],
        on_success: Callable[[], None] = lambda: None,
    ) -> None:
        """``on_success`` is called after each that ends well, when it no longer counts."""
        self._on_failure = on_failure
        self._on_success = on_success
        self._running: dict[asyncio.Task[None], Cargo] = {}

    def __len__(self) -> int:
        """How many run now."""
        return len(self._running)

    def run(self, work: Coroutine[Any, Any, None], cargo: Cargo) -> None:
        """Start one."""
        task = asyncio.create_task(work)
        self._running[task] = cargo
        task.add_done_callback(self._ended)

    async def cancel(self) -> None:
        """Cancel all and wait until they have ended."""
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        cargo = self._running.pop(task)
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            self._on_failure(error, cargo)
        else:
            self._on_success()
