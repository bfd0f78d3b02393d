"""Records made to hurt: bounded in time and memory, and always accounted for."""

from __future__ import annotations

import gzip
import json
import time
import tracemalloc
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from service.decode import Limits, split
from tests.pace import least_seconds

LINE = b'{"eventVersion":"1.08","eventName":"PutObject"}\n'
SEEDS = [
    b"{", b"}", b"[", b"]", b'"', b",", b"\n", b"\r\n", b"\\", b":", b" ", b"a", b"\xff", b"\x00", b"#Fields: a b", b"1",
    b'{"a":1}', b'{"Records":[', b'{"messageType":"DATA_MESSAGE"', b'"logEvents":[', b'{"detail-type":"x","source":"y","detail":',
    b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\xef\xbb\xbf", b"\xff\xfe", b"H4sIAAAAAAAA", b"\\ud800", b"version srcaddr",
]  # fmt: skip


def codes(data: bytes) -> list[str]:
    return [broken.code for broken in split(data).broken]


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(b"0" * 50_000_000),
        gzip.compress(b"0" * (80 << 20), compresslevel=1),
        zstandard.compress(b"0" * 50_000_000),
        gzip.compress(b"0" * 1_000_000) * 80,
        gzip.compress(gzip.compress(gzip.compress(b"0" * 1000))),
        zstandard.compress(zstandard.compress(gzip.compress(b"0" * 100_000_000))),
    ],
    ids=["gzip", "gzip below the ratio", "zstd", "members", "three layers", "mixed layers"],
)
def test_a_bomb_is_refused_before_it_is_inflated(data: bytes) -> None:
    tracemalloc.start()
    units = split(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [(broken.index, broken.code, broken.data) for broken in units.broken] == [(-1, "bomb", data)]
    assert peak < 40 << 20, "the bound of 64 MiB is for what is sound"


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_large_records_that_are_sound_come_whole(pack: Callable[[bytes], bytes]) -> None:
    lines = [f"line {number} {number * 2_654_435_761 % 2**32:08x}" for number in range(400_000)]
    first, second = "\n".join(lines[:390_000]).encode() + b"\n", "\n".join(lines[390_000:]).encode()
    units = split(pack(first) + pack(second))
    assert units.broken == []
    assert [event for run in units.runs for event in run.events] == lines


def test_the_limits_are_a_ratio_and_a_size() -> None:
    data = gzip.compress(b"0" * 900_000)
    assert split(data).broken == []
    assert split(data, Limits(ratio_above=1000)).broken[0].code == "bomb"
    assert split(data, Limits(output=1000)).broken[0].code == "bomb"


WHOLE = gzip.compress(LINE * 3)


@pytest.mark.parametrize(
    ("data", "code", "kept"),
    [
        (WHOLE[:-9], "corrupt_gzip", 0),
        (WHOLE[:-8] + b"12345678", "corrupt_gzip", 0),
        (WHOLE[:20], "corrupt_gzip", 0),
        (b"\x1f\x8b", "corrupt_gzip", 0),
        (b"\x1f\x8b" + b"nonsense" * 10, "corrupt_gzip", 0),
        (WHOLE + b"garbage", "corrupt_gzip", 3),
        (WHOLE + WHOLE[:-3], "corrupt_gzip", 3),
        (zstandard.compress(LINE)[:-3], "corrupt_zstd", 0),
        (b"\x28\xb5\x2f\xfd" + b"nonsense" * 10, "corrupt_zstd", 0),
        (zstandard.compress(LINE) + b"garbage", "corrupt_zstd", 0),
    ],
)
def test_corrupt_compression_is_a_dead_letter_and_whole_members_flow_on(data: bytes, code: str, kept: int) -> None:
    units = split(data)
    assert [broken.code for broken in units.broken] == [code]
    assert sum(len(run.events) for run in units.runs) == kept
    if kept:
        assert units.broken[0].data
        assert data.endswith(units.broken[0].data)


@pytest.mark.parametrize(
    "data",
    [
        LINE * (10_485_760 // len(LINE)),
        b"2 111122223333 eni-0123456789abcdef0 192.0.2.1 198.51.100.7 443 49152 6 10 8400 1 2 ACCEPT OK\n" * 110_000,
        json.dumps({"Records": [{"n": number, "text": "x" * 1000} for number in range(10_000)]}).encode(),
        b'{"a":"' + b"x" * 10_400_000 + b'"}',
        b'{"a":"' + b"x" * 10_400_000,
        b"x" * 10_400_000,
        b'{"' * 5_000_000,
        b'{"\n' * 3_400_000,
        b"[\n" * 5_000_000,
        b"{\n" * 5_000_000,
        b'{"a":[\n' * 1_400_000,
        b'{"a":1,\n' * 1_200_000,
        b"[{" * 5_000_000,
        b"\n" * 10_000_000,
        b"{}" * 1_000_000,
        b'{"a":{"b":1}}' * 700_000,
        b"[[]]\n" * 1_000_000,
        b"A" * 10_400_000,
        b'"' * 10_000_000,
        b"\xff\n" * 1_000_000,
        b"#\n" * 2_000_000,
        (b'{"a":"' + b"[" * 1000 + b'"}') * 10_000,
    ],
    ids=lambda data: repr(bytes(data[:20])),
)
def test_ten_mebibytes_of_anything_take_bounded_time(data: bytes) -> None:
    started = time.process_time()
    units = split(data)
    assert units.found() > 0
    assert time.process_time() - started < 8, "one hostile record must not stall a partition"


@pytest.mark.parametrize(
    ("data", "found", "rest"),
    [
        (b"{}\n" * 10, 4, b"{}\n" * 6),
        (b"[" + b"{}," * 9 + b"{}]", 4, b"[{},{},{},{},{},{}]"),
        (b"line\n" * 10, 4, b"line\n" * 5 + b"line"),
        (b" line\n" * 10, 4, b" line\n" * 5 + b" line"),
        (b'{"a\n' * 10, 3, b'{"a\n' * 7),
        (b"\xff\n" * 10, 3, b"\xff\n" * 7),
        (b'[{"a":1},' + b'{"a":},' * 10, 4, b'{"a":},' * 7),
    ],
)
def test_what_a_record_holds_beyond_all_measure_is_one_dead_letter(data: bytes, found: int, rest: bytes) -> None:
    units = split(data, Limits(events=4, broken=3))
    assert units.found() == found + 1
    assert (units.broken[-1].code, units.broken[-1].data.strip()) == ("too_many_units", rest.strip())


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=400) | st.lists(st.sampled_from(SEEDS), max_size=30).map(b"".join))
def test_every_input_is_accounted_for_and_none_raises(data: bytes) -> None:
    for wrapped in (data, gzip.compress(data), zstandard.compress(data)):
        units = split(wrapped)
        assert units.found() > 0
        for run in units.runs:
            assert len(run.events) == len(run.lines)
            assert run.events
            assert run.ids is None or len(run.ids) == len(run.events)
        taken = sorted(
            [run.first + at for run in units.runs for at in range(len(run.events))]
            + [broken.index for broken in units.broken if broken.index >= 0]
        )
        assert taken == list(range(len(taken)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), min_size=1), min_size=1))
