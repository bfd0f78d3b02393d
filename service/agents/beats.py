"""Every worker tells now and then what it heard and reads; whoever has the topic's one partition in use judges silence.

All beats have one key, so one partition, so one owner in the consumer group: the judgement is made once, from everybody's
counts, and moves on when its worker goes. Without Kafka there are no beats, and nobody judges.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import structlog

from service.agents.app import Ticket
from service.agents.judge import Judge
from service.agents.publisher import Publisher
from service.clock import Clock
from service.silence.arrivals import Arrivals, Heard
from service.source.kinesis.status import CollectorStatus
from service.telemetry import events

log = structlog.get_logger()

KEY = b"beats"
EVERY_SECONDS = 15.0


class Read(msgspec.Struct, array_like=True):
    """One stream as a worker's collector reads it."""

    stream: tuple[str, str, str]
    through_ms: int
    shards: int
    open_shards: int
    error: str = ""


class Beat(msgspec.Struct, array_like=True):
    """Value of one message on the topic ``beats``."""

    worker: str
    at_ms: int
    heard: list[Heard]
    reads: list[Read]


_decoder = msgspec.msgpack.Decoder(Beat)


class BeatSender:
    """Tells what a worker heard and reads."""

    def __init__(
        self,
        worker: str,
        publisher: Publisher,
        topic: str,
        arrivals: Arrivals,
        reading: Callable[[], CollectorStatus | None],
        clock: Clock,
    ) -> None:
        """Send to ``topic``; ``reading`` is asked for the collector's status, None where there is no collector."""
        self._worker = worker
        self._publisher = publisher
        self._topic = topic
        self._arrivals = arrivals
        self._reading = reading
        self._clock = clock

    async def run(self) -> None:
        """Send for ever; while brokers are away, what is heard adds up."""
        while True:
            await self._clock.sleep(EVERY_SECONDS)
            await self.send()

    async def send(self) -> None:
        """Send one beat and wait until it is durable."""
        now_ms = self._clock.now_ms()
        status = self._reading()
        beat = Beat(self._worker, now_ms, self._arrivals.take(), [] if status is None else reads_of(status, now_ms))
        await self._publisher.produce(self._topic, KEY, msgspec.msgpack.encode(beat))


def reads_of(status: CollectorStatus, now_ms: int) -> list[Read]:
    """What a collector can say of each stream: how many shards it reads, and up to when."""
    reads = []
    for stream in status.streams:
        key = (stream.project, stream.environment, stream.stream)
        shards = [shard for shard in status.shards if (shard.project, shard.environment, shard.stream) == key]
        behind = [shard.behind_ms for shard in shards if shard.state == "reading" and shard.behind_ms is not None]
        error = stream.last_error if stream.state == "unreachable" else ""
        through_ms = now_ms - max(behind, default=0)
        reads.append(Read(key, through_ms, len(behind), stream.open_shards, error[:200]))
    return reads


class BeatAgent:
    """Handles messages of the topic ``beats``."""

    def __init__(self, judge: Judge) -> None:
        """Tell ``judge``."""
        self._judge = judge
        self._judging: asyncio.Task[None] | None = None

    async def handle(self, value: bytes, ticket: Ticket) -> None:
        """Take the beat; the ticket is settled at once: what a crash loses of it, the index still knows."""
        try:
            beat = _decoder.decode(value)
        except msgspec.DecodeError as error:
            # Another version's, or not ours at all: nothing of an event is in it.
            log.warning(events.MESSAGE_NOT_OURS, topic=ticket.topic, partition=ticket.partition, reason=type(error).__name__)
            ticket.settle()
            return
        self._judge.follow(ticket.partition, ticket.offset)
        for read in beat.reads:
            self._judge.read(beat.worker, beat.at_ms, read.stream, (read.through_ms, read.shards, read.open_shards, read.error))
        for heard in beat.heard:
            self._judge.hear(heard)
        ticket.settle()
        if self._judge.due() and (self._judging is None or self._judging.done()):
            self._judging = asyncio.create_task(self._judge.judge())

    async def close(self) -> None:
        """End what is under way."""
        if self._judging is not None:
            self._judging.cancel()
            await asyncio.gather(self._judging, return_exceptions=True)
