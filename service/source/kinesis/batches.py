"""Chunks of wire records into batches for Kafka: aggregates taken apart, what is safe already left out, sizes bounded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.event import Record
from service.source.kinesis.deaggregate import HashRange, NotAggregate, deaggregate, is_aggregate
from service.source.kinesis.lease import Checkpoint
from service.source.kinesis.wire import WireRecord

_OVERHEAD = 96
"""Bytes a record weighs beside its data: sequence number, framing."""


@dataclass(slots=True)
class Unpacked:
    """What was seen while unpacking one shard, counted since the worker began."""

    records: int = 0
    """Kinesis records."""
    bytes: int = 0
    user_records: int = 0
    """Records after de-aggregation."""
    discarded: int = 0
    """User records left out because their aggregate belongs to another shard and was put there again."""
    damaged: int = 0
    """Records that begin like an aggregate and are none; they go on as they are, and decoding decides."""


class Unpacker:
    """Unpacks the records of one shard. ``hash_range`` None: whatever lies in the shard belongs there."""

    def __init__(self, hash_range: HashRange | None, counts: Unpacked) -> None:
        """Count into ``counts``."""
        self._range = hash_range
        self._counts = counts

    def records(self, chunk: Sequence[WireRecord], after: Checkpoint | None = None) -> Iterator[Record]:
        """User records in order; those up to ``after`` are left out (they are safe already)."""
        counts = self._counts
        for wire in chunk:
            arrival = round(wire.approximate_arrival_timestamp * 1000)
            counts.records += 1
            counts.bytes += len(wire.data)
            if is_aggregate(wire.data):
                yield from self._aggregate(wire, arrival, after)
            elif after is None or Checkpoint(wire.sequence_number, 0).rank > after.rank:
                counts.user_records += 1
                yield Record(wire.data, wire.partition_key, wire.sequence_number, 0, arrival)

    def _aggregate(self, wire: WireRecord, arrival: int, after: Checkpoint | None) -> Iterator[Record]:
        try:
            inside = deaggregate(wire.data)
        except NotAggregate:
            self._counts.damaged += 1
            if after is None or Checkpoint(wire.sequence_number, 0).rank > after.rank:
                self._counts.user_records += 1
                yield Record(wire.data, wire.partition_key, wire.sequence_number, 0, arrival)
            return
        # The producer noticed that the aggregate went to a shard of before a reshard, and puts all of it again.
        if self._range is not None and not all(map(self._range.holds, inside)):
            self._counts.discarded += len(inside)
            return
        for number, record in enumerate(inside):
            if after is None or Checkpoint(wire.sequence_number, number).rank > after.rank:
                self._counts.user_records += 1
                yield Record(record.data, record.partition_key, wire.sequence_number, number, arrival)


def slices(records: Iterator[Record], most_bytes: int) -> Iterator[tuple[list[Record], int]]:
    """Lists of records and their weight, each at most ``most_bytes``; a larger record travels alone."""
    batch: list[Record] = []
    weight = 0
    for record in records:
        own = len(record.data) + len(record.partition_key) + _OVERHEAD
        if batch and weight + own > most_bytes:
            yield batch, weight
            batch, weight = [], 0
        batch.append(record)
        weight += own
    if batch:
        yield batch, weight
