"""Objects that pass through whole never upset a mapping that knows some of their leaves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.normalise.fitting import LARGEST, Shape, pruned

SHAPE = Shape(["userName", "ipPermissions.items.cidrIp", "accessKey.accessKeyId"])


def fit(value: Any) -> Any:
    text = SHAPE.fit(value)
    return None if text is None else json.loads(text)


def test_an_object_whose_mapped_leaves_are_scalars_stays_as_it_is() -> None:
    value = {"userName": "bob", "other": {"deep": [1, {"a": True}]}, "ipPermissions": {"items": [{"cidrIp": "192.0.2.0/24"}]}}
    assert fit(value) == value


def test_a_list_of_scalars_fits_a_leaf() -> None:
    assert fit({"userName": ["a", "b"]}) == {"userName": ["a", "b"]}


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ({"userName": {"a": 1}}, {"userName": '{"a":1}'}),
        ({"userName": [{"a": 1}]}, {"userName": '[{"a":1}]'}),
        ({"accessKey": "text"}, {"accessKey": {"value": "text"}}),
        ({"accessKey": ["text"]}, {"accessKey": [{"value": "text"}]}),
        ({"ipPermissions": {"items": "text"}}, {"ipPermissions": {"items": {"value": "text"}}}),
        ({"ipPermissions": {"items": [{"cidrIp": {"odd": 1}}]}}, {"ipPermissions": {"items": [{"cidrIp": '{"odd":1}'}]}}),
    ],
)
def test_a_mapped_field_of_the_wrong_shape_is_rewritten(value: Any, stored: Any) -> None:
    assert fit(value) == stored


def test_dots_and_blanks_in_keys_cannot_nest_or_be_empty() -> None:
    assert fit({"userName.first": "x", " ": 1, "a.b": 2}) == {"userName_first": "x", "_": 1, "a_b": 2}


@pytest.mark.parametrize(("value", "stored"), [("HIDDEN", {"value": "HIDDEN"}), (["a"], {"value": ["a"]}), (7, {"value": 7})])
def test_what_is_no_object_becomes_one(value: Any, stored: Any) -> None:
    assert fit(value) == stored


@pytest.mark.parametrize("value", [None, "", [], {}, {"a": None, "b": {"c": ""}}])
def test_nothing_stays_nothing(value: Any) -> None:
    assert fit(value) is None


def test_empties_inside_are_left_out() -> None:
    assert fit({"a": "", "b": [], "c": {"d": None}, "e": 0, "f": False}) == {"e": 0, "f": False}


def test_of_a_very_large_object_only_the_searched_part_is_kept_twice() -> None:
    assert fit({"userName": "bob", "body": "x" * LARGEST, "accessKey": {"accessKeyId": "AKIA", "more": 1}}) == {
        "userName": "bob",
        "accessKey": {"accessKeyId": "AKIA"},
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["userName", "ipPermissions", "items", "cidrIp", "accessKey", "a.b", "", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_whatever_comes_every_mapped_leaf_is_scalar_and_every_mapped_object_an_object(value: Any) -> None:
    stored = fit(value)
    assert stored is None or isinstance(stored, dict)
    for key, kept in (stored or {}).items():
        assert key.strip()
        assert "." not in key
        if key == "userName":
            assert not isinstance(kept, dict)
        if key in ("ipPermissions", "accessKey"):
            assert all(isinstance(each, dict) for each in _objects(kept))


def _objects(value: Any) -> list[Any]:
    return [each for item in value for each in _objects(item)] if isinstance(value, list) else [value]


@given(JSON)
def test_pruning_twice_is_pruning_once(value: Any) -> None:
    assert pruned(pruned(value)) == pruned(value)
