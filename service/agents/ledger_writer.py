"""Entries of the ledger onto their topic: gathered for a moment, one message a stream, durable before a commit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from service.agents.publisher import Publisher
from service.clock import Clock
from service.event import encode
from service.ledger.entry import Entry, Page

GATHER_SECONDS = 0.1
_Stream = tuple[str, str, str]


class KafkaLedger:
    """Writes pages to the topic ``ledger``, keyed by stream: one stream's sheets have one owner."""

    def __init__(self, publisher: Publisher, topic: str, clock: Clock) -> None:
        """Publish to ``topic``."""
        self._publisher = publisher
        self._topic = topic
        self._clock = clock
        self._waiting: dict[_Stream, tuple[list[Entry], list[asyncio.Future[None]]]] = {}
        self._flushing: asyncio.Task[None] | None = None

    async def note(self, project: str, environment: str, stream: str, entries: Sequence[Entry]) -> None:
        """Return when the brokers have the entries; cancelled when the service stops first."""
        if not entries:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        gathered, waiters = self._waiting.setdefault((project, environment, stream), ([], []))
        gathered += entries
        waiters.append(done)
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())
        await done

    async def close(self) -> None:
        """Give up what is not written yet."""
        if self._flushing is not None:
            self._flushing.cancel()
            await asyncio.gather(self._flushing, return_exceptions=True)

    async def _flush(self) -> None:
        """Publish until nothing waits; a page that fails fails all who wait for it."""
        while self._waiting:
            await self._clock.sleep(GATHER_SECONDS)
            waiting, self._waiting = self._waiting, {}
            for stream, (entries, waiters) in waiting.items():
                value = encode(Page(*stream, entries))
                durable = await self._publisher.publish(self._topic, value, "\0".join(stream).encode())
                durable.add_done_callback(partial(_tell, waiters))


def _tell(waiters: list[asyncio.Future[None]], sent: asyncio.Future[None]) -> None:
    for waiter in waiters:
        if waiter.done():
            continue
        if sent.cancelled():
            waiter.cancel()
        elif (error := sent.exception()) is not None:
            waiter.set_exception(error)
        else:
            waiter.set_result(None)
