"""Puts the watch over format drift together: one tally a worker, told to OpenSearch now and then and at the end."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from opensearchpy import AsyncOpenSearch

from service.background import background, every
from service.clock import Clock
from service.drift.finding import Kind, Owner
from service.drift.store import DriftStore, tell
from service.drift.tally import Tally
from service.sink.opensearch.indices import IndexKeeper
from service.telemetry import metrics
from service.telemetry.meters import Meters

TOLD_SECONDS = 10.0
LAST_SECONDS = 3.0
"""For the last time: a cluster that does not answer must not keep the process."""


def follow_drift(stack: AsyncExitStack, client: AsyncOpenSearch, indices: IndexKeeper, meters: Meters, clock: Clock) -> Tally:
    """A tally that is told to OpenSearch until the stack is left."""

    def count(owner: Owner, kind: Kind, number: int) -> None:
        meters.add(metrics.DRIFT, number, (*owner, kind))

    tally, store = Tally(count), DriftStore(client, indices)

    async def told() -> None:
        await tell(tally, store, clock.now_ms())

    async def finish() -> None:
        await asyncio.wait([task := asyncio.ensure_future(told())], timeout=LAST_SECONDS)
        task.cancel()

    stack.push_async_callback(finish)
    background(stack, every(TOLD_SECONDS, told, clock))
    return tally
