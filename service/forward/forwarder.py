"""One message of a queue: every object it announces is read and is safe on the stream, or the message must come again."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

import structlog

from service.clock import Clock
from service.decode.tables import NONE, Tables
from service.errors import Backpressure
from service.forward.blocks import Block, Flawed
from service.forward.bounds import Bounds
from service.forward.contents import contents
from service.forward.frames import Frames
from service.forward.notice import NotANotification, Notice, notices
from service.forward.objects import Lost, Refused, S3Object, open_object
from service.forward.producer import Producer, Receipt
from service.forward.thing import Named
from service.source.forwarding import Meant
from service.telemetry import events

log = structlog.get_logger()

_UNKNOWN = "unknown"
_PATIENCE = 0.5
"""Seconds a thread waits for room before it looks whether it shall stop."""


@dataclass(slots=True)
class Counts:
    """What a forwarder did."""

    objects: Counter[str] = field(default_factory=Counter)
    """Fate → objects: forwarded, ignored, lost, later."""
    letters: Counter[str] = field(default_factory=Counter)
    """Code → dead letters."""
    bytes: int = 0
    """Of objects that were read, as they lie in S3."""
    units: int = 0
    """Lines and values in them."""


class Forwarder:
    """Reads objects and puts what they hold on a stream, for the messages of one queue."""

    def __init__(
        self,
        s3: Any,
        producer: Producer,
        meant: Meant,
        *,
        clock: Clock,
        rng: random.Random,
        threads: Executor,
        bounds: Bounds | None = None,
        tables: Tables = NONE,
    ) -> None:
        """``s3``: a client of aiobotocore; ``threads`` do the reading; ``tables`` are known by their headers."""
        self.counts = Counts()
        self._s3 = s3
        self._producer = producer
        self._meant = meant
        self._clock = clock
        self._rng = rng
        self._threads = threads
        self._bounds = bounds or Bounds()
        self._tables = tables

    async def forward(self, body: str, message: str, sent_ms: int) -> None:
        """Return when everything the message announces is safe on the stream.

        ``message`` identifies it, ``sent_ms`` is when it was written. Raises Backpressure when it must come again.
        """
        receipt = Receipt()
        try:
            announced = notices(body)
        except NotANotification as fault:
            name = Named("queue", message, _UNKNOWN, sent_ms)
            await self._bury(name, Flawed(0, "not_a_notification", str(fault), body.encode(errors="replace")), receipt)
            announced = []
        for notice in announced:
            await self._one(notice, sent_ms, receipt)
        await receipt.complete()

    async def _one(self, notice: Notice, sent_ms: int, receipt: Receipt) -> None:
        known = Named(notice.bucket, notice.key, notice.version or notice.etag or _UNKNOWN, notice.at_ms or sent_ms)
        if not self._meant.bucket(notice.bucket):
            await self._lost(known, Lost("foreign_bucket", f"{notice.bucket} is none of the queue's buckets"), receipt)
            return
        if not self._meant.key(notice.key):
            self.counts.objects["ignored"] += 1
            return
        try:
            thing = await open_object(self._s3, notice, self._clock, self._rng)
        except Lost as lost:
            await self._lost(known, lost, receipt)
            return
        except Backpressure:
            self.counts.objects["later"] += 1
            raise
        if not notice.version and notice.etag and thing.etag != notice.etag:
            await self._lost(known, Lost("replaced", "another object lay under the key when it was read"), receipt)
        try:
            await self._carry(thing, receipt)
        except Lost as lost:
            await self._lost(thing.name, lost, receipt)
        except Backpressure:
            self.counts.objects["later"] += 1
            raise
        else:
            self.counts.objects["forwarded"] += 1
            self.counts.bytes += thing.size

    async def _carry(self, thing: S3Object, receipt: Receipt) -> None:
        """Read the object in a thread of its own; what it reads is put on the stream meanwhile."""
        stopping = threading.Event()
        reading = asyncio.get_running_loop().run_in_executor(
            self._threads, self._read, thing, receipt, asyncio.get_running_loop(), stopping
        )
        try:
            await asyncio.shield(reading)
        finally:
            stopping.set()
            thing.close()
            await asyncio.wait([reading])  # a thread cannot be cancelled, only told

    def _read(self, thing: S3Object, receipt: Receipt, loop: asyncio.AbstractEventLoop, stopping: threading.Event) -> None:
        frames = Frames(thing.name, self._bounds)
        for part, item in contents(thing, self._bounds, self._tables):
            self._count(thing.name, item)
            for frame in frames.of(part, item):
                self._put(frame, receipt, loop, stopping)

    def _put(self, frame: bytes, receipt: Receipt, loop: asyncio.AbstractEventLoop, stopping: threading.Event) -> None:
        putting = asyncio.run_coroutine_threadsafe(self._producer.put(frame, receipt), loop)
        while not stopping.is_set():
            try:
                return putting.result(timeout=_PATIENCE)
            except TimeoutError:
                continue  # no room: Kinesis takes nothing
        putting.cancel()
        raise Refused("stopping", "the forwarder is stopping")

    def _count(self, name: Named, item: Block | Flawed) -> None:
        if isinstance(item, Block):
            self.counts.units += item.units
        else:
            self._tell(name, item)

    def _tell(self, name: Named, flawed: Flawed) -> None:
        self.counts.letters[flawed.code] += 1
        log.warning(events.FORWARD_LETTER, bucket=name.bucket, key=name.key, code=flawed.code, number=flawed.number)

    async def _lost(self, name: Named, lost: Lost, receipt: Receipt) -> None:
        self.counts.objects["lost"] += 1
        await self._bury(name, Flawed(0, lost.code, lost.reason, b""), receipt)

    async def _bury(self, name: Named, flawed: Flawed, receipt: Receipt) -> None:
        self._tell(name, flawed)
        await self._producer.put(Frames(name, self._bounds).letter("", flawed), receipt)
