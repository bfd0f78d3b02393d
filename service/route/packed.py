"""Records that travelled packed, because their head said whose events they hold: unpacked, and the head checked."""

from __future__ import annotations

from service.decode import Limits, split
from service.decode.cloudwatch import TRANSPORT
from service.decode.limits import DEFAULT
from service.decode.record import slice_of
from service.event import Packed, RecordBatch, Slice


def unpack(packed: Packed, limits: Limits = DEFAULT) -> Slice | None:
    """The one slice that ``Router.route`` makes of the record; None when there is more to it than its head said.

    What comes out None has to be decoded and routed event by event. Never raises.
    """
    units = split(packed.record.data, limits)
    if len(units.runs) != 1 or units.broken or units.control:
        return None
    run = units.runs[0]
    said = (TRANSPORT, packed.account, packed.log_group, packed.log_stream, None, None)
    if (run.transport, run.account, run.log_group, run.log_stream, run.source, run.columns) != said:
        return None
    run.columns = packed.columns
    return slice_of(batch_of(packed), packed.record, run)


def batch_of(packed: Packed) -> RecordBatch:
    """The record in a batch of its own, as a collector would send it."""
    return RecordBatch(packed.project, packed.environment, packed.stream, packed.shard, [packed.record])
