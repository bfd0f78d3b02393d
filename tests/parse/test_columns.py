"""Lines of separated, partly quoted values."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import EventError
from service.parse.columns import folded, row_of_object, split_bracketed, split_carefully, split_quoted


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
    before = time.process_time()
    careful(line)
    assert time.process_time() - before < 0.2


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


def test_a_json_object_holds_the_values_by_column_whatever_the_case_and_separators() -> None:
    places = {folded(name): at for at, name in enumerate(["c-ip", "sc-status", "time"])}
    text = '{"C_IP":"192.0.2.1","sc-status":200,"new":{"a":1},"time":null}'
    assert row_of_object(text, places, "-") == (["192.0.2.1", "200", "-"], {"new": {"a": 1}})


@given(st.dictionaries(st.sampled_from(["a", "A", "b_c", "other"]), st.none() | st.integers() | st.text() | st.lists(st.text())))
def test_any_object_gives_a_row_of_text(members: dict[str, object]) -> None:
    row, left = row_of_object(json.dumps(members), {"a": 0, "b-c": 1}, "-")
    assert len(row) == 2
    assert all(value and isinstance(value, str) for value in row)
    assert set(left) <= {"other"}
