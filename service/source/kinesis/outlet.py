"""Where batches go: the door between the source and whatever makes them durable."""

from __future__ import annotations

import asyncio
from typing import Protocol

from service.event import RecordBatch


class Outlet(Protocol):
    """Makes batches durable (Kafka, acks=all)."""

    async def send(self, batch: RecordBatch) -> asyncio.Future[None]:
        """Accept a batch, waiting while the far side is busy.

        The future resolves once the batch is durable, and fails when it is not known to be: the source then sends the
        same batch again.
        """
        ...
