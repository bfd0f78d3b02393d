from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import EventError
from service.parse.steps.json_cut import CUT, LONGEST, json_cut

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
OBJECT = {"a": 1, "b": {"c": ["x", {"d": 'q"]}\\'}], "e": "f, g"}, "h": "the end"}


def test_an_object_is_its_fields_and_text_has_none() -> None:
    assert json_cut(json.dumps(OBJECT)) == OBJECT
    assert json_cut("[2026-01-14T10:00:00] text") == {}


@pytest.mark.parametrize("gone", [1, 2, 5, 20, 30, 40])
def test_of_an_object_that_was_cut_the_whole_values_are_kept(gone: int) -> None:
    found = json_cut(json.dumps(OBJECT)[:-gone])
    assert found.pop(CUT) is True
    assert found["a"] == 1
    assert set(found) <= {"a", "b"}
    if "b" in found:
        assert json.dumps(OBJECT["b"]).startswith(json.dumps(found["b"]).rstrip("]}"))


@pytest.mark.parametrize("text", ['{"a": 1}}', '{"a": 1} x', "{", '{"a"', "{]", '{"a": [1}', '{"a": nonsense}'])
def test_what_was_not_cut_but_is_broken_has_no_fields(text: str) -> None:
    assert json_cut(text) == {}


@pytest.mark.parametrize("text", ["", "  \n"])
def test_nothing_is_an_error(text: str) -> None:
    with pytest.raises(EventError, match="blanks"):
        json_cut(text)


def test_what_nests_too_deep_is_an_error() -> None:
    with pytest.raises(EventError, match="nested deeper"):
        json_cut('{"a":' * 100 + "1" + "}" * 100)


@given(st.dictionaries(st.text(max_size=5), values, min_size=1, max_size=4), st.integers(1, 200))
def test_wherever_it_is_cut_nothing_is_invented(value: dict[str, Any], gone: int) -> None:
    text = json.dumps(value)
    try:
        found = json_cut(text[:-gone])
    except EventError:
        return
    found.pop(CUT, None)
    for key, item in found.items():
        if not isinstance(item, dict | list):
            assert value[key] == item


@given(st.text() | st.from_regex(r'\{("[^"]*"[:,{}\[\] ]*)*', fullmatch=True))
def test_any_text_has_fields_or_none_or_is_refused(text: str) -> None:
    with suppress(EventError):
        assert isinstance(json_cut(text), dict)


@pytest.mark.parametrize("part", ["{", '{"a":', "[", '"', "\\", '{"a":1,', '{"a":["b",', '"x",'])
def test_hostile_text_takes_milliseconds(part: str) -> None:
    for size in (LONGEST, 1_000_000):
        text = ("{" + part * (size // len(part)))[:size]
        began = time.monotonic()
        with suppress(EventError):
            json_cut(text)
        assert time.monotonic() - began < 0.2
