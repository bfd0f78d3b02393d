"""Lines of separated, partly quoted values."""

from __future__ import annotations

import contextlib
import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import EventError
from service.parse.columns import layout_of, split_bracketed, split_carefully, split_quoted, split_separated
from tests.pace import least_seconds


def careful(text: str) -> list[str]:
    return split_carefully(text, " ", quoted=True)


@pytest.mark.parametrize(
    "line", ['a b "c d" e', '"a"', '"a" "b"', 'a "" b', '"a b" - "-" 1', "a  b", 'a "b"  "c" ', '"GET / HTTP/1.1" "curl/8.4.0"']
)
def test_both_ways_to_split_agree_on_sound_lines(line: str) -> None:
    assert split_quoted(line) == careful(line)


@pytest.mark.parametrize("line", ['a "b"c" d', '"GET /a"b HTTP/1.1" x', 'a"b" c', '"a" "b', '"a""b"'])
def test_a_quote_inside_a_value_is_for_the_careful_way(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        split_quoted(line)


def test_a_quote_ends_a_value_only_before_a_blank() -> None:
    assert careful('1 "GET /a"b?c="d HTTP/1.1" "x" -') == ["1", 'GET /a"b?c="d HTTP/1.1', "x", "-"]


def test_escaped_quotes_and_backslashes_are_themselves_again() -> None:
    assert careful(r'"say \"hi\" \\ there" "\x22 \xff"') == [r'say "hi" \ there', r"\x22 \xff"]


def test_a_value_that_was_cut_off_goes_to_the_end() -> None:
    assert careful('1 "Mozilla/5.0 (X11') == ["1", "Mozilla/5.0 (X11"]


@given(st.lists(st.text(st.characters(codec="ascii", exclude_characters='"\\\n\r\t\x0b\x0c\x1c\x1d\x1e\x1f')), min_size=1))
def test_quoted_values_come_back(values: list[str]) -> None:
    line = " ".join(f'"{value}"' for value in values)
    assert split_quoted(line) == careful(line) == values


@given(st.text())
def test_any_text_falls_into_values(text: str) -> None:
    assert all(isinstance(value, str) for value in careful(text))


@pytest.mark.parametrize("line", ['"' * 100_000, '" ' * 50_000, '"\\' * 50_000, '"a' * 50_000, '\\"' * 50_000])
def test_hostile_quotes_cost_linear_time(line: str) -> None:
    assert least_seconds(lambda: careful(line), tries=3) < 0.2


@pytest.mark.parametrize(
    "line",
    ['a b [1/Jan/2026 +0000] c "d e" f', "[x y]", "a [x y]", 'a "b [c] d" e', 'a b "c"', "a b", '[x y] "z"', "a [] b"],
)
def test_a_value_in_brackets_may_hold_blanks(line: str) -> None:
    assert split_bracketed(line) == split_carefully(line, " ", quoted=True, brackets=True)


def test_only_the_first_brackets_before_any_quote_are_taken_away() -> None:
    assert split_bracketed('a [b c] [d e] "[f]"') == ["a", "b c", "[d", "e]", "[f]"]


@pytest.mark.parametrize("line", ["a [b c", 'a [b "c" d', 'a [b "c] d" e', "a [b]c d"])
def test_brackets_that_do_not_close_are_no_line(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        split_bracketed(line)
    with pytest.raises(EventError):
        split_carefully(line, " ", quoted=True, brackets=True)


@given(st.text(alphabet='[]" ab\\'))
def test_any_text_with_brackets_falls_into_values_or_is_refused(text: str) -> None:
    try:
        found = split_carefully(text, " ", quoted=True, brackets=True)
    except EventError:
        return
    assert all(isinstance(value, str) for value in found)


def written(rows: list[list[str]], separator: str) -> str:
    sink = io.StringIO()
    csv.writer(sink, delimiter=separator, lineterminator="\n").writerows(rows)
    return sink.getvalue().removesuffix("\n")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0")), min_size=2), st.sampled_from(",;|"))
def test_separated_values_come_back_as_rfc_4180_writes_them(values: list[str], separator: str) -> None:
    line = written([values], separator)
    assert split_carefully(line, separator, quoted=True) == values
    assert split_separated(line, separator) == values


@pytest.mark.parametrize("line", ['a,"b', '"a"b,c', 'a,"b""'])
def test_the_fast_way_leaves_what_is_not_plain_to_the_careful_one(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        split_separated(line, ",")


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ('5" disk,b', ['5" disk', "b"]),
        ('"a"b,c', ["ab", "c"]),
        ('"a""b"," c ",', ['a"b', " c ", ""]),
        ('"a\nb",c', ["a\nb", "c"]),
        ("", [""]),
        (",", ["", ""]),
    ],
)
def test_values_that_no_writer_should_have_written_are_kept(line: str, values: list[str]) -> None:
    assert split_carefully(line, ",", quoted=True) == values


def test_a_quoted_value_that_does_not_end_is_refused() -> None:
    with pytest.raises(EventError, match="unclosed_quote"):
        split_carefully('a,"b', ",", quoted=True)


@pytest.mark.parametrize("line", ['"' * 100_000, '",' * 50_000, '"",' * 50_000, '"a' * 50_000, 'a"' * 50_000, "," * 100_000])
def test_hostile_separated_values_cost_linear_time(line: str) -> None:
    def work() -> None:
        with contextlib.suppress(EventError):
            split_carefully(line, ",", quoted=True)

    assert least_seconds(work, tries=3) < 0.2


def test_names_in_a_header_may_hold_blanks_where_blanks_separate_nothing() -> None:
    assert layout_of('"InvoiceID","user:Cost Center", lineItem/UsageType ', ",") == (
        "InvoiceID", "user:Cost Center", "lineItem/UsageType",
    )  # fmt: skip
    assert layout_of("a b c", ",") == layout_of("${a} ${b} ${c}", " ") == ("a", "b", "c")
