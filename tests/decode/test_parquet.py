"""Parquet files as payloads: what comes out of a row, and what hostile files cannot do."""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import gzip
import io
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.decode import Limits, Units, split
from service.decode.parquet import json_rows
from service.errors import EventError

LINE = {"version": 2, "account_id": "111122223333", "srcaddr": "192.0.2.1", "bytes": 8400}


def parquet(table: pa.Table | dict[str, Any] | list[dict[str, Any]], **options: Any) -> bytes:
    match table:
        case dict():
            table = pa.table(table)
        case list():
            table = pa.Table.from_pylist(table)
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def rows(units: Units) -> list[Any]:
    assert units.broken == []
    return [json.loads(event) for run in units.runs for event in run.events]


def codes(units: Units) -> list[tuple[int, str]]:
    assert units.runs == []
    return [(broken.index, broken.code) for broken in units.broken]


POOLS: list[pa.MemoryPool] = []
"""Memory that was given out must not outlive its pool."""


@pytest.fixture
def pool() -> Iterator[pa.MemoryPool]:
    """Arrow's memory from here on."""
    before = pa.default_memory_pool()
    POOLS.append(pa.proxy_memory_pool(before))
    pa.set_memory_pool(POOLS[-1])
    yield POOLS[-1]
    pa.set_memory_pool(before)


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd", "brotli", "lz4"])
def test_a_row_is_an_event_by_column_name_in_the_order_of_the_file(codec: str) -> None:
    units = split(parquet([{**LINE, "bytes": number} for number in range(1000)], compression=codec, row_group_size=300))
    assert rows(units) == [{**LINE, "bytes": number} for number in range(1000)]
    assert [line for run in units.runs for line in run.lines] == list(range(1, 1001))


def test_nulls_and_empty_objects_are_left_out() -> None:
    table: Any = [{"a": 1, "b": None, "c": {"d": None}, "e": []}, {"a": None, "b": "x", "c": {"d": 2}, "e": [1, None, 2]}]
    assert rows(split(parquet(table))) == [{"a": 1, "e": []}, {"b": "x", "c": {"d": 2}, "e": [1, 2]}]


def test_times_are_iso_8601_decimals_keep_their_digits_and_bytes_are_text_where_they_can_be() -> None:
    noon = dt.datetime(2026, 1, 15, 12, tzinfo=dt.UTC)
    ident = uuid.UUID("00000000-0000-4000-8000-000000000001")
    table = {
        "second": pa.array([noon], pa.timestamp("s", "UTC")),
        "milli": pa.array([noon], pa.timestamp("ms", "Europe/Berlin")),
        "nano": pa.array([noon.replace(tzinfo=None)], pa.timestamp("ns")),
        "exact": pa.array([1_768_478_400_000_000_001], pa.timestamp("ns")),
        "day": pa.array([noon.date()]),
        "clock": pa.array([noon.time()], pa.time64("us")),
        "cost": pa.array([decimal.Decimal("0.0000000012")], pa.decimal128(20, 10)),
        "text": pa.array([b"text"]),
        "bytes": pa.array([b"\xff\x00"]),
        "hash": pa.array([b"\xff" * 4], pa.binary(4)),
        "ident": pa.array([ident.bytes], pa.uuid()),
        "half": pa.array([1.5], pa.float16()),
        "not": pa.array([float("nan")]),
        "big": pa.array([2**64 - 1], pa.uint64()),
        "tags": pa.array([[("user:Name", "a\"b"), ("ü", None)]], pa.map_(pa.string(), pa.string())),
        "ports": pa.array([[(443, "tcp")]], pa.map_(pa.int32(), pa.string())),
        "pair": pa.array([[1, 2]], pa.list_(pa.int8(), 2)),
    }  # fmt: skip
    (found,) = rows(split(parquet(table)))
    assert found == {
        "second": "2026-01-15T12:00:00.000Z",  # Parquet has no seconds
        "milli": "2026-01-15T12:00:00.000Z",
        "nano": "2026-01-15T12:00:00.000Z",
        "exact": "2026-01-15T12:00:00.000000001Z",
        "day": "2026-01-15",
        "clock": "12:00:00.000000",
        "cost": "0.0000000012",
        "text": "text",
        "bytes": "/wA=",
        "hash": "/////w==",
        "ident": str(ident),
        "half": 1.5,
        "not": "nan",
        "big": 2**64 - 1,
        "tags": {"user:Name": 'a"b'},
        "ports": {"443": "tcp"},
        "pair": [1, 2],
    }


def test_strings_that_are_no_utf_8_keep_what_is() -> None:
    strings = pa.array([b"caf\xe9", "café".encode()]).view(pa.string())
    assert rows(split(parquet({"a": strings}))) == [{"a": "caf\ufffd"}, {"a": "café"}]