def test_lines_of_text_come_out_as_they_went_in(lines: list[str]) -> None:
    plain = [f"at {line}." for line in lines]
    units = split("\n".join(plain).encode())
    assert [event for run in units.runs for event in run.events] == plain
    assert [line for run in units.runs for line in run.lines] == list(range(1, len(plain) + 1))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=5,
)


# An object with one of these keys is an envelope: what is in it are the events, and other tests say so.
_WRAPPERS = {"Records", "configurationItems", "messageType", "detail-type"}
_keys = st.text(st.characters(exclude_categories=["Cs"])).filter(lambda key: key not in _WRAPPERS)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dictionaries(_keys, json_values), min_size=1, max_size=6),
    st.sampled_from(["", "\n", "\r\n", " ", ",\n"]),
    st.sampled_from([None, 1]),
    st.booleans(),
)
def test_json_objects_come_out_as_they_went_in(
    objects: list[dict[str, object]], between: str, indent: int | None, escaped: bool
) -> None:
    objects = [{"first": 1, **one} for one in objects]
    text = between.join(json.dumps(one, indent=indent, ensure_ascii=escaped) for one in objects)
    units = split(text.encode())
    assert units.broken == []
    assert [json.loads(event) for run in units.runs for event in run.events] == objects


@pytest.mark.parametrize("end", [b"^", b"=^", b"\n^", b"= \n" * 9 + b"^"])
def test_what_is_nearly_base64_costs_no_more_than_a_look_at_each_byte(end: bytes) -> None:
    assert least_seconds(lambda: split(b"A" * 1_000_000 + end), tries=2) < 1
