"""Work that goes on after an agent took the next message."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

from service.agents.app import Ticket


class Tasks:
    """Keeps such work alive, and ends the worker when some of it fails: nothing behind a failure may be committed."""

    def __init__(self, crash: Callable[[BaseException], Awaitable[None]]) -> None:
        """Report failures to ``crash``."""
        self._crash = crash
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], ticket: Ticket) -> None:
        """Run ``work``, which settles the ticket; the ticket is dropped when it does not."""
        task = asyncio.create_task(self._run(work, ticket))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Cancel what still runs; its messages will be read again."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _run(self, work: Coroutine[Any, Any, None], ticket: Ticket) -> None:
        try:
            await work
        except asyncio.CancelledError:
            # Ours, or a future's whose owner stopped: either way there is no fate.
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not pass unseen
            await self._crash(error)
        finally:
            ticket.drop()


def tell(waiting: Iterable[asyncio.Future[None]], error: Exception | None) -> None:
    """End what waits for something that is done now, or that failed."""
    for done in waiting:
        if done.done():
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
