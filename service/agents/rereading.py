"""Messages of a partition once more, without the group: for a worker that has to know what another one knew."""

from __future__ import annotations

from collections.abc import AsyncIterator

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from service.agents.connection import client_arguments
from service.agents.topics import FETCH_BYTES
from service.clock import Clock
from service.settings import Kafka
from service.telemetry import events

log = structlog.get_logger()

MOST = 200_000
"""Messages read again at most; the newest of them."""
_POLL_MS = 1000
_RETRY_SECONDS = 2.0


class Rereading:
    """Reads what the topic still holds of a partition."""

    def __init__(self, kafka: Kafka, clock: Clock) -> None:
        """Ask the brokers of these settings."""
        self._kafka = kafka
        self._clock = clock

    async def before(self, topic: str, partition: int, offset: int, since_ms: int) -> list[bytes]:
        """Values of the messages below ``offset`` that were written since ``since_ms``, in order; waits for brokers."""
        while True:
            consumer = AIOKafkaConsumer(
                **client_arguments(self._kafka), group_id=None, enable_auto_commit=False, max_partition_fetch_bytes=FETCH_BYTES
            )
            try:
                await consumer.start()
                place = TopicPartition(topic, partition)
                return [value async for value in _read(consumer, place, offset, since_ms)]
            except KafkaError as error:
                log.warning(events.REREADING_WAITS, topic=topic, partition=partition, reason=type(error).__name__)
            finally:
                await consumer.stop()
            await self._clock.sleep(_RETRY_SECONDS)


async def _read(consumer: AIOKafkaConsumer, place: TopicPartition, offset: int, since_ms: int) -> AsyncIterator[bytes]:
    consumer.assign([place])
    found = (await consumer.offsets_for_times({place: since_ms})).get(place)
    beginning = (await consumer.beginning_offsets([place]))[place]
    start = max(beginning, offset - MOST, offset if found is None else min(found.offset, offset))
    if start >= offset:
        return
    consumer.seek(place, start)
    while await consumer.position(place) < offset:
        for messages in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
            for message in messages:
                if message.offset < offset and message.value is not None:
                    yield message.value
