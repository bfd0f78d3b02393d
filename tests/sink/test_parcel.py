"""A parcel knows where each document came from, and resolves when all have a fate."""

from __future__ import annotations

import pytest

from service.sink.parcel import Fates, Parcel
from tests.sink.scripted import a_slice


async def test_the_origin_of_a_piece_is_found_across_slices_with_gaps() -> None:
    first, second, third = a_slice(5, "1"), a_slice(0, "2"), a_slice(4, "3")
    parcel = Parcel("d", "v", ["a", "b", "c", "d"], [(first, [0, 4]), (second, []), (third, [1, 3])])
    assert [parcel.origin(k) for k in range(4)] == [(first, 0), (first, 4), (third, 1), (third, 3)]


async def test_a_parcel_resolves_with_its_last_fate() -> None:
    parcel = Parcel("d", "v", ["a", "b", "c"], [(a_slice(3), range(3))])
    assert not parcel.settle(indexed=1)
    assert not parcel.settle(already_there=1)
    assert not parcel.done.done()
    assert parcel.settle(dead_lettered=1)
    assert parcel.done.result() == Fates(1, 1, 1)


async def test_an_empty_parcel_is_done_at_once() -> None:
    assert Parcel("d", "v", [], []).done.result() == Fates(0, 0, 0)


async def test_a_second_fate_for_a_document_is_a_bug() -> None:
    parcel = Parcel("d", "v", ["a"], [(a_slice(1), [0])])
    parcel.settle(indexed=1)
    with pytest.raises(AssertionError):
        parcel.settle(indexed=1)


async def test_origins_must_name_every_piece() -> None:
    with pytest.raises(ValueError, match="every piece"):
        Parcel("d", "v", ["a", "b"], [(a_slice(1), [0])])
