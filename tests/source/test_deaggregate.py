"""KPL aggregates: taken apart exactly, damaged ones recognised, foreign ones left out."""

from __future__ import annotations

import contextlib
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.source.kinesis.batches import Unpacked, Unpacker
from service.source.kinesis.deaggregate import (
    MAGIC,
    HashRange,
    NotAggregate,
    SubRecord,
    deaggregate,
    hash_key,
    is_aggregate,
)
from service.source.kinesis.lease import Checkpoint
from service.source.kinesis.wire import WireRecord

EVERYTHING = HashRange(0, 2**128 - 1)


def varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def chunk(field: int, data: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(data)) + data


def aggregate(records: list[SubRecord], *, unknown: bytes = b"") -> bytes:
    keys = sorted({record.partition_key for record in records})
    hashes = sorted({record.explicit_hash_key for record in records if record.explicit_hash_key is not None})
    body = b"".join(chunk(1, key.encode()) for key in keys) + b"".join(chunk(2, key.encode()) for key in hashes)
    for record in records:
        inner = varint(1 << 3) + varint(keys.index(record.partition_key))
        if record.explicit_hash_key is not None:
            inner += varint(2 << 3) + varint(hashes.index(record.explicit_hash_key))
        body += chunk(3, inner + chunk(3, record.data) + unknown)
    return MAGIC + body + hashlib.md5(body).digest()


sub_records = st.builds(
    SubRecord,
    partition_key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    explicit_hash_key=st.none() | st.integers(0, 2**128 - 1).map(str),
    data=st.binary(max_size=300),
)


@given(st.lists(sub_records, max_size=20))
def test_what_was_aggregated_comes_out_again(records: list[SubRecord]) -> None:
    assert deaggregate(aggregate(records)) == records


@given(st.lists(sub_records, min_size=1, max_size=5), st.data())
def test_one_flipped_bit_is_noticed(records: list[SubRecord], data: st.DataObject) -> None:
    whole = bytearray(aggregate(records))
    at = data.draw(st.integers(len(MAGIC), len(whole) - 1))
    whole[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(NotAggregate):
        deaggregate(bytes(whole))


@given(st.binary(max_size=200))
def test_rubbish_with_a_right_digest_never_does_worse_than_not_aggregate(body: bytes) -> None:
    data = MAGIC + body + hashlib.md5(body).digest()
    with contextlib.suppress(NotAggregate):
        deaggregate(data)


def test_fields_that_newer_producers_add_are_passed_over() -> None:
    record = SubRecord("key", None, b"data")
    tags = chunk(4, b"tag") + varint(9 << 3 | 1) + bytes(8) + varint(10 << 3 | 5) + bytes(4) + varint(11 << 3) + b"\x01"
    assert deaggregate(aggregate([record], unknown=tags)) == [record]


def test_the_hash_key_is_that_of_kinesis() -> None:
    assert hash_key("a") == 0x0CC175B9C0F1B6A831C399E269772661


def wire(data: bytes, sequence: int = 1) -> WireRecord:
    return WireRecord(str(sequence), data, "outer", 1.5)


def unpack(*records: WireRecord, hash_range: HashRange | None = EVERYTHING, after: Checkpoint | None = None):  # type: ignore[no-untyped-def]
    counts = Unpacked()
    return list(Unpacker(hash_range, counts).records(records, after)), counts


def test_sub_records_keep_their_own_key_and_a_number_each() -> None:
    records, counts = unpack(wire(aggregate([SubRecord("a", None, b"1"), SubRecord("b", None, b"2")]), 7), wire(b"x", 8))
    assert [(it.data, it.partition_key, it.sequence, it.subsequence, it.arrival_ms) for it in records] == [
        (b"1", "a", "7", 0, 1500),
        (b"2", "b", "7", 1, 1500),
        (b"x", "outer", "8", 0, 1500),
    ]
    assert (counts.records, counts.user_records) == (2, 3)


def test_a_damaged_aggregate_goes_on_as_it_is_and_is_counted() -> None:
    damaged = MAGIC + b"no protobuf, no digest, but long enough"
    assert is_aggregate(damaged)
    records, counts = unpack(wire(damaged))
    assert [record.data for record in records] == [damaged]
    assert counts.damaged == 1


def test_an_aggregate_with_one_foreign_key_is_discarded_whole() -> None:
    data = aggregate([SubRecord("a", "10", b"1"), SubRecord("a", "99", b"2")])
    records, counts = unpack(wire(data), hash_range=HashRange(0, 50))
    assert records == []
    assert counts.discarded == 2


def test_an_explicit_hash_key_wins_over_the_partition_key() -> None:
    records, _ = unpack(wire(aggregate([SubRecord("a", "10", b"1")])), hash_range=HashRange(0, 50))
    assert len(records) == 1


def test_a_hash_key_that_is_no_number_belongs_to_no_shard() -> None:
    records, counts = unpack(wire(aggregate([SubRecord("a", "ten", b"1")])))
    assert (records, counts.discarded) == ([], 1)


def test_without_keyed_shards_no_aggregate_is_foreign() -> None:
    records, _ = unpack(wire(aggregate([SubRecord("a", "99", b"1")])), hash_range=None)
    assert len(records) == 1


def test_reading_goes_on_in_the_middle_of_an_aggregate() -> None:
    data = aggregate([SubRecord("a", None, bytes([number])) for number in range(4)])
    records, _ = unpack(wire(data, 5), wire(b"x", 6), after=Checkpoint("5", 1))
    assert [(record.sequence, record.subsequence) for record in records] == [("5", 2), ("5", 3), ("6", 0)]
