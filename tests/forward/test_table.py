"""Tables of text: rows go on over lines, and are the same rows with the same numbers however the file is read and cut."""

from __future__ import annotations

import csv
import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.decode import Table, Tables, split
from service.event import DeadLetter
from service.forward.bounds import Bounds
from service.forward.contents import contents
from service.forward.frames import Frames
from tests.forward.sources import Stored, received

HEADER = "lineItem/UsageType,lineItem/Cost,lineItem/Text,bill/Payer"
TABLES = Tables([Table(",", frozenset(["lineitemusagetype", "lineitemcost", "lineitemtext", "billpayer"]))])


def forwarded(data: bytes, bounds: Bounds, piece: int = 1 << 20) -> tuple[dict[str, str], list[DeadLetter]]:
    stored = Stored(data, piece=piece)
    frames = Frames(stored.name, bounds)
    return received(frame for part, item in contents(stored, bounds, TABLES) for frame in frames.of(part, item))


def table(rows: list[list[str]], end: str = "\n") -> bytes:
    buffer = io.StringIO()
    buffer.write(HEADER + end)
    csv.writer(buffer, lineterminator=end).writerows(rows)
    return buffer.getvalue().encode()


CELLS = st.text(st.sampled_from('ab",\n ü'), max_size=9)
ROWS = st.lists(st.lists(CELLS, min_size=4, max_size=5).map(lambda row: ["x", *row[1:]]), max_size=25)


@given(ROWS, st.integers(1, 60), st.integers(10, 200), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=150, deadline=None)
def test_rows_are_what_decoding_finds_in_the_file(rows: list[list[str]], chunk: int, frame: int, end: str) -> None:
    data = table(rows, end)
    events, dead = forwarded(data, Bounds(chunk=chunk, frame=frame))
    assert dead == []
    wanted = [event for run in split(data, tables=TABLES).runs for event in run.events]
    assert list(events.values()) == wanted
    assert len(wanted) == len(rows)
    assert forwarded(data, Bounds())[0] == events


NOISE = st.lists(
    st.sampled_from([b'"', b",", b"\n", b"\r", b" ", b"a", b"\xff", b"\xc3\xbc", b'""', b'",', HEADER.encode()]), max_size=30
)


@given(NOISE.map(b"".join), st.integers(1, 60))
@settings(max_examples=200, deadline=None)
def test_quotes_that_nobody_closed_and_other_bytes_hurt_their_row_alone(noise: bytes, chunk: int) -> None:
    data = table([["x", "1", "a", "p"]]) + noise + b"\n" + table([["x", "2", "b", "p"]])
    small, large = forwarded(data, Bounds(chunk=chunk, frame=50)), forwarded(data, Bounds())
    assert small[0] == large[0]
    assert {letter.index for letter in small[1]} == {letter.index for letter in large[1]}
    assert small[0]
    assert HEADER not in small[0].values()  # where it stands again it is no row either


def test_the_header_travels_with_every_record() -> None:
    rng = random.Random(1)
    data = table([["x", str(n), rng.randbytes(40).hex(), "p"] for n in range(2000)])
    stored, bounds = Stored(data), Bounds(frame=5000)
    frames = Frames(stored.name, bounds)
    records = [frame for part, item in contents(stored, bounds, TABLES) for frame in frames.of(part, item)]
    runs = [run for record in records for run in split(record).runs]
    assert len(runs) > 20
    assert {run.columns for run in runs} == {HEADER}
    assert sum(len(run.events) for run in runs) == 2000


def test_a_row_that_does_not_end_is_a_dead_letter_and_so_is_one_that_is_too_long() -> None:
    data = table([]) + b'x,"open,1,2\n' + b"x,1,2,3\n" * 1200 + b"x,1,2," + b"y" * 6000 + b"\nx,2,2,3\n"
    for chunk in (100, 1 << 20):
        events, dead = forwarded(data, Bounds(chunk=chunk, unit=5000))
        assert len(events) == 1201
        assert [(letter.index, letter.code) for letter in dead] == [(0, "unclosed_quote"), (1201, "too_long")]


def test_a_long_header_is_found_and_an_unknown_one_is_text() -> None:
    wide = HEADER + "".join(f",resourceTags/user:tag{n}" for n in range(900))
    events, dead = forwarded((wide + "\nx,1,a,b\n").encode(), Bounds())
    assert (list(events.values()), dead) == (["x,1,a,b"], [])
    events, _ = forwarded(b"one,two,three,four\nx,1,a,b\n", Bounds())
    assert list(events.values()) == ["one,two,three,four", "x,1,a,b"]


@pytest.mark.parametrize("record", [65_536, 1 << 20])
def test_rows_are_never_cut(record: int) -> None:
    rng = random.Random(2)
    rows = [["x", "1", f"{rng.randbytes(rng.choice([10, 4000])).hex()}\nsecond line", "p"] for _ in range(400)]
    data = table(rows)
    events, dead = forwarded(data, Bounds(record=record, frame=record // 2))
    assert dead == []
    assert [next(csv.reader(io.StringIO(event))) for event in events.values()] == rows