@pytest.mark.parametrize("wrap", [gzip.compress, base64.b64encode, bytes], ids=["gzip", "base64", "plain"])
def test_a_file_may_be_wrapped_as_other_payloads_are(wrap: Any) -> None:
    assert rows(split(wrap(parquet([LINE])))) == [LINE]


def test_a_file_without_rows_holds_no_event_and_nothing_broken() -> None:
    units = split(parquet(pa.Table.from_pylist([LINE]).slice(0, 0)))
    assert (units.found(), units.control, units.broken) == (1, 1, [])


def test_text_that_begins_like_a_file_is_text() -> None:
    units = split(b"PAR1 is a magic word\nPAR1\n")
    assert [event for run in units.runs for event in run.events] == ["PAR1 is a magic word", "PAR1"]


def test_any_encoding_of_the_same_rows_gives_the_same_events() -> None:
    words = [f"word {number % 700}" * (number % 7 + 1) for number in range(5000)]
    table = [
        {"flat": word, "list": words[at : at + at % 4], "deep": {"of": [{"word": word}] * (at % 3)}}
        for at, word in enumerate(words)
    ]
    expected = rows(split(parquet(table)))
    delta: dict[str, Any] = {"use_dictionary": False, "column_encoding": {
        "flat": "DELTA_BYTE_ARRAY", "list.list.element": "DELTA_LENGTH_BYTE_ARRAY", "deep.of.list.element.word": "PLAIN",
    }}  # fmt: skip
    for options in (
        {"row_group_size": 777}, {"use_dictionary": False}, {"dictionary_pagesize_limit": 2000, "data_page_size": 500},
        {"data_page_version": "2.0"}, {"write_page_checksum": True}, {"store_schema": False}, delta,
    ):  # fmt: skip
        assert rows(split(parquet(table, **options))) == expected, options


SOUND = parquet([LINE] * 50, row_group_size=20)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (SOUND[:-1], "corrupt_parquet"),
        (SOUND[:200], "corrupt_parquet"),
        (SOUND[:5], "corrupt_parquet"),
        (SOUND[:4] + SOUND[-4:], "corrupt_parquet"),
        (SOUND[:-8] + b"\xff\xff\xff\x7fPAR1", "corrupt_parquet"),
        (SOUND[:-8] + b"\x01\x00\x00\x00PAR1", "corrupt_parquet"),
        (SOUND[:60] + b"\xff" * 60 + SOUND[120:], "corrupt_parquet"),
        (b"PAR1" + b"\0" * 100 + b"PAR1", "corrupt_parquet"),
        (b"PARE" + SOUND[4:-4] + b"PARE", "encrypted_parquet"),
    ],
)
def test_a_broken_file_is_one_dead_letter_for_the_record(data: bytes, code: str) -> None:
    units = split(data)
    assert codes(units) == [(-1, code)]
    assert units.broken[0].data == data


BIG = "x" * 100_000


