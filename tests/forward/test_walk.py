"""Files of text and JSON fall into the same events, with the same numbers, however they are read and however they are cut."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.decode import split
from service.forward.blocks import Block, Flawed
from service.forward.bounds import Bounds
from service.forward.spoiled import Spoiled
from service.forward.walk import Walk
from tests.forward.sources import Pieces

SMALL = Bounds(unit=5000, frame=200)


def walked(data: bytes, chunk: int = 1 << 18, spoiled: Spoiled | None = None) -> list[Block | Flawed]:
    walk = Walk(Pieces(data, chunk, spoiled), SMALL)
    found = list(walk.run())
    assert walk.number == sum(each.units for each in found if isinstance(each, Block)) + sum(
        isinstance(each, Flawed) and each.code == "too_long" for each in found
    )
    return found


def units(found: list[Block | Flawed]) -> dict[int, bytes]:
    """Number → unit."""
    numbered: dict[int, bytes] = {}
    for each in found:
        if isinstance(each, Block):
            lines = [line for line in each.data.split(b"\n") if line and not line.isspace()]
            assert len(lines) == each.units
            for at, line in enumerate(lines):
                assert each.first + at not in numbered
                numbered[each.first + at] = line
    return numbered


def texts(data: bytes, chunk: int = 1 << 18) -> list[str]:
    return [unit.decode().rstrip("\r") for unit in units(walked(data, chunk)).values()]


def letters(found: list[Block | Flawed]) -> list[tuple[int, str]]:
    return [(each.number, each.code) for each in found if isinstance(each, Flawed)]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=4).map(lambda one: {"n": 1} | one), max_size=12)
LAYOUTS: dict[str, Any] = {
    "lines": lambda events: "\n".join(map(json.dumps, events)),
    "crlf": lambda events: "\r\n".join(map(json.dumps, events)),
    "after each other": lambda events: "".join(map(json.dumps, events)),
    "pretty": lambda events: "\n".join(json.dumps(one, indent=1) for one in events),
    "list": json.dumps,
    "pretty list": lambda events: json.dumps(events, indent=2),
    "Records": lambda events: json.dumps({"Records": events}),
    "compact Records": lambda events: json.dumps({"Records": events}, separators=(",", ":"), ensure_ascii=False),
    "Records among others": lambda events: json.dumps({"a": {"Records": 1}, "Records": events, "z": ["x", {"y": '\\"]}'}]}),
    "items": lambda events: json.dumps({"fileVersion": "1.0", "configurationItems": events}, indent=1),
    "several": lambda events: "\n".join(json.dumps({"Records": [one]}) for one in events),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@given(events=OBJECTS, chunk=st.integers(1, 90))
@settings(max_examples=60, deadline=None)
def test_a_file_of_json_falls_into_the_events_that_decoding_finds_in_it(layout: str, events: list[Any], chunk: int) -> None:
    data = LAYOUTS[layout](events).encode()
    with_chunks = units(walked(data, chunk))
    assert [json.loads(unit) for unit in with_chunks.values()] == events
    assert list(with_chunks) == list(range(len(events)))
    assert units(walked(data)) == with_chunks
    wanted = [json.loads(event) for run in split(data).runs for event in run.events]
    assert wanted == events or not events


HOSTILE = st.lists(
    st.sampled_from(
        [b"{", b"}", b"[", b"]", b'"', b",", b"\n", b"\r\n", b"\\", b":", b" ", b"\t", b"a", b"\xff", b"\xc3\xbc", b"1", b"-",
         b".5", b'{"a":1}',
         b'{"Records":[', b'"Records":[', b'{"n":', b"\\ud800", b"[" * 1100, b"x" * 5200,
         b'"' + b"y" * 5200 + b'"', b"tru", b"null", b"\x0b"]
    ), max_size=30,
).map(b"".join)  # fmt: skip


@given(HOSTILE.map(lambda data: b'{"' + data), st.integers(1, 40))
@settings(max_examples=400, deadline=None)
def test_no_byte_of_broken_json_is_lost_and_the_walk_ends(data: bytes, chunk: int) -> None:
    found = walked(data, chunk)
    assert (units(walked(data)), letters(walked(data))) == (units(found), letters(found))
    kept = b"".join(units(found).values()) + b"".join(each.data for each in found if isinstance(each, Flawed))
    dropped = b'{}[],": \t\r\n\x0b' + b"Records" + b"na1\\"
    if b"Records" not in data and not letters(found):
        assert kept.translate(None, b" \t\r\n,[]\x0b") == data.translate(None, b" \t\r\n,[]\x0b")
    else:
        assert set(kept) <= set(data) | set(dropped)


@given(HOSTILE, st.integers(1, 40))
@settings(max_examples=300, deadline=None)
def test_lines_of_text_are_numbered_alike_however_they_are_read(data: bytes, chunk: int) -> None:
    data = b"text " + data
    found = walked(data, chunk)
    lines = [line for line in data.split(b"\n") if line and not line.isspace()]
    if not letters(found):
        assert list(units(found).values()) == lines
        assert units(walked(data)) == units(found)


def test_the_header_travels_with_every_block() -> None:
    header = "version account-id interface-id srcaddr dstaddr"
    data = "\n".join([header, *(f"2 111122223333 eni-{n} 192.0.2.1 192.0.2.2" for n in range(50))]).encode()
    for chunk in (1, 60, 100_000):
        found = walked(data, chunk)
        assert {each.columns for each in found if isinstance(each, Block)} == {header}
        assert len(units(found)) == 50


def test_a_web_server_that_starts_over_in_the_middle_names_its_columns_anew() -> None:
    data = b"#Version: 1.0\n#Fields: a b\n1 2\n3 4\n#Software: x\n#Fields: a b c\n5 6 7\n# no directive\n"
    found = [each for each in walked(data, 7) if isinstance(each, Block)]
    assert [(line, each.columns) for each in found for line in each.data.split(b"\n") if line] == [
        (b"1 2", "a b"), (b"3 4", "a b"), (b"5 6 7", "a b c"), (b"# no directive", "a b c"),
    ]  # fmt: skip
    assert list(units(walked(data, 7))) == [0, 1, 2, 3]


def test_blank_lines_have_no_number() -> None:
    assert units(walked(b"a\n\n  \nb\r\n\r\nc\n \td\n")) == {0: b"a", 1: b"b\r", 2: b"c", 3: b" \td"}


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (b"short\n" + b"x" * 20_000 + b"\nnext\n", {0: b"short", 2: b"next"}),
        (b'{"n":0}\n{"n":"' + b"x" * 20_000 + b'"}\n{"n":2}', {0: b'{"n":0}', 2: b'{"n":2}'}),
        (b'{"Records":[{"n":0},{"n":"' + b'\\"x]}' * 5_000 + b'"},{"n":2}]}{"n":3}',
         {0: b'{"n":0}', 2: b'{"n":2}', 3: b'{"n":3}'}),
        (b'[{"n":0},{"n":tr' + b"x" * 20_000 + b',{"n":2}]', {0: b'{"n":0}', 2: b'{"n":2}'}),
        (b'{"n":0}\nno json ' + b"x" * 20_000 + b'\n{"n":2}', {0: b'{"n":0}', 2: b'{"n":2}'}),
    ],
    ids=["line", "value", "element", "broken element", "line among values"],
)  # fmt: skip
def test_a_unit_larger_than_any_may_be_is_a_dead_letter_and_its_neighbours_flow_on(data: bytes, kept: dict[int, bytes]) -> None:
    for chunk in (100, 1000):
        found = walked(data, chunk)
        assert (units(found), letters(found)) == (kept, [(1, "too_long")])
        (flawed,) = (each for each in found if isinstance(each, Flawed))
        assert b"x" * 1000 in flawed.data or b'\\"x]}' in flawed.data


def test_broken_elements_leave_their_neighbours_alone() -> None:
    data = b'{"Records":[{"n":0},{"n":1,,},{"n":2},{"n":,{"n":4}]}'
    for chunk in (1, 13, 1000):
        assert units(walked(data, chunk)) == {0: b'{"n":0}', 1: b'{"n":1,,}', 2: b'{"n":2}', 3: b'{"n":', 4: b'{"n":4}'}


def test_a_file_that_ends_inside_a_list_says_so() -> None:
    found = walked(b'{"Records":[{"n":0},')
    assert (list(units(found)), letters(found)) == ([0], [(1, "corrupt")])
    found = walked(b'{"Records":[{"n":0},{"n"')
    assert (units(found), letters(found)) == ({0: b'{"n":0}', 1: b'{"n"'}, [(2, "corrupt")])


@pytest.mark.parametrize("data", [b"one\ntwo\nthr", b'{"n":1}\n{"n":2}\n{"n":', b'[{"n":1},{"n":2},{"n":', b'{"n":1}{"n":2}{"n"'])
def test_what_stands_before_corruption_flows_on_and_the_rest_is_one_dead_letter(data: bytes) -> None:
    for chunk in (1, 1000):
        found = walked(data, chunk, spoiled=Spoiled("corrupt", "bad block"))
        assert len(units(found)) == 2
        (flawed,) = (each for each in found if isinstance(each, Flawed))
        assert (flawed.number, flawed.code) == (2, "corrupt")
        assert data.endswith(flawed.data)
        assert flawed.data


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("data", ["one ü\ntwo\n", '{"n":"ü"}\n{"n":2}\n'])
def test_byte_order_marks_are_understood(encoding: str, data: str) -> None:
    encoded = ("\ufeff" if encoding == "utf-16-be" else "") + data
    assert texts(encoded.encode(encoding), 3) == data.splitlines()


@pytest.mark.parametrize("data", [b"\x7fELF\x02\x01\x01\x00" + b"\x00" * 50, b"\x00" * 100, b"\x89PNG\r\n\x1a\n\x00"])
def test_what_is_neither_text_nor_json_is_one_dead_letter(data: bytes) -> None:
    found = walked(data)
    assert (units(found), letters(found)) == ({}, [(0, "unsupported")])


@pytest.mark.parametrize("data", [b"", b" \n\n", b"\xef\xbb\xbf", b"[]", b'{"Records":[]}'])
def test_a_file_may_hold_nothing(data: bytes) -> None:
    assert texts(data) == []


class Endless:
    """A list of events as large as wanted."""

    def __init__(self, size: int, template: bytes) -> None:
        self._pieces = self._made(size, template)
        self._rest = b""

    @staticmethod
    def _made(size: int, template: bytes) -> Iterator[bytes]:
        rng = random.Random(4)
        yield b'{"Records":['
        made = 0
        while made < size:
            piece = b"".join(template % rng.getrandbits(60) for _ in range(200))
            made += len(piece)
            yield piece
        yield b'{"eventVersion":"last"}]}'

    def read(self, size: int) -> bytes:
        while len(self._rest) < size and (piece := next(self._pieces, b"")):
            self._rest += piece
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


def test_a_list_is_never_held_as_a_whole() -> None:
    template = b'{"eventVersion":"1.08","resources":[{"a":1},{"eventVersion":"%020d"}],"t":"' + b"x" * 1000 + b'"},'
    walk = Walk(Endless(64 << 20, template), Bounds())
    tracemalloc.start()
    for _ in walk.run():
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert walk.number > 50_000
    assert peak < 8 << 20
