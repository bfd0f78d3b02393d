"""Work beside the agents that lasts as long as the worker does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

from service.clock import Clock


def background(stack: AsyncExitStack, work: Coroutine[Any, Any, None]) -> None:
    """Run ``work`` until ``stack`` is left."""
    task = asyncio.create_task(work)

    async def end() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(end)


async def every(seconds: float, work: Callable[[], Awaitable[None]], clock: Clock) -> None:
    """Do ``work`` again and again; runs until cancelled."""
    while True:
        await clock.sleep(seconds)
        await work()
