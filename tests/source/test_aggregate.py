"""What the aggregator packs comes out again, record by record; what fits is known before it is packed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.source.kinesis.aggregate import Aggregate
from service.source.kinesis.deaggregate import MAGIC, HashRange, deaggregate, hash_key, is_aggregate

SIZES = st.sampled_from([0, 1, 100, 123, 124, 125, 126, 127, 128, 129, 200, 16_370, 16_380, 16_384, 16_390])


@given(
    st.lists(st.binary(max_size=50) | SIZES.map(lambda size: b"x" * size), min_size=2, max_size=30),
    st.text(min_size=1, max_size=90),
)
def test_what_is_packed_comes_out_again(records: list[bytes], key: str) -> None:
    aggregate = Aggregate(key, 1 << 30)
    for record in records:
        aggregate.add(record)
    data = aggregate.seal()
    assert is_aggregate(data)
    assert len(data) + len(key.encode()) == aggregate.size
    found = deaggregate(data)
    assert [record.data for record in found] == records
    assert {record.partition_key for record in found} == {key}
    here = hash_key(key)
    assert all(HashRange(here, here).holds(record) for record in found)


@given(st.lists(SIZES.map(lambda size: b"x" * size), max_size=60), st.integers(200, 20_000))
def test_an_aggregate_is_never_larger_than_its_limit_and_what_fits_is_known_before(records: list[bytes], limit: int) -> None:
    aggregate = Aggregate("key", limit)
    for record in records:
        fits, before = aggregate.fits(record), aggregate.records
        if fits:
            aggregate.add(record)
        assert fits or before
        assert aggregate.size <= limit or aggregate.records == 1
        if not fits:
            aggregate.add(record)
            assert aggregate.size > limit
            return


@pytest.mark.parametrize("data", [b"", b"alone", b"\x1f\x8b gzip"])
def test_a_record_alone_goes_as_it_is(data: bytes) -> None:
    aggregate = Aggregate("key", 100)
    aggregate.add(data)
    assert aggregate.seal() == data
    assert aggregate.size == len(data) + 3


def test_a_record_alone_that_looks_like_an_aggregate_is_packed() -> None:
    aggregate = Aggregate("key", 100)
    aggregate.add(MAGIC + b"x" * 40)
    assert [record.data for record in deaggregate(aggregate.seal())] == [MAGIC + b"x" * 40]
    assert len(aggregate.seal()) + 3 == aggregate.size
