"""One Kinesis record → slices of raw events and dead letters, with its position on all of them."""

from __future__ import annotations

from typing import NamedTuple

from service.decode import forwarded
from service.decode.cloudwatch import PREFIX, read_message
from service.decode.inflate import unpack
from service.decode.json_value import read_single
from service.decode.limits import DEFAULT, Limits
from service.decode.parquet import is_parquet, read_parquet
from service.decode.payload import read_payload
from service.decode.tables import NONE, Tables
from service.decode.units import Broken, Run, Units
from service.errors import EventError
from service.event import NEWEST, OLDEST, DeadLetter, Record, RecordBatch, Slice


class Decoded(NamedTuple):
    """What one record held. Nothing is lost: there is at least one slice, dead letter or control unit."""

    slices: list[Slice]
    dead: list[DeadLetter]
    control: int
    """Units without events by design: control messages, empty envelopes, header lines."""


def split(data: bytes, limits: Limits = DEFAULT, tables: Tables = NONE) -> Units:
    """Decode the bytes of one record or file into runs of events with their line numbers, and broken units. Never raises.

    ``tables``: text whose first line names columns of one of them is a table.
    """
    units = Units(limits, tables)
    try:
        payload, wrong, rest = unpack(data, limits)
    except EventError as error:
        units.fails(data, error)
        return units
    _read(payload, units)
    if wrong is not None:
        units.breaks(rest, 1, wrong.code, wrong.reason)
    return units


def _read(payload: bytes, units: Units) -> None:
    # The common cases, decided by their first bytes: one subscription message, one forwarded record, one envelope or event.
    if payload.startswith(PREFIX) and read_message(payload, units):
        return
    if payload.startswith(forwarded.PREFIX) and forwarded.read_forwarded(payload, units):
        return
    if is_parquet(payload):
        read_parquet(payload, units)
    elif not read_single(payload, units):
        read_payload(payload, units)


def decode_record(batch: RecordBatch, record: Record, limits: Limits = DEFAULT) -> Decoded:
    """Decode one record of a batch; neither its content nor its size makes this raise."""
    units = split(record.data, limits)
    return Decoded(
        [slice_of(batch, record, run) for run in units.runs],
        [letter_of_broken(batch, record, broken) for broken in units.broken],
        units.control,
    )


def slice_of(batch: RecordBatch, record: Record, run: Run) -> Slice:
    """Give a run its position and its project."""
    return Slice(
        batch.project,
        batch.environment,
        batch.stream,
        batch.shard,
        record.sequence,
        record.subsequence,
        _arrived(record, run.written_ms),
        run.events,
        run.ids,
        run.times,
        run.first,
        run.transport,
        run.account,
        run.region,
        run.log_group,
        run.log_stream,
        run.source,
        run.detail_type,
        run.envelope_id,
        run.envelope_time,
        run.columns,
        run.envelope_resources,
        run.origin,
    )


def _arrived(record: Record, written_ms: int | None) -> int:
    """When an event counts as arrived: with its object, so that it gets the same index whenever that is forwarded.

    An object may claim a time near that of the record; another one would let whoever writes records choose indices.
    """
    arrived_ms = record.arrival_ms
    if written_ms is None or not (-OLDEST <= (written_ms - arrived_ms) / 1000 <= NEWEST or not arrived_ms):
        return arrived_ms
    return written_ms


def letter_of_broken(batch: RecordBatch, record: Record, broken: Broken) -> DeadLetter:
    """Give a broken unit its position and its project."""
    return DeadLetter(
        project=batch.project,
        environment=batch.environment,
        stream=batch.stream,
        shard=batch.shard,
        sequence=record.sequence,
        subsequence=record.subsequence,
        index=broken.index,
        arrival_ms=_arrived(record, broken.written_ms),
        stage=broken.stage,
        code=broken.code,
        reason=broken.reason,
        data=broken.data,
        origin=broken.origin,
    )
