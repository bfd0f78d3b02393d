"""Slices and packed records of one dataset into messages of a bounded size: never more than a message holds, few small ones."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from service.event import Packed, RawBatch, Slice

OVERHEAD = 64
"""Bytes an event costs beside its text, and roughly what its id and time take."""


def pack(dataset: str, slices: list[Slice], limit: int) -> Iterator[RawBatch]:
    """Yield batches of about ``limit`` characters that hold all slices in their order; one larger event travels alone."""
    batch: list[Slice] = []
    size = 0
    for whole in slices:
        for piece, piece_size in _split(whole, limit):
            if batch and size + piece_size > limit:
                yield RawBatch(dataset, batch)
                batch, size = [], 0
            batch.append(piece)
            size += piece_size
    if batch:
        yield RawBatch(dataset, batch)


def pack_whole(dataset: str, records: list[Packed], limit: int) -> Iterator[RawBatch]:
    """The same for records that are still packed, by what they hold when unpacked."""
    batch: list[Packed] = []
    size = 0
    for record in records:
        record_size = max(record.size, len(record.record.data))
        if batch and size + record_size > limit:
            yield RawBatch(dataset, [], packed=batch)
            batch, size = [], 0
        batch.append(record)
        size += record_size
    if batch:
        yield RawBatch(dataset, [], packed=batch)


def part(whole: Slice, start: int, stop: int) -> Slice:
    """Return events ``start`` to ``stop`` of a slice, their positions kept."""
    return msgspec.structs.replace(
        whole,
        events=whole.events[start:stop],
        ids=None if whole.ids is None else whole.ids[start:stop],
        times=None if whole.times is None else whole.times[start:stop],
        first=whole.first + start,
    )


def _split(whole: Slice, limit: int) -> Iterator[tuple[Slice, int]]:
    events = whole.events
    total = sum(map(len, events)) + OVERHEAD * len(events)
    if total <= limit:
        yield whole, total
        return
    start, size = 0, 0
    for at, event in enumerate(events):
        cost = len(event) + OVERHEAD
        if at > start and size + cost > limit:
            yield part(whole, start, at), size
            start, size = at, 0
        size += cost
    yield part(whole, start, len(events)), size
