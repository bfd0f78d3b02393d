"""Text tables with a header line: rows over several lines, quotes that nobody closes, headers that are none."""

from __future__ import annotations

import csv
import gzip
import io
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.decode import Limits, Table, Tables, Units, split
from service.decode.tables import rows_of
from service.parse.columns import folded, split_carefully

NAMES = [
    "bill/InvoiceId",
    "lineItem/UsageType",
    "lineItem/LineItemDescription",
    "lineItem/UnblendedCost",
    "resourceTags/user:Cost Center",
]
HEADER = ",".join(NAMES)
TABLES = Tables([Table(",", frozenset(map(folded, NAMES[:4]))), Table(";", frozenset(["a", "b", "c", "d"]))])


def read(text: str | bytes, limits: Limits | None = None) -> Units:
    return split(text if isinstance(text, bytes) else text.encode(), limits or Limits(), TABLES)


def events(units: Units) -> list[str]:
    assert units.broken == []
    return [event for run in units.runs for event in run.events]


def written(rows: list[list[str]], separator: str = ",", end: str = "\r\n") -> str:
    sink = io.StringIO()
    csv.writer(sink, delimiter=separator, lineterminator=end).writerows(rows)
    return sink.getvalue()


def test_rows_are_events_as_they_stand_under_the_header_of_their_file() -> None:
    units = read(f'\ufeff{HEADER}\r\n1,a,"two\r\nlines, ""quoted""",0.5,x\r\n\r\n2,b,c,1,y')
    assert events(units) == ['1,a,"two\r\nlines, ""quoted""",0.5,x', "2,b,c,1,y"]
    (run,) = units.runs
    assert (run.columns, list(run.lines), units.control) == (HEADER, [2, 5], 1)


@pytest.mark.parametrize(
    "header",
    [
        HEADER,
        "bill_invoice_id,line_item_usage_type,line_item_line_item_description,line_item_unblended_cost,resource_tags",
        '"Bill Invoice Id","lineItem/UsageType","lineItem/LineItemDescription","lineItem/UnblendedCost"',
        "A;B;C;D;E",
    ],
)
def test_a_header_is_known_by_its_names_however_they_are_spelt(header: str) -> None:
    units = read(f"{header}\n1,2,3,4\n")
    assert events(units) == ["1,2,3,4"]
    assert units.runs[0].columns == header


@pytest.mark.parametrize(
    "line",
    [
        "ERROR,database,pool,exhausted,retrying",
        "lineItem/UsageType,lineItem/UnblendedCost,x",
        "lineItem/UsageType,lineItem/UsageType,lineItem/UsageType,lineItem/UsageType",
        "a;b;c",
        '{"a":"lineItem/UsageType,bill/InvoiceId,lineItem/UnblendedCost,lineItem/LineItemDescription"}',
        f"{HEADER},{'x' * 70_000}",
    ],
)
def test_a_line_of_words_is_no_header(line: str) -> None:
    assert read(f"{line}\n{line}\n").control == 0


def test_a_header_that_stands_again_is_no_row() -> None:
    units = read(f"{HEADER}\n1,a,b,1,x\n{HEADER}\n2,a,b,1,x\n")
    assert events(units) == ["1,a,b,1,x", "2,a,b,1,x"]
    assert units.control == 2


def test_a_header_without_rows_is_nothing_broken() -> None:
    assert (read(HEADER).control, read(HEADER).found()) == (1, 1)


def test_a_quote_that_nobody_closes_costs_its_line_alone() -> None:
    units = read(f'{HEADER}\n1,"a,b,1,x\n2,a,b,1,x\n')
    assert [(broken.line, broken.code, broken.data) for broken in units.broken] == [(2, "unclosed_quote", b'1,"a,b,1,x')]
    assert [event for run in units.runs for event in run.events] == ["2,a,b,1,x"]


def test_a_quote_inside_a_value_is_a_character() -> None:
    assert events(read(f'{HEADER}\n1,5" disk,b,1,x\n2,5" disk,b,1,x\n')) == ['1,5" disk,b,1,x', '2,5" disk,b,1,x']


def test_bytes_that_are_no_utf_8_cost_their_row_alone() -> None:
    units = read(HEADER.encode() + b"\n1,caf\xe9,b,1,x\n2,caf\xc3\xa9,b,1,x\n")
    assert [(broken.line, broken.code, broken.data) for broken in units.broken] == [(2, "invalid_utf8", b"1,caf\xe9,b,1,x")]
    assert [event for run in units.runs for event in run.events] == ["2,café,b,1,x"]


def test_more_rows_than_a_record_can_have_are_one_dead_letter() -> None:
    units = read(gzip.compress(f"{HEADER}\n".encode() + b"1,a,b,1,x\n" * 10), Limits(events=4))
    assert units.runs[0].events == ["1,a,b,1,x"] * 4
    assert [(broken.code, broken.data) for broken in units.broken] == [("too_many_units", b"1,a,b,1,x\n" * 6)]


@pytest.mark.parametrize("line", ['"', '"\n', 'a,"\n', '"a",\n', "\n", ",,,,\n", 'x"y\n', "\xff\n"], ids=repr)
def test_ten_megabytes_of_anything_take_bounded_time(line: str) -> None:
    data = f"{HEADER}\n".encode() + line.encode("latin-1") * (10_000_000 // len(line))
    started = time.process_time()
    assert read(data).found() > 0
    assert time.process_time() - started < 8


VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(VALUES, min_size=5, max_size=5), min_size=1, max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_rows_come_back_as_rfc_4180_writes_them(table: list[list[str]], end: str) -> None:
    rows = [[f"{at}.", *row[1:]] for at, row in enumerate(table)]
    found = events(read(written([NAMES, *rows], end=end)))
    assert [split_carefully(event, ",", quoted=True) for event in found] == rows


def filled(lines: list[str]) -> list[str]:
    return [line.rstrip("\r") for line in lines if line.strip()]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(alphabet='a",\r\n ', max_size=12), max_size=12))
def test_any_lines_fall_into_rows_and_lose_nothing(lines: list[str]) -> None:
    lines = "\n".join(lines).split("\n")
    found = list(rows_of(lines, ",", 3))
    assert [row.line for row in found] == sorted({row.line for row in found})
    assert filled("\n".join(row.text for row in found).split("\n")) == filled(lines)
