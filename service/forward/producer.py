"""Forwarded records onto a Kinesis stream: aggregated, and sent again and again until Kinesis has acknowledged each of them."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from service.clock import Clock
from service.forward.bounds import MIB
from service.source.kinesis.aggregate import Aggregate
from service.source.kinesis.fault import KinesisFault, Remedy
from service.source.kinesis.wire import PutEntry, PutResult
from service.telemetry import events

log = structlog.get_logger()

_KEY_BITS = 64
_OPERATOR = (Remedy.ASK_OPERATOR, Remedy.LOOK_AGAIN)


class Putting(Protocol):
    """What a Kinesis client does for it."""

    async def put(self, name_or_arn: str, entries: list[PutEntry]) -> list[PutResult]:
        """One result for each entry; raises KinesisFault when there are none."""
        ...


@dataclass(frozen=True, slots=True)
class PutLimits:
    """How records are put together and sent."""

    record: int = MIB
    """Bytes of one Kinesis record with its partition key."""
    request: int = 5 * MIB
    """Bytes of one request."""
    records: int = 500
    """Kinesis records of one request."""
    requests: int = 4
    """Requests under way at once."""
    buffer: int = 32 * MIB
    """Bytes taken over and not acknowledged; who brings more waits."""
    linger: float = 0.2
    """Seconds a record waits for company."""
    first_wait: float = 0.1
    """Seconds before the first repetition, at most …"""
    longest_wait: float = 20.0
    """… and before any."""


class Receipt:
    """What of an object is on its way."""

    def __init__(self) -> None:
        """Nothing is."""
        self._open = 0
        self._none = asyncio.Event()
        self._none.set()

    def take(self) -> None:
        """One more."""
        self._open += 1
        self._none.clear()

    def acknowledge(self) -> None:
        """One is safe."""
        self._open -= 1
        if not self._open:
            self._none.set()

    async def complete(self) -> None:
        """Return when Kinesis has everything."""
        await self._none.wait()


@dataclass(slots=True)
class PutCounts:
    """What a producer did."""

    records: int = 0
    """Forwarded records acknowledged."""
    bytes: int = 0
    """Of them, as Kinesis counts."""
    aggregates: int = 0
    """Kinesis records they came in."""
    requests: int = 0
    retries: Counter[str] = field(default_factory=Counter)
    """Code → Kinesis records sent again."""


@dataclass(slots=True)
class _Sealed:
    """A Kinesis record ready to be sent, and whose forwarded records are in it."""

    entry: PutEntry
    receipts: list[Receipt]
    size: int
    held: int
    """Bytes of them."""


class Producer:
    """Of one stream. Nothing is given up: what Kinesis does not take is sent again until the producer is closed."""

    def __init__(self, client: Putting, stream: str, clock: Clock, rng: random.Random, limits: PutLimits | None = None) -> None:
        """``stream``: name or ARN. Connects to nothing yet."""
        self.stream = stream
        self.counts = PutCounts()
        self.trouble = ""
        """Why Kinesis takes nothing, while it does not."""
        self._client = client
        self._clock = clock
        self._rng = rng
        self._limits = limits or PutLimits()
        self._filling = self._empty()
        self._receipts: list[Receipt] = []
        self._ready: list[_Sealed] = []
        self._filled = self._held = 0
        self._freed = asyncio.Event()
        self._slots = asyncio.Semaphore(self._limits.requests)
        self._tasks: set[asyncio.Task[None]] = set()
        self._lingering: asyncio.Task[None] | None = None

    async def put(self, data: bytes, receipt: Receipt) -> None:
        """Take a forwarded record over, once there is room for it; ``receipt`` is told when Kinesis has it."""
        while self._held and self._held + len(data) > self._limits.buffer:
            self._freed.clear()
            await self._freed.wait()
        self._held += len(data)
        receipt.take()
        if not self._filling.fits(data):
            self._seal()
        self._filling.add(data)
        self._filled += len(data)
        self._receipts.append(receipt)
        if self._lingering is None:
            self._lingering = asyncio.create_task(self._linger())

    async def close(self) -> None:
        """Send what there is, wait for it."""
        self._flush()
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def abandon(self) -> None:
        """End at once: what was not acknowledged never will be."""
        tasks = [*self._tasks, *([self._lingering] if self._lingering is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _empty(self) -> Aggregate:
        return Aggregate(f"{self._rng.getrandbits(_KEY_BITS):x}", self._limits.record)

    async def _linger(self) -> None:
        await self._clock.sleep(self._limits.linger)
        self._lingering = None
        self._flush()

    def _flush(self) -> None:
        self._seal()
        self._send()

    def _seal(self) -> None:
        if not self._filling.records:
            return
        filled, self._filling = self._filling, self._empty()
        receipts, self._receipts = self._receipts, []
        sealed = _Sealed(PutEntry(filled.seal(), filled.partition_key), receipts, filled.size, self._filled)
        self._filled = 0
        limits = self._limits
        if self._ready and sum(each.size for each in self._ready) + sealed.size > limits.request:
            self._send()
        self._ready.append(sealed)
        if len(self._ready) >= limits.records:
            self._send()

    def _send(self) -> None:
        if self._ready:
            task = asyncio.create_task(self._deliver(self._ready))
            self._ready = []
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, parcels: list[_Sealed]) -> None:
        attempts = 0
        async with self._slots:
            while True:
                left, code, remedy = await self._attempt(parcels)
                if not left:
                    self._recovered()
                    return
                attempts = attempts + 1 if len(left) == len(parcels) else 1
                parcels = left
                self.counts.retries[code] += len(left)
                self._complain(code, attempts, remedy)
                await self._clock.sleep(self._wait(attempts))

    async def _attempt(self, parcels: list[_Sealed]) -> tuple[list[_Sealed], str, Remedy]:
        """Send once; gives what was not taken, and why."""
        self.counts.requests += 1
        try:
            results = await self._client.put(self.stream, [parcel.entry for parcel in parcels])
        except KinesisFault as fault:
            return parcels, fault.code, fault.remedy
        left: list[_Sealed] = []
        code = ""
        for parcel, result in zip(parcels, results, strict=True):
            if result.error_code is None:
                self._acknowledge(parcel)
            else:
                left.append(parcel)
                code = result.error_code
        return left, code, Remedy.WAIT

    def _acknowledge(self, parcel: _Sealed) -> None:
        counts = self.counts
        counts.records += len(parcel.receipts)
        counts.bytes += parcel.size
        counts.aggregates += 1
        for receipt in parcel.receipts:
            receipt.acknowledge()
        self._held -= parcel.held
        self._freed.set()

    def _wait(self, attempts: int) -> float:
        """Seconds before the next attempt: anything between none and a bound that doubles, so that nobody retries in step."""
        limits = self._limits
        return self._rng.uniform(0.0, min(limits.longest_wait, limits.first_wait * 2.0 ** min(attempts - 1, 30)))

    def _complain(self, code: str, attempts: int, remedy: Remedy) -> None:
        asks = remedy in _OPERATOR
        if not asks and attempts < 3:
            return  # a shard at its limit is everyday
        self.trouble = code
        if attempts & (attempts - 1) == 0:
            log.error(events.FORWARD_HELD, stream=self.stream, code=code, attempts=attempts)

    def _recovered(self) -> None:
        if self.trouble:
            log.info(events.FORWARD_RELEASED, stream=self.stream, code=self.trouble)
            self.trouble = ""
