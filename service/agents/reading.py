"""What became of one batch of records on its way to the datasets: what was sent, what is dead, what the ledger is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

import msgspec

from service.decode.record import letter_of_broken
from service.decode.units import Broken
from service.event import DeadLetter, RawBatch, Record, RecordBatch
from service.ledger.entry import Entry, Fated, Part, Read, again_key, batch_key, minute_of, packed_key, part_key
from service.route.packed import batch_of
from service.sink.letter import letter_of


@dataclass(slots=True)
class Reading:
    """A batch while it is routed."""

    stream: tuple[str, str, str]
    key: str
    minute_ms: int
    records: int
    control: int = 0
    letters: list[DeadLetter] = field(default_factory=list)
    """Of what never got a dataset."""
    sent: list[tuple[RawBatch, asyncio.Future[None]]] = field(default_factory=list)
    """Messages, and when each is durable."""
    too_large: list[tuple[RawBatch, str]] = field(default_factory=list)
    """Messages that no broker takes, and why."""

    @classmethod
    def of(cls, batch: RecordBatch) -> Reading:
        """Begin with a batch."""
        stream = (batch.project, batch.environment, batch.stream)
        if not batch.records:
            return cls(stream, "", 0, 0)
        return cls(stream, batch_key(batch), minute_of(batch.records[0].arrival_ms), len(batch.records))

    @classmethod
    def again(cls, raw: RawBatch) -> Reading:
        """Begin with records that were read before and travelled packed."""
        first = raw.packed[0]
        return cls((first.project, first.environment, first.stream), again_key(raw.part), raw.minute_ms, 0)

    @classmethod
    def strange(cls, letter: DeadLetter) -> Reading:
        """The reading of a message that none of our workers wrote; its place stands for its content."""
        stream = (letter.project, letter.environment, letter.stream)
        return cls(stream, f"{letter.shard}.{letter.sequence}", minute_of(letter.arrival_ms), 1, letters=[letter])

    def named(self, raw: RawBatch) -> RawBatch:
        """The next message with its name in the ledger."""
        make, count = (packed_key, len(raw.packed)) if raw.packed else (part_key, _events(raw))
        return msgspec.structs.replace(raw, part=make(self.key, len(self.sent), count), minute_ms=self.minute_ms)

    def all_letters(self) -> list[DeadLetter]:
        """Everything that ends here."""
        events = [
            letter_of(piece, at, stage="route", code="too_large", reason=reason, dataset=raw.dataset)
            for raw, reason in self.too_large
            for piece in raw.slices
            for at in range(len(piece.events))
        ]
        records = [
            letter_of_record(batch_of(each), each.record, "route", "too_large", reason)
            for raw, reason in self.too_large
            for each in raw.packed
        ]
        return self.letters + events + records

    def entries(self) -> list[Entry]:
        """What the ledger is told, once all of it is durable."""
        if not self.key:
            return []
        dead = Counter(f"{letter.stage}/{letter.code}" for letter in self.letters)
        parts = [Part(raw.dataset, raw.part, _events(raw)) for raw, _ in self.sent]
        read = Read(self.key, self.minute_ms, self.records, self.control, dict(dead), parts)
        ends = [
            Fated(raw.part, self.minute_ms, raw.dataset, count, 0, 0, {}, {"route/too_large": count})
            for raw, _ in self.too_large
            if (count := _events(raw) + len(raw.packed))
        ]
        return [read, *ends]


def _events(raw: RawBatch) -> int:
    return sum(len(piece.events) for piece in raw.slices)


def letter_of_record(batch: RecordBatch, record: Record, stage: str, code: str, reason: str) -> DeadLetter:
    """Return the dead letter of a record as a whole."""
    return letter_of_broken(batch, record, Broken(-1, 0, record.data, code, reason, stage=stage))
