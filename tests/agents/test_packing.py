"""Messages stay small, hold everything, and no event loses its position."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.agents.packing import OVERHEAD, pack, pack_whole
from service.event import Packed, Record, Slice


def a_slice(events: list[str], first: int = 0, *, timed: bool = True) -> Slice:
    numbers = range(first, first + len(events))
    return Slice(
        "shop", "prod", "audit", "shardId-0", "1", 0, 5, events, first=first,
        ids=[f"id{n}" for n in numbers] if timed else None, times=list(numbers) if timed else None,
    )  # fmt: skip


@given(st.lists(st.lists(st.text(max_size=60), max_size=12), max_size=6), st.integers(100, 600), st.booleans())
def test_every_event_travels_once_in_order_with_its_position(texts: list[list[str]], limit: int, timed: bool) -> None:
    slices = [a_slice(events, first=7 * n, timed=timed) for n, events in enumerate(texts)]
    batches = list(pack("aws.vpcflow", slices, limit))
    out = [
        (piece.first + at, event, piece.ids and piece.ids[at], piece.times and piece.times[at])
        for batch in batches
        for piece in batch.slices
        for at, event in enumerate(piece.events)
    ]
    expected = [
        (whole.first + at, event, whole.ids and whole.ids[at], whole.times and whole.times[at])
        for whole in slices
        for at, event in enumerate(whole.events)
    ]
    assert out == expected
    for batch in batches:
        size = sum(len(event) + OVERHEAD for piece in batch.slices for event in piece.events)
        assert size <= limit or sum(len(piece.events) for piece in batch.slices) == 1


def test_small_slices_share_a_message() -> None:
    assert len(list(pack("d", [a_slice(["x"] * 3)] * 4, 100_000))) == 1


def test_one_event_larger_than_a_message_travels_alone() -> None:
    sizes = [[len(p.events) for p in b.slices] for b in pack("d", [a_slice(["a", "b" * 1000, "c"])], 200)]
    assert sizes == [[1], [1], [1]]


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 400)), max_size=12))
def test_packed_records_travel_once_in_order_by_what_they_hold(sizes: list[tuple[int, int]]) -> None:
    records = [
        Packed("shop", "prod", "audit", "shardId-0", Record(bytes(length), "k", str(n), 0, 5), "g", "s", "1", None, size)
        for n, (length, size) in enumerate(sizes)
    ]
    batches = list(pack_whole("aws.vpcflow", records, 500))
    assert [record for batch in batches for record in batch.packed] == records
    for batch in batches:
        assert len(batch.packed) == 1 or sum(max(one.size, len(one.record.data)) for one in batch.packed) <= 500
        assert batch.packed
        assert not batch.slices
