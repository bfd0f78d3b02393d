"""Messages onto our topics from beside the service: acknowledged by all replicas, without Faust."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError

from service.agents.connection import client_arguments
from service.agents.topics import MAX_MESSAGE_BYTES
from service.clock import Clock
from service.errors import Backpressure
from service.settings import Kafka

_ATTEMPTS = 6
_LONGEST_WAIT = 10.0


class Sendable(Protocol):
    """A message."""

    @property
    def topic(self) -> str:
        """Where it goes."""
        ...

    @property
    def key(self) -> bytes | None:
        """None: any partition."""
        ...

    @property
    def value(self) -> bytes:
        """Its bytes."""
        ...


class Feed:
    """A producer of its own; ``async with`` it (raises Backpressure when no broker answers)."""

    def __init__(self, kafka: Kafka, clock: Clock) -> None:
        """Connect to nothing yet."""
        self._clock = clock
        self._kafka = kafka
        self._producer: AIOKafkaProducer | None = None

    async def __aenter__(self) -> Self:
        """Connect."""
        producer = AIOKafkaProducer(
            **client_arguments(self._kafka),
            client_id="siem-replay",
            acks="all",
            enable_idempotence=True,
            compression_type="zstd",
            max_request_size=MAX_MESSAGE_BYTES,
            request_timeout_ms=30_000,
        )
        try:
            await producer.start()
        except (KafkaError, OSError) as error:
            await producer.stop()
            raise Backpressure(f"no broker of {', '.join(self._kafka.servers)} answers: {error!r}") from error
        self._producer = producer
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up."""
        if self._producer is not None:
            await self._producer.stop()

    async def send(self, messages: Iterable[Sendable]) -> None:
        """Return when all are durable; sending again what may have arrived is harmless. Raises Backpressure in the end."""
        rest = list(messages)
        for attempt in range(_ATTEMPTS):
            rest, fault = await self._try(rest)
            if fault is None:
                return
            if not (fault.retriable or isinstance(fault, KafkaTimeoutError)) or attempt == _ATTEMPTS - 1:
                raise Backpressure(f"Kafka does not take messages: {fault!r}") from fault
            await self._clock.sleep(min(_LONGEST_WAIT, 0.5 * 2**attempt))

    async def _try(self, messages: list[Sendable]) -> tuple[list[Sendable], KafkaError | None]:
        """Those that are not durable, and why."""
        if self._producer is None:
            raise RuntimeError("not connected")
        sent: list[tuple[Sendable, asyncio.Future[object]]] = []
        failed: list[Sendable] = []
        fault: KafkaError | None = None
        for message in messages:
            try:
                sent.append((message, await self._producer.send(message.topic, message.value, message.key)))
            except KafkaError as error:
                failed.append(message)
                fault = error
        for message, durable in sent:
            try:
                await durable
            except KafkaError as error:
                failed.append(message)
                fault = error
        return failed, fault
