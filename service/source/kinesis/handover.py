"""Handing batches of one shard to the outlet: bounded, in order, sent again until they are safe."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from functools import partial

from service.clock import Clock
from service.errors import Backpressure, LeaseLost
from service.event import RecordBatch
from service.source.kinesis.checkpoint import CheckpointTracker, Handed
from service.source.kinesis.fault import Backoff
from service.source.kinesis.lease import Checkpoint
from service.source.kinesis.outlet import Outlet


class Handover:
    """What is on its way between a shard and the outlet.

    ``must_hold`` raises LeaseLost when the shard is no longer ours; ``share`` gives the bytes that may be in flight
    now. One batch always may, however large.
    """

    def __init__(
        self,
        outlet: Outlet,
        tracker: CheckpointTracker,
        clock: Clock,
        rng: random.Random,
        *,
        must_hold: Callable[[], None],
        share: Callable[[], int],
    ) -> None:
        """Nothing in flight."""
        self.tracker = tracker
        self.waiting = False
        """True while the outlet, not the stream, is what we wait for."""
        self.resent = 0
        self.trouble = ""
        """Why the last batch had to be sent again."""
        self._outlet = outlet
        self._clock = clock
        self._rng = rng
        self._must_hold = must_hold
        self._share = share
        self._moved = asyncio.Event()
        self._retries: set[asyncio.Task[None]] = set()
        self._dropped = False

    async def send(self, batch: RecordBatch, weight: int, upto: Checkpoint | None, accounted_ms: int | None) -> None:
        """Hand over one batch, waiting for room; raises LeaseLost. ``upto``: see CheckpointTracker."""
        self.waiting = True
        try:
            while self.tracker.in_flight_bytes > 0 and self.tracker.in_flight_bytes + weight > self._share():
                await self._movement()
            self._must_hold()
            durable = await self._outlet.send(batch)
        finally:
            self.waiting = False
        # Tracked only now: a cancelled send leaves nothing behind that would never settle.
        handed = self.tracker.hand(upto, weight, accounted_ms)
        durable.add_done_callback(partial(self._settled, handed, batch))

    async def emptied(self) -> None:
        """Return once nothing is in flight; raises LeaseLost."""
        self.waiting = True
        try:
            while self.tracker.in_flight:
                self._must_hold()
                await self._movement()
        finally:
            self.waiting = False

    async def drop(self) -> None:
        """Forget what is in flight: its fate is no longer ours to record."""
        self._dropped = True
        retries = list(self._retries)
        for retry in retries:
            retry.cancel()
        await asyncio.gather(*retries, return_exceptions=True)

    async def _movement(self) -> None:
        self._moved.clear()
        await self._moved.wait()

    def _settled(self, handed: Handed, batch: RecordBatch, durable: asyncio.Future[None]) -> None:
        fault = None if durable.cancelled() else durable.exception()
        if self._dropped:
            return
        if durable.cancelled() or fault is not None:
            self.trouble = repr(fault) if fault is not None else "cancelled"
            retry = asyncio.get_running_loop().create_task(self._again(handed, batch))
            self._retries.add(retry)
            retry.add_done_callback(self._retries.discard)
            return
        self.tracker.settle(handed)
        self._moved.set()

    async def _again(self, handed: Handed, batch: RecordBatch) -> None:
        backoff = Backoff(self._rng, first=0.5, most=15.0)
        while True:
            await self._clock.sleep(backoff.next())
            try:
                self._must_hold()
                durable = await self._outlet.send(batch)
            except LeaseLost:
                self._moved.set()  # whoever waits looks at the lease again, and stops
                return
            except Backpressure as fault:
                self.trouble = repr(fault)
                continue
            self.resent += 1
            durable.add_done_callback(partial(self._settled, handed, batch))
            return
