"""Entries of the ledger out of their topic, where they are durable, into the book, where people read them."""

from __future__ import annotations

import asyncio
from functools import partial

import msgspec
import structlog

from service.agents.app import Ticket
from service.agents.tasks import Tasks, tell
from service.clock import Clock
from service.ledger.book import Book
from service.ledger.entry import Page
from service.sink.opensearch.patience import patiently
from service.sink.opensearch.retry import Backoff
from service.telemetry import events

log = structlog.get_logger()

PATIENCE = 1.0
"""Seconds that entries are gathered for, so that a sheet is written once for many of them."""
_decoder = msgspec.msgpack.Decoder(Page)


class LedgerAgent:
    """Handles messages of the topic ``ledger``; tries until the book has each of them (a key is counted once)."""

    def __init__(self, book: Book, clock: Clock, tasks: Tasks, backoff: Backoff) -> None:
        """Write to ``book``, which raises Backpressure while it cannot take them."""
        self._book = book
        self._clock = clock
        self._tasks = tasks
        self._backoff = backoff
        self._waiting: list[tuple[Page, asyncio.Future[None]]] = []
        self._flushing: asyncio.Task[None] | None = None

    async def handle(self, value: bytes, ticket: Ticket) -> None:
        """Book the page; the ticket is settled once it is stored."""
        try:
            page = _decoder.decode(value)
        except msgspec.DecodeError:
            # Nothing of an event is in it, and what it should have said stays open in the ledger.
            log.exception(events.MESSAGE_NOT_OURS, topic=ticket.topic, partition=ticket.partition)
            ticket.settle()
            return
        self._tasks.start(self._store(page, ticket), ticket)

    async def _store(self, page: Page, ticket: Ticket) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((page, done))
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())
        await done
        ticket.settle()

    async def _flush(self) -> None:
        while self._waiting:
            await self._clock.sleep(PATIENCE)
            waiting, self._waiting = self._waiting, []
            try:
                await self._write([page for page, _ in waiting])
            except Exception as error:  # noqa: BLE001 - each waiting task reports it, and the worker ends
                tell([done for _, done in waiting], error)
            else:
                tell([done for _, done in waiting], None)

    async def _write(self, pages: list[Page]) -> None:
        def waits(attempts: int, reason: str) -> None:
            if attempts == 1:
                log.warning(events.LEDGER_WAITS, pages=len(pages), reason=reason)

        await patiently(partial(self._book.write, pages), self._clock, self._backoff, waits)
