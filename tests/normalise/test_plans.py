"""Code for keys that come often says what ``Renaming`` and ``Shape`` say."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.normalise.fitting import Shape
from service.normalise.open_object import open_object
from service.normalise.plans import WANTED, Misfit, Plans
from service.normalise.renaming import Renaming

NAMES = {"nestedName": "nested.name", "ownName": "own"}
LEAVES = ("leaf", "below.leaf", "below.deeper.leaf", "nested.name")
KEYS = st.sampled_from(
    ["leaf", "Leaf", "below", "deeper", "someKey", "some_key", "nestedName", "ownName", "a.b", "", "when", "raw"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x", "2026-01-02T03:04:05Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=10,
)


@settings(deadline=None)
@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=5))
def test_an_object_that_came_often_is_written_as_the_first_was(value: dict[str, Any]) -> None:
    ways: dict[str, Any] = {"names": tuple(NAMES.items()), "verbatim": ("raw",), "moments": ("when",)}
    open_object.cache_clear()
    cast = open_object(LEAVES, snake_case=True, **ways)
    renaming, shape = Renaming(NAMES, ["raw"], ["when"]), Shape(LEAVES)
    expected = shape.fit(renaming.of(value))
    assert {cast(value) for _ in range(WANTED + 5)} == {expected}


def test_what_the_mapping_would_refuse_is_found_in_objects_known_for_long() -> None:
    plans = Plans(Renaming({}), Shape(["leaf", "below.leaf"]))
    for _ in range(WANTED + 1):
        assert plans.holder({"Leaf": ["a", ""], "below": {"leaf": 1, "free": {}}}, 32) == {"leaf": ["a"], "below": {"leaf": 1}}
    for odd in (
        {"Leaf": {"a": 1}, "below": {}},
        {"Leaf": [["a"]], "below": {}},
        {"Leaf": "", "below": 0},
        {"Leaf": 1, "below": [1]},
    ):
        try:
            found = plans.holder(odd, 32)
        except Misfit:
            continue
        raise AssertionError(found)


def test_objects_beyond_the_depth_are_left_to_those_who_leave_them() -> None:
    deep: Any = {"aB": "", "cD": 1}
    for _ in range(40):
        deep = {"aB": deep}
    cast = open_object((), snake_case=True)
    written = {cast({"x": 1, "yZ": deep}) for _ in range(WANTED + 5)}
    assert written == {Shape(()).fit(Renaming({}).of({"x": 1, "yZ": deep}))}


def test_keys_of_hostile_events_are_not_kept() -> None:
    plans = Plans(Renaming({}), None)
    for number in range(10_000):
        assert plans.holder({f"key_{number}": 1}, 32) == {f"key_{number}": 1}
    wide = {"k" * 3000 + str(number): number + 1 for number in range(3)}
    for _ in range(WANTED + 1):
        assert plans.holder(wide, 32) == wide
    assert plans.compiled(tuple(wide)) is None
