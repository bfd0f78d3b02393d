"""Values by the names of their columns: out of JSON objects, and gathered into groups."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import EventError
from service.parse.objects import SPELLINGS, Places, grouped, member_of, plain_row, row_of_object

LAYOUT = ("c-ip", "sc-status", "time", "tags")
GROUPS = {"tags": ["resourceTags/", "tag_", "aws:"]}


def places() -> Places:
    return Places(LAYOUT, GROUPS)


@pytest.mark.parametrize("way", [row_of_object, plain_row])
def test_an_object_holds_the_values_by_column_whatever_the_case_and_separators(way: Any) -> None:
    text = '{"C_IP":"192.0.2.1","scStatus":200,"new":7,"time":null,"c-ip":"192.0.2.2"}'
    assert way(text, places(), "-") == (["192.0.2.1", "200", "-", None], {"new": 7, "c-ip": "192.0.2.2"})


@pytest.mark.parametrize("way", [row_of_object, plain_row])
def test_columns_of_a_group_are_together_under_the_rest_of_their_names(way: Any) -> None:
    text = '{"resourceTags/user:Cost Center":"a","tag_user_owner":"b","tags":{"aws:createdBy":"c"},"tag_":"left"}'
    row, left = way(text, places(), "-")
    assert row[-1] == {"user_cost_center": "a", "user_owner": "b", "aws_created_by": "c"}
    assert left == {"tag_": "left"}


def test_the_fast_way_leaves_nested_values_to_the_careful_one() -> None:
    with pytest.raises(ValueError, match="time"):
        plain_row('{"time":{"a":1}}', places(), "-")
    assert row_of_object('{"time":{"a":1}}', places(), "-")[0][2] == '{"a":1}'


@pytest.mark.parametrize("text", ["[]", "1", "null"])
def test_what_is_no_object_has_no_row(text: str) -> None:
    with pytest.raises(EventError):
        row_of_object(text, places(), "-")
    with pytest.raises(ValueError, match=r"."):
        plain_row(text, places(), "-")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (["x", "", "-"], {"a": "x"}),
        (["", '{"aB":1}', ""], {"a_b": 1}),
        (["x", '{"a":1,"b":2}', ""], {"a": "x", "b": 2}),
        (["", "no object", ""], {"text": "no object"}),
        (["", "", "-"], None),
    ],
)
def test_a_group_is_gathered_out_of_a_line(row: list[str], expected: dict[str, Any] | None) -> None:
    assert grouped(row, [(0, "a"), (1, ""), (2, "c")], frozenset(["", "-"])) == expected


def test_a_column_is_in_a_group_by_its_beginning() -> None:
    assert member_of("resourceTags/user:Name", "tags", GROUPS["tags"]) == "user_name"
    assert member_of("aws:createdBy", "tags", GROUPS["tags"]) == "aws_created_by"
    assert member_of("tags", "tags", GROUPS["tags"]) == ""
    assert member_of("tag_", "tags", GROUPS["tags"]) is None
    assert member_of("other", "tags", GROUPS["tags"]) is None


def test_hostile_names_do_not_fill_the_memory() -> None:
    known = places()
    for number in range(3 * SPELLINGS):
        row_of_object(json.dumps({f"name{number}": 1}), known, "-")
    assert len(known) == SPELLINGS


values = st.none() | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.text() | st.lists(st.text())


@given(
    st.dictionaries(
        st.sampled_from(["c-ip", "C_IP", "time", "other", "tag_x", "tags", ""]), values | st.dictionaries(st.text(), values)
    )
)
def test_any_object_gives_a_row_and_loses_nothing(members: dict[str, Any]) -> None:
    row, left = row_of_object(json.dumps(members), places(), "-")
    assert len(row) == len(LAYOUT)
    assert all(value and isinstance(value, str) for value in row[:-1])
    assert row[-1] is None or isinstance(row[-1], dict)
    assert set(left) <= {"other", "", "c-ip", "C_IP"}
    try:
        plain = plain_row(json.dumps(members), places(), "-")
    except ValueError:
        return
    assert plain == (row, left)
