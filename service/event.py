"""The units that travel: Kinesis records into Kafka, raw events between agents, dead letters out.

All of them are msgspec structs encoded as MessagePack arrays (``encode``/``decode_as``): compact, typed, and never able to
carry code. A Kafka message is always a batch.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

T = TypeVar("T")

OLDEST = 400 * 86_400
NEWEST = 86_400
"""Seconds before and after a record's arrival in which a time that something else claims decides an index."""


class Record(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One Kinesis record, after de-aggregation; ``subsequence`` is 0 unless it came out of a KPL aggregate."""

    data: bytes
    partition_key: str
    sequence: str
    """Sequence number, the decimal string of the Kinesis API."""
    subsequence: int
    arrival_ms: int
    """ApproximateArrivalTimestamp, milliseconds since the epoch, UTC."""


class RecordBatch(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Value of one message on the topic ``records``: a slice of one shard, about 512 KB at most.

    ``project`` and ``environment`` are those of the subscription in ``streams.yml``: the only trusted statement of whose
    data this is.
    """

    project: str
    environment: str
    stream: str
    """Stream name."""
    shard: str
    records: list[Record]
    gap: str = ""
    """Why records before these were never read, if so: Kinesis deleted them first."""


class Origin(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Where in S3 an event was found: what identifies it, with its number, through whatever record it came."""

    bucket: str
    key: str
    version: str
    """Version id; the ETag where the bucket keeps no versions."""
    part: str = ""
    """Member of an archive, and the unit of a file when one unit holds several events."""


class Slice(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Raw events that share all their facts: what one decoded unit (a CloudWatch record, an envelope, a file) held.

    ``ids`` (CloudWatch log event ids) and ``times`` (their timestamps, ms) run parallel to ``events`` when the transport
    has them. Event number i of the slice is number ``first + i`` of its Kinesis record; together with stream, shard,
    sequence and subsequence that is its position. Events out of an object in S3 have ``origin``: then number ``first + i``
    counts the units of the object, and that is their position.
    """

    project: str
    environment: str
    stream: str
    shard: str
    sequence: str
    subsequence: int
    arrival_ms: int
    """When the record arrived; when the object was written, for events that have an ``origin``."""
    events: list[str]
    ids: list[str] | None = None
    times: list[int] | None = None
    first: int = 0
    transport: str = "plain"
    """How it came: cloudwatch_logs, eventbridge, s3, plain."""
    account: str | None = None
    """Account the transport names: owner of the log group, ``account`` of the EventBridge envelope."""
    region: str | None = None
    log_group: str | None = None
    log_stream: str | None = None
    source: str | None = None
    """EventBridge ``source``."""
    detail_type: str | None = None
    envelope_id: str | None = None
    """EventBridge ``id``."""
    envelope_time: str | None = None
    """EventBridge ``time``."""
    columns: str | None = None
    """Header line of the file or field list declared for the log group, for columnar text."""
    envelope_resources: list[str] | None = None
    """EventBridge ``resources``: ARNs of what the event is about."""
    origin: Origin | None = None
    """Of events that were forwarded out of an object in S3."""

    @property
    def s3_bucket(self) -> str | None:
        """The fact of that name."""
        return self.origin.bucket if self.origin is not None else None

    @property
    def s3_key(self) -> str | None:
        """The fact of that name."""
        return self.origin.key if self.origin is not None else None


class Packed(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A record that travels on as it came: its head says that all its events are of one dataset.

    Whoever unpacks it checks that the head said the truth.
    """

    project: str
    environment: str
    stream: str
    shard: str
    record: Record
    log_group: str
    log_stream: str
    account: str
    columns: str | None
    """What ``Slice.columns`` will be."""
    size: int
    """Bytes it says it has when unpacked."""


class RawBatch(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Value of one message on the topic ``raw.<dataset>``: slices, or records of one stream that are still packed, never both."""

    dataset: str
    slices: list[Slice]
    part: str = ""
    """Its key in the ledger; "" where an older version of the service made it."""
    minute_ms: int = 0
    """The minute it is booked in."""
    packed: list[Packed] = []


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An unusable event with its bytes, why, and everything ``siem replay`` needs to try again."""

    project: str
    environment: str
    stream: str
    shard: str
    sequence: str
    subsequence: int
    index: int
    """Number of the event inside its Kinesis record; -1: the whole record."""
    arrival_ms: int
    stage: str
    code: str
    reason: str
    data: bytes
    field: str | None = None
    dataset: str | None = None
    pipeline_version: str | None = None
    context: Slice | None = None
    """The event's slice without events, ids and times, when it got as far as being decoded."""
    document_id: str | None = None
    document_index: str | None = None
    replays: int = 0
    origin: Origin | None = None
    """Of what was forwarded out of an object in S3: then this and ``index`` are its position, and ``arrival_ms`` is when
    the object was written."""


_encoder = msgspec.msgpack.Encoder()


def encode(unit: msgspec.Struct) -> bytes:
    """MessagePack bytes of a unit, for a Kafka message value."""
    return _encoder.encode(unit)


def decode_as(kind: type[T], data: bytes) -> T:
    """The unit of the given kind; raises msgspec.DecodeError or ValidationError for anything else."""
    return msgspec.msgpack.decode(data, type=kind)
