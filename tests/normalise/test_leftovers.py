from __future__ import annotations

import json
import time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.normalise.steps.leftovers import DEEPEST, MOST_KEYS, safe_leftover


def safe(value: object) -> Any:
    text = safe_leftover(value)
    text.encode()  # no lone surrogates
    return json.loads(text, parse_constant=lambda word: f"{word} is not JSON")


def test_what_is_harmless_stays_as_it_is() -> None:
    kept = {"a": 1, "b": ["x", 2.5, True], "c": {"d": "é"}, "annotations": {"k8s.io/name": "v"}}
    assert safe(kept) == kept


def test_numbers_that_no_long_holds_become_strings() -> None:
    assert safe({"a": 2**63, "b": -(2**63), "c": float("nan"), "d": float("inf"), "e": 10**5000})["a"] == str(2**63)
    assert safe({"b": -(2**63)})["b"] == -(2**63)
    assert safe({"c": float("nan"), "d": float("-inf")}) == {"c": "nan", "d": "-inf"}
    assert safe({"e": 10**5000})["e"].startswith("0x")


def test_nothing_is_left_of_nulls_and_empties() -> None:
    assert safe({"a": None, "b": {}, "c": [], "d": "", "e": [None, {}], "f": False, "g": 0}) == {"f": False, "g": 0}
    assert safe({}) == {}
    assert safe(None) == {}


def test_empty_and_colliding_keys_are_renamed() -> None:
    assert safe({"": 1}) == {"_": 1}
    assert safe({"a": 1, "a.b": 2}) == {"a": 1, "a_b": 2}
    assert safe({"a.b": 1, "a": {"c": 2}, "a_b": 3}) == {"a_b_": 1, "a": {"c": 2}, "a_b": 3}
    assert safe({"a.b": 1, "a.b.c": 2}) == {"a.b": 1, "a_b_c": 2}
    assert safe({".a": 1, "b.": 2, "c..d": 3}) == {"_a": 1, "b_": 2, "c__d": 3}
    assert safe({"a.b": 1, "a.c": 2}) == {"a.b": 1, "a.c": 2}


def test_depth_is_bounded() -> None:
    value: Any = "end"
    for _ in range(40):
        value = {"n": value}
    found = safe(value)
    for _ in range(DEEPEST):
        found = found["n"]
    assert isinstance(found, str)
    assert found.startswith('{"n":')


def test_a_thousand_levels_and_a_thousand_dots_take_no_time() -> None:
    value: Any = {"end": "\ud800"}
    for _ in range(1000):
        value = {"n": [value]}
    assert "n" in safe(value)
    assert "n" in safe({"n": [10**30, value]})
    began = time.monotonic()
    found = safe({"." * 300 + str(number): 1 for number in range(1000)})
    found = safe({"a." * 120 + str(number): 1 for number in range(1000)})
    assert time.monotonic() - began < 0.5
    assert len(found) == 1000


def test_length_is_bounded_in_characters_and_bytes() -> None:
    found = safe({"a": "x" * 100_000, "b": "😀" * 8000, "c" * 5000: 1})
    assert len(found["a"]) == 8191
    assert found["a"].endswith("…[cut]")
    assert len(found["b"].encode()) < 32_000
    assert max(map(len, found)) < 300


def test_keys_beyond_a_thousand_are_counted() -> None:
    found = safe({f"k{number}": {"x": 1} for number in range(3000)})
    assert found.pop("_more") > 0
    assert sum(1 + len(value) for value in found.values()) <= MOST_KEYS


def test_a_lone_surrogate_does_not_refuse_the_document() -> None:
    assert safe({"a\ud800": "b\udfff"}) == {"a?": "b?"}


def paths(value: Any, depth: int = 0) -> int:
    assert depth <= DEEPEST + 1
    if isinstance(value, dict):
        assert "" not in value
        return sum(1 + paths(item, depth + 1) for item in value.values())
    if isinstance(value, list):
        return sum(paths(item, depth + 1) for item in value)
    assert value is not None
    return 0


@settings(deadline=None)
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
        lambda inner: st.one_of(
            st.lists(inner), st.dictionaries(st.one_of(st.text(), st.sampled_from(["a", "a.b", "a.b.c", "", "."])), inner)
        ),
        max_leaves=30,
    )
)
def test_anything_at_all_becomes_an_object_within_bounds(value: object) -> None:
    found = safe(value)
    assert isinstance(found, dict)
    assert paths(found) <= MOST_KEYS + 1
