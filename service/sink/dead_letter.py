"""Where dead letters go: a Kafka topic, where they are durable, and an index for people to search."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

import msgspec
import structlog

from service.clock import Clock
from service.errors import Backpressure
from service.event import DeadLetter, encode
from service.sink.letter import letter_id, letter_lines
from service.sink.opensearch.batch import index_of
from service.sink.opensearch.endpoint import Endpoint
from service.sink.opensearch.indices import IndexKeeper
from service.sink.opensearch.patience import patiently
from service.sink.opensearch.retry import Backoff
from service.sink.opensearch.verdict import Accepted, AlreadyThere, Missing, item_verdict
from service.sink.secrets import masked

log = structlog.get_logger("sink")

_BODY = 4 * 1024 * 1024
_LARGEST = 8 * 1024 * 1024
_AT_ONCE = 200
"""Letters produced and not acknowledged, of one call."""


class DeadLetters(Protocol):
    """Where dead letters go."""

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        """Return when all are durable; raises Backpressure when that cannot be now. Sending twice is harmless."""
        ...


async def send_surely(to: DeadLetters, letters: Sequence[DeadLetter], clock: Clock, backoff: Backoff) -> None:
    """Return when the letters are durable, however long that takes."""

    def waits(attempts: int, reason: str) -> None:
        log.warning("dead_letters_wait", attempts=attempts, letters=len(letters), reason=reason)

    await patiently(partial(to.send, letters), clock, backoff, waits)


class KafkaDeadLetters:
    """Dead letters as messages of a topic; ``produce(key, value)`` returns when the brokers acknowledged."""

    def __init__(self, produce: Callable[[bytes, bytes], Awaitable[None]], *, largest: int = _LARGEST) -> None:
        """Send through ``produce``; data beyond ``largest`` bytes is cut, and the reason says so."""
        self._produce = produce
        self._largest = largest

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        """Produce every letter, keyed by its identity; many at once, or a flood of them would wait for each other's replicas."""
        for start in range(0, len(letters), _AT_ONCE):
            some = letters[start : start + _AT_ONCE]
            produced = [self._produce(letter_id(one).encode(), encode(fit(one, self._largest))) for one in some]
            for fault in await asyncio.gather(*produced, return_exceptions=True):
                if isinstance(fault, BaseException):
                    raise fault


class IndexDeadLetters:
    """Dead letters as documents of ``siem-dead-letters-<project>-<environment>-<YYYY.MM>``."""

    def __init__(self, endpoint: Endpoint, indices: IndexKeeper, now_ms: Callable[[], int], *, largest: int = _LARGEST) -> None:
        """Write through ``endpoint``; ``largest`` bounds the kept bytes of one letter."""
        self._endpoint = endpoint
        self._indices = indices
        self._now_ms = now_ms
        self._largest = largest

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        """Index every letter; raises Backpressure unless all are there."""
        if letters and not await self._indices.ready("dead-letters"):
            raise Backpressure("dead letter index: no template")
        body: list[bytes] = []
        size = 0
        for letter in letters:
            lines = letter_lines(fit(letter, self._largest), self._now_ms())
            if body and size + len(lines) > _BODY:
                await self._post(body)
                body, size = [], 0
            body.append(lines)
            size += len(lines)
        if body:
            await self._post(body)

    async def _post(self, body: list[bytes]) -> None:
        items = await self._endpoint.bulk(b"".join(body), len(body))
        missing: dict[str, list[bytes]] = {}
        for lines, item in zip(body, items, strict=True):
            said = next(iter(item.values()))
            match item_verdict(said["status"], said.get("error")):
                case Accepted() | AlreadyThere():
                    continue
                case Missing():
                    missing.setdefault(index_of(lines), []).append(lines)
                case other:
                    raise Backpressure(f"dead letter index: {other.code}")
        for index, again in missing.items():
            if not await self._indices.ensure(index, "dead-letters"):
                raise Backpressure("dead letter index: no template")
            await self._post(again)


def fit(letter: DeadLetter, largest: int) -> DeadLetter:
    """The letter as it may be kept: without what gives access, and no larger than ``largest`` bytes (the reason says so)."""
    data, reason = masked(letter.data), masked(letter.reason.encode("utf-8", "replace")).decode()
    if len(data) > largest:
        reason = f"{reason} (first {largest} of {len(data)} bytes kept)"
        data = data[:largest]
    return msgspec.structs.replace(letter, data=data, reason=reason)
