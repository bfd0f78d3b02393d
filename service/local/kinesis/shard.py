"""One shard: an ordered log of records, already rendered as the JSON that consumers will get."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import orjson

from service.clock import Clock
from service.local.kinesis import sequence
from service.local.kinesis.journal import Note
from service.local.kinesis.limits import Limits, Meter
from service.local.kinesis.refusal import throttled


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a shard comes from: ``parent`` and, after a merge, ``adjacent``, its other parent."""

    parent: str | None = None
    adjacent: str | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """What one read yields: rendered ``records``, their ``size`` in bytes, where to go on, how far behind that is."""

    records: list[bytes]
    size: int
    after: int
    behind_ms: int


class Shard:
    """Records in order of sequence number, between two hash keys (both inclusive), open until it is closed for good."""

    def __init__(
        self,
        index: int,
        hash_range: tuple[int, int],
        created_ms: int,
        lineage: Lineage,
        limits: Limits,
        clock: Clock,
        note: Note | None = None,
    ) -> None:
        self.index = index
        self.shard_id = f"shardId-{index:012d}"
        self.hash_range = hash_range
        self.created_ms = created_ms
        # a child's second of creation may lie ahead of the clock, so that its numbers sort above its parents'
        self.born_ms = min(created_ms, clock.now_ms())
        self.lineage = lineage
        self.first = sequence.first_of(created_ms, index)
        self.last_possible: int | None = None
        """Ending sequence number; None while the shard is open."""
        self.closed_ms: int | None = None
        self.children: list[Shard] = []
        self.newest = self.first
        """The newest sequence number given out, or ``first``."""
        self._waiting: list[asyncio.Future[None]] = []
        self._limits = limits
        self._clock = clock
        self._note = note
        self._count = 0
        self._sequences: list[int] = []
        self._arrivals: list[int] = []
        self._rendered: list[bytes] = []
        self._sizes: list[int] = []
        self._call_meter = Meter(limits.reads_per_second, clock)
        self._read_meter = Meter(limits.read_bytes, clock)
        self._write_meter = Meter(limits.write_bytes, clock)
        self._record_meter = Meter(limits.write_records, clock)
        self.fan_out_meters: dict[str, Meter] = {}

    @property
    def is_open(self) -> bool:
        """Whether it still takes records."""
        return self.last_possible is None

    def __len__(self) -> int:
        return len(self._sequences)

    def put(self, data: bytes, partition_key: str) -> str:
        """Append raw ``data``; the sequence number. Raises Refusal when the write quota is used up."""
        return self.put_encoded(b64encode(data), len(data), partition_key)

    def put_encoded(self, data: bytes, size: int, partition_key: str) -> str:
        """Append ``size`` bytes that come in base64 already; the sequence number. Raises Refusal over quota."""
        if self._limits.write_bytes:
            self._charge_write(size + len(partition_key.encode()))
        arrival_ms = self._clock.now_ms()
        if self._note is not None:
            self._note(self.shard_id, data, size, partition_key, arrival_ms)
        return self.restore(data, size, partition_key, arrival_ms)

    def _charge_write(self, size: int) -> None:
        if self._record_meter.is_empty() or self._write_meter.is_empty():
            raise throttled(f"Rate exceeded for shard {self.shard_id}.")
        self._record_meter.charge(1)
        self._write_meter.charge(size)

    def restore(self, data: bytes, size: int, partition_key: str, arrival_ms: int) -> str:
        """Append without any quota, as of ``arrival_ms``."""
        self._count += 1
        number = sequence.following(self.first, self._count, arrival_ms)
        text = str(number)
        self._sequences.append(number)
        self._arrivals.append(arrival_ms)
        self._sizes.append(size)
        self._rendered.append(
            b'{"SequenceNumber":"%b","ApproximateArrivalTimestamp":%b,"Data":"%b","PartitionKey":%b}'
            % (text.encode(), b"%d.%03d" % divmod(arrival_ms, 1000), data, orjson.dumps(partition_key))
        )
        self.newest = number
        if self._waiting:
            self._wake()
        return text

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def changed(self) -> asyncio.Future[None]:
        """Done as soon as a record arrives or the shard closes."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        return future

    def close(self, children: list[Shard]) -> None:
        """No record after this; readers that reach the end learn of ``children``."""
        self.children = children
        self.closed_ms = self._clock.now_ms()
        self.last_possible = sequence.following(self.first, self._count + 1, self.closed_ms)
        self._wake()

    def trim(self, before_ms: int) -> None:
        """Forget records that arrived before ``before_ms``."""
        if self._arrivals and self._arrivals[0] < before_ms:
            gone = bisect_left(self._arrivals, before_ms)
            for column in (self._sequences, self._arrivals, self._sizes, self._rendered):
                del column[:gone]

    def charge_call(self) -> None:
        """Account for one GetRecords call; raises Refusal while either read quota is used up."""
        if self._read_meter.is_empty() or not self._call_meter.allows(1):
            raise throttled(f"Rate exceeded for shard {self.shard_id}.")

    def charge_read(self, size: int) -> None:
        """Account for the bytes a call returned."""
        self._read_meter.charge(size)

    def charge_fan_out(self, consumer: str, size: int) -> float:
        """Account for pushed bytes of one consumer; seconds to wait before the next push."""
        meter = self.fan_out_meters.get(consumer)
        if meter is None:
            meter = self.fan_out_meters[consumer] = Meter(self._limits.fan_out_bytes, self._clock)
        return meter.charge(size)

    def before_time(self, timestamp_ms: int) -> int:
        """The position from which reading starts with the first record that arrived at or after ``timestamp_ms``."""
        at = bisect_left(self._arrivals, timestamp_ms)
        if at == len(self._arrivals):
            return self.newest
        return self._sequences[at - 1] if at else self.first

    def read(self, after: int, limit: int, max_bytes: int) -> Read:
        """Up to ``limit`` records and ``max_bytes`` above sequence number ``after``; one at least, if there is one."""
        begin = bisect_right(self._sequences, after)
        end = min(len(self._sequences), begin + limit)
        size = sum(self._sizes[begin:end])
        if size > max_bytes:
            size, stop = 0, begin
            while stop < end and (stop == begin or size + self._sizes[stop] <= max_bytes):
                size += self._sizes[stop]
                stop += 1
            end = stop
        if end == begin:
            return Read([], 0, after, 0)
        newest = self._sequences[end - 1]
        behind = 0 if end == len(self._sequences) else max(0, self._clock.now_ms() - self._arrivals[end - 1])
        return Read(self._rendered[begin:end], size, newest, behind)

    def is_exhausted(self, after: int) -> bool:
        """Whether the shard is closed and holds nothing above ``after``."""
        return not self.is_open and (not self._sequences or self._sequences[-1] <= after)

    def continuation(self, after: int) -> str:
        """A genuine sequence number to resume from: the newest record at or below ``after``, or the shard's first."""
        at = bisect_right(self._sequences, after)
        return str(self._sequences[at - 1] if at else max(self.first, min(after, self.newest)))
