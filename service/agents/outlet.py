"""The collector's way out: batches of records onto the topic ``records``, and into the ledger."""

from __future__ import annotations

import asyncio

from service.agents.publisher import Publisher
from service.clock import Clock
from service.event import RecordBatch, encode
from service.ledger.entry import Collected, Entry, Gap, Ledger, batch_key, minute_of


class KafkaOutlet:
    """Makes batches durable; the ledger knows of each before its checkpoint may move."""

    def __init__(self, publisher: Publisher, topic: str, ledger: Ledger, clock: Clock) -> None:
        """Publish to ``topic``."""
        self._publisher = publisher
        self._topic = topic
        self._ledger = ledger
        self._clock = clock

    async def send(self, batch: RecordBatch) -> asyncio.Future[None]:
        """Accept a batch, waiting while the brokers are busy; the future resolves once batch and entries are durable."""
        durable = await self._publisher.publish(self._topic, encode(batch)) if batch.records else None
        return asyncio.create_task(self._noted(batch, durable))

    async def _noted(self, batch: RecordBatch, durable: asyncio.Future[None] | None) -> None:
        if durable is not None:
            await durable
        await self._ledger.note(batch.project, batch.environment, batch.stream, self._entries(batch))

    def _entries(self, batch: RecordBatch) -> list[Entry]:
        if not batch.records:
            minute_ms = minute_of(self._clock.now_ms())
            return [Gap(f"{batch.shard}.{batch.gap}", minute_ms)] if batch.gap else []
        key, minute_ms = batch_key(batch), minute_of(batch.records[0].arrival_ms)
        collected = Collected(key, minute_ms, len(batch.records))
        return [collected, Gap(key, minute_ms)] if batch.gap else [collected]
