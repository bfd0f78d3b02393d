"""Dead letters out of their topic, where they are durable, into their index, where people find them."""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial

import msgspec
import structlog

from service.agents.app import Ticket
from service.agents.route_agent import strange_letter
from service.agents.tasks import Tasks, tell
from service.clock import Clock
from service.event import DeadLetter, decode_as
from service.sink.dead_letter import DeadLetters
from service.sink.opensearch.patience import patiently
from service.sink.opensearch.retry import Backoff
from service.telemetry import events

log = structlog.get_logger()

TOGETHER = 500
"""Letters in one request, at most."""
PATIENCE = 0.2
"""Seconds that a letter waits for others."""


class DeadLetterAgent:
    """Handles messages of the topic ``dead-letters``; tries until the index has each of them (its ids double nothing)."""

    def __init__(self, index: DeadLetters, clock: Clock, tasks: Tasks, backoff: Backoff) -> None:
        """Write to ``index``, which raises Backpressure while it cannot take them."""
        self._index = index
        self._clock = clock
        self._tasks = tasks
        self._backoff = backoff
        self._waiting: deque[tuple[DeadLetter, asyncio.Future[None]]] = deque()
        self._flushing: asyncio.Task[None] | None = None

    async def handle(self, value: bytes, ticket: Ticket) -> None:
        """Index the letter; the ticket is settled once it is there."""
        try:
            letter = decode_as(DeadLetter, value)
        except msgspec.DecodeError as error:
            letter = strange_letter(value, ticket, self._clock, error)
        self._tasks.start(self._store(letter, ticket), ticket)

    async def _store(self, letter: DeadLetter, ticket: Ticket) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((letter, done))
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())
        await done
        ticket.settle()

    async def _flush(self) -> None:
        await self._clock.sleep(PATIENCE)
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]
            try:
                await self._send([letter for letter, _ in batch])
            except Exception as error:  # noqa: BLE001 - each waiting task reports it, and the worker ends
                tell([done for _, done in batch], error)
            else:
                tell([done for _, done in batch], None)

    async def _send(self, letters: list[DeadLetter]) -> None:
        def waits(attempts: int, reason: str) -> None:
            if attempts == 1:
                log.warning(events.LETTERS_NOT_INDEXED, letters=len(letters), reason=reason)

        await patiently(partial(self._index.send, letters), self._clock, self._backoff, waits)