def again(times: int) -> Any:
    """One long word, so many times, without the memory for that."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * times, pa.int32()), [BIG])


def in_lists(array: Any, length: int) -> Any:
    return pa.ListArray.from_arrays(pa.array(range(0, len(array) + 1, length), pa.int32()), array)


BOMBS: dict[str, Any] = {
    "one value inflates": lambda: parquet({"a": ["0" * 100_000_000]}, compression="zstd"),
    "many pages inflate": lambda: parquet(
        {"a": ["0" * 1_000_000] * 100}, compression="zstd", use_dictionary=False, data_page_size=1
    ),
    "a word of a dictionary, again and again": lambda: parquet({"a": again(100_000)}),
    "the same in lists": lambda: parquet({"a": in_lists(again(100_000), 100)}),
    "the same in one list": lambda: parquet({"a": in_lists(again(100_000), 100_000)}),
    "the same in lists of lists": lambda: parquet({"a": in_lists(in_lists(again(10_000), 10), 10)}),
    "the same below": lambda: parquet({"a": pa.StructArray.from_arrays([again(9_999), again(9_999)], ["b", "c"])}),
    "prefixes of the value before": lambda: parquet(
        {"a": [[BIG] * 100] * 5}, use_dictionary=False, column_encoding="DELTA_BYTE_ARRAY", compression="zstd"
    ),
    "more rows than a record can have": lambda: parquet({"a": pa.array([1] * 600_000, pa.int8())}),
    "more nulls than anybody wants": lambda: parquet({f"c{at}": pa.nulls(400_000, pa.int8()) for at in range(130)}),
    "a name of a column in every row": lambda: parquet({"n" * 100_000: [1] * 1000}),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_bounded_time_and_memory(name: str, pool: pa.MemoryPool) -> None:
    data = BOMBS[name]()
    before = pool.max_memory() or 0
    started = time.process_time()
    assert codes(split(data)) == [(-1, "bomb")]
    assert time.process_time() - started < 8
    assert (pool.max_memory() or 0) < max(before, 200 << 20)


def test_long_values_that_repeat_each_other_are_read_a_few_at_a_time(pool: pa.MemoryPool) -> None:
    data = parquet({"a": [BIG] * 300}, use_dictionary=False, column_encoding="DELTA_BYTE_ARRAY", compression="zstd")
    assert sum(map(len, json_rows(data, Limits(ratio=1_000_000)))) == 300
    assert (pool.max_memory() or 0) < 200 << 20


def test_a_footer_that_nests_without_end_is_refused() -> None:
    kind: pa.DataType = pa.int8()
    for _ in range(40):
        kind = pa.list_(kind)
    assert codes(split(parquet({"a": pa.array([[]], kind)}))) == [(-1, "corrupt_parquet")]


def test_a_large_file_is_read_a_batch_at_a_time(pool: pa.MemoryPool) -> None:
    data = io.BytesIO(parquet({"a": [f"{number:0100}" for number in range(300_000)]}, row_group_size=100_000))
    before = pool.bytes_allocated()
    found = 0
    for some in json_rows(data, Limits(output=1 << 40)):
        found += len(some)
        assert pool.bytes_allocated() - before < 8 << 20
    assert found == 300_000
    assert not data.closed


def test_what_came_before_a_broken_row_group_was_given() -> None:
    data = bytearray(parquet({"a": [f"value {number}" for number in range(100)]}, row_group_size=50, compression="none"))
    second = pq.read_metadata(io.BytesIO(data)).row_group(1).column(0)
    at = second.dictionary_page_offset or 0
    data[at : at + 9] = b"\xff" * 9
    found = json_rows(bytes(data))
    assert len(next(found)) == 50
    with pytest.raises(EventError, match="corrupt_parquet"):
        next(found)


values = st.one_of(st.none(), st.text(), st.just("w" * 300), st.sampled_from(['"', "\\", "\n", "\u2028", "ü", "a"]))
tables = st.lists(
    st.fixed_dictionaries(
        {
            "text": values,
            "number": st.none() | st.integers(-(2**63), 2**63 - 1),
            "real": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "truth": st.none() | st.booleans(),
            "list": st.none() | st.lists(values, max_size=4),
            "object": st.none() | st.fixed_dictionaries({"a": values, "b": st.none() | st.integers(-9, 9)}),
            "deep": st.none() | st.lists(st.none() | st.fixed_dictionaries({"c": st.none() | st.lists(values, max_size=3)})),
        }
    ),
    min_size=1,
    max_size=12,
)  # fmt: skip
LIST = pa.list_(pa.string())
OBJECT = pa.struct([pa.field("a", pa.string()), pa.field("b", pa.int64())])
FIELDS: list[pa.Field[Any]] = [
    pa.field("text", pa.string()),
    pa.field("number", pa.int64()),
    pa.field("real", pa.float64()),
    pa.field("truth", pa.bool_()),
    pa.field("list", LIST),
    pa.field("object", OBJECT),
    pa.field("deep", pa.list_(pa.struct([pa.field("c", LIST)]))),
]


def bare(value: Any) -> Any:
    """The value without nulls and empty objects."""
    if isinstance(value, dict):
        return {key: bare(item) for key, item in value.items() if item is not None and bare(item) != {}}
    if isinstance(value, list):
        return [bare(item) for item in value if item is not None and bare(item) != {}]
    return value


@settings(max_examples=80, deadline=None)
@given(tables, st.sampled_from(["snappy", "none"]), st.booleans(), st.integers(1, 12))
def test_rows_come_out_as_they_went_in(table: list[dict[str, Any]], codec: str, words: bool, group: int) -> None:
    data = parquet(
        pa.Table.from_pylist(table, pa.schema(FIELDS)), compression=codec, use_dictionary=words, row_group_size=group
    )  # fmt: skip
    units = split(data)
    assert rows(units) == [bare(row) for row in table]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_file_with_any_bytes_changed_is_accounted_for(data: st.DataObject) -> None:
    changed = bytearray(SOUND)
    for at in data.draw(st.lists(st.integers(4, len(SOUND) - 5), min_size=1, max_size=4)):
        changed[at] = data.draw(st.integers(0, 255))
    units = split(bytes(changed))
    assert units.found() > 0
    assert not units.runs or not units.broken


def test_pyarrow_is_not_imported_before_a_file_comes() -> None:
    code = "import sys, service.app, service.decode; sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
