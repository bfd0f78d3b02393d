"""Asking again until the far side is not busy any more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from service.clock import Clock
from service.errors import Backpressure
from service.sink.opensearch.retry import Backoff

Answer = TypeVar("Answer")


async def patiently(
    ask: Callable[[], Awaitable[Answer]], clock: Clock, backoff: Backoff, waits: Callable[[int, str], None] = lambda *_: None
) -> Answer:
    """The answer, however long it takes while ``ask`` raises Backpressure; other errors are raised on.

    ``waits`` is told before every wait: how many attempts failed, and the reason of the last one.
    """
    attempts = 0
    while True:
        try:
            return await ask()
        except Backpressure as busy:
            attempts += 1
            waits(attempts, busy.reason)
            await clock.sleep(busy.wait or backoff.delay(attempts))
