"""Records in, raw events of one dataset each out: the first hop, Kafka to Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Protocol

import msgspec
import structlog

from service.agents.app import Ticket
from service.agents.journal import Journal
from service.agents.packing import pack, pack_whole
from service.agents.publisher import MessageTooLargeError
from service.agents.reading import Reading, letter_of_record
from service.agents.tasks import Tasks
from service.agents.topics import TopicNames
from service.clock import Clock
from service.event import DeadLetter, Packed, RawBatch, Record, RecordBatch, Slice, encode
from service.ledger.entry import Ledger
from service.route.packed import batch_of
from service.route.router import Routed
from service.sink.dead_letter import DeadLetters
from service.telemetry import events, metrics
from service.telemetry.meters import Meters

log = structlog.get_logger()

_decoder = msgspec.msgpack.Decoder(RecordBatch)
STRANGE_BYTES = 1024 * 1024
"""Kept of a message that is not ours."""


class Routing(Protocol):
    """What ``Router.route`` gives."""

    @property
    def by_dataset(self) -> Mapping[str, list[Slice]]:
        """Slices by the dataset that claims them."""
        ...

    @property
    def packed(self) -> Mapping[str, list[Packed]]:
        """Records that stay as they are, likewise."""
        ...

    @property
    def dead(self) -> list[DeadLetter]:
        """What cannot be decoded or routed."""
        ...

    @property
    def control(self) -> int:
        """Records that only say the subscription works."""
        ...

    @property
    def records(self) -> int:
        """Records seen."""
        ...


class Publishing(Protocol):
    """What ``Publisher`` does for it."""

    async def publish(self, topic: str, value: bytes, key: bytes | None = None) -> asyncio.Future[None]:
        """Take a message over; the future resolves when it is durable."""
        ...


class Routes(Protocol):
    """Decodes a batch and finds each event's dataset; pure, raises for no input."""

    def route(self, batch: RecordBatch, pack_up_to: int = 0) -> Routing:
        """Return every event of the batch once; records up to that size may stay packed."""
        ...


class RouteAgent:
    """Handles messages of the topic ``records``."""

    def __init__(
        self,
        routes: Routes,
        publisher: Publishing,
        names: TopicNames,
        letters: DeadLetters,
        meters: Meters,
        clock: Clock,
        tasks: Tasks,
        journal: Journal,
        ledger: Ledger,
        message_bytes: int,
    ) -> None:
        """Publish batches of about ``message_bytes``; ``routes`` may be replaced while running."""
        self.routes = routes
        self._publisher = publisher
        self._names = names
        self._letters = letters
        self._meters = meters
        self._clock = clock
        self._tasks = tasks
        self._journal = journal
        self._ledger = ledger
        self._message_bytes = message_bytes

    async def handle(self, value: bytes, ticket: Ticket) -> None:
        """Publish what the batch holds; the ticket is settled once all of it is durable."""
        try:
            batch = _decoder.decode(value)
        except msgspec.DecodeError as error:
            letter = strange_letter(value, ticket, self._clock, error)
            self._tasks.start(self._finish(Reading.strange(letter), ticket), ticket)
            return
        reading = Reading.of(batch)
        for routed in self._route(batch, ticket):
            self._meters.add(metrics.RECORDS, routed.records, reading.stream)
            await self._publish(routed, reading)
        self._tasks.start(self._finish(reading, ticket), ticket)

    async def decode(self, raw: RawBatch, ticket: Ticket) -> Reading:
        """Route packed records that passed here event by event after all; give what comes of it to ``durable``."""
        reading = Reading.again(raw)
        for number, packed in enumerate(raw.packed):
            await self._publish(self._alone(batch_of(packed), ticket, number), reading)
        return reading

    async def durable(self, reading: Reading) -> None:
        """Return when everything of it is durable and written down."""
        for raw, durable in reading.sent:
            try:
                await durable
            except MessageTooLargeError as error:
                reading.too_large.append((raw, str(error)))
        letters = reading.all_letters()
        if letters:
            await self._letters.send(letters)
            for letter in letters:
                stream = (letter.project, letter.environment, letter.stream)
                self._meters.add(metrics.UNROUTED, 1, (*stream, letter.stage, letter.code))
        await self._ledger.note(*reading.stream, reading.entries())

    def _route(self, batch: RecordBatch, ticket: Ticket) -> Iterator[Routing]:
        journal, place = self._journal, (ticket.topic, ticket.partition, ticket.offset)
        death = journal.suspicion(*place)
        if death is None:
            journal.carrying(*place)
            routed = self.routes.route(batch, self._message_bytes)
            journal.done()
            yield routed
            return
        log.error(events.MESSAGE_KILLS, topic=ticket.topic, offset=ticket.offset, deaths=death.count, apart=death.deadly)
        for number, record in enumerate(batch.records):
            yield self._alone(msgspec.structs.replace(batch, records=[record]), ticket, number)

    def _alone(self, batch: RecordBatch, ticket: Ticket, number: int) -> Routing:
        """Decode and route a single record, which may end the process."""
        place = (ticket.topic, ticket.partition, ticket.offset)
        death = self._journal.suspicion(*place)
        if death is not None and number in death.deadly:
            return Routed(dead=[deadly_letter(batch, batch.records[0])], records=1)
        self._journal.carrying(*place, number)
        routed = self.routes.route(batch)
        self._journal.done()
        return routed

    async def _publish(self, routed: Routing, reading: Reading) -> None:
        if routed.control:
            self._meters.add(metrics.CONTROL, routed.control, reading.stream)
        reading.control += routed.control
        reading.letters += routed.dead
        limit = self._message_bytes
        messages = [raw for dataset, slices in routed.by_dataset.items() for raw in pack(dataset, slices, limit)]
        messages += [raw for dataset, records in routed.packed.items() for raw in pack_whole(dataset, records, limit)]
        for raw in messages:
            named = reading.named(raw)
            # Waits for room here, before another message is taken: decoded batches are large.
            reading.sent.append((named, await self._publisher.publish(self._names.raw(raw.dataset), encode(named))))

    async def _finish(self, reading: Reading, ticket: Ticket) -> None:
        await self.durable(reading)
        self._journal.forget(ticket.topic, ticket.partition, ticket.offset)
        ticket.settle()


def deadly_letter(batch: RecordBatch, record: Record) -> DeadLetter:
    """Return the dead letter of a record over which workers died."""
    return letter_of_record(batch, record, "decode", "killed_the_worker", "decoding it ended the process, several times")


def strange_letter(value: bytes, ticket: Ticket, clock: Clock, error: Exception) -> DeadLetter:
    """Return the dead letter of a Kafka message that none of our workers wrote."""
    log.error(events.MESSAGE_NOT_OURS, topic=ticket.topic, partition=ticket.partition, reason=type(error).__name__)
    return DeadLetter(
        project="unknown",
        environment="none",
        stream=ticket.topic,
        shard=str(ticket.partition),
        sequence=str(ticket.offset),
        subsequence=0,
        index=-1,
        arrival_ms=clock.now_ms(),
        stage="decode",
        code="not_ours",
        reason=f"the message does not decode: {error}",
        data=value[:STRANGE_BYTES],
    )
