"""Objects of any shape into open fields, safe for a mapping that knows some of their leaves."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.normalise.open_object import MOST_ITEMS, open_object
from service.normalise.renaming import Renaming, snake

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["leaf", "Below", "a.b", "", "é"]), inner),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("ruleGroupId", "rule_group_id"),
        ("IpV4Addresses", "ip_v4_addresses"),
        ("ARN", "arn"),
        ("VPCSecurityGroup", "vpc_security_group"),
        ("aws/securityhub/ProductName", "aws_securityhub_product_name"),
        ("already_snake", "already_snake"),
    ],
)
def test_keys_become_snake_case(key: str, expected: str) -> None:
    assert snake(key) == expected


def test_of_two_keys_that_become_one_the_first_stays() -> None:
    assert Renaming({}).of({"aB": 1, "a_b": [{"cD": 2}]}) == {"a_b": 1}


def test_a_key_with_a_name_of_its_own_is_called_so_and_a_dotted_name_nests() -> None:
    renaming = Renaming({"LocalIp": "local", "LocalPort": "local", "Port": "port.number", "PortName": "port.name"})
    raw = {"LocalIp": {"V4": "192.0.2.1"}, "LocalPort": {"Port": 80, "PortName": "HTTP"}}
    assert renaming.of(raw) == {"local": {"v4": "192.0.2.1", "port": {"number": 80, "name": "HTTP"}}}


def test_a_name_that_nests_below_a_scalar_gives_way_to_it() -> None:
    assert Renaming({"Port": "port.number"}).of({"port": "x", "Port": 80}) == {"port": "x"}


def test_what_is_data_stays_as_it_is_and_the_raw_event_is_not_touched() -> None:
    raw = {"Tags": {"billingCode": "a", "Deep": [{"keyName": 1}]}, "tags": {"more": 1}}
    assert Renaming({}, ["Tags"]).of(raw) == {"tags": {"billingCode": "a", "Deep": [{"keyName": 1}], "more": 1}}
    assert raw == {"Tags": {"billingCode": "a", "Deep": [{"keyName": 1}]}, "tags": {"more": 1}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1768381800, "2026-01-14T09:10:00.000Z"),
        ("1.7683818E9", "2026-01-14T09:10:00.000Z"),
        ("Jan 14, 2026, 9:10:00 AM", "2026-01-14T09:10:00.000Z"),
        ("2026-01-14T09:10:00Z", "2026-01-14T09:10:00.000Z"),
        ("soon", "soon"),
        (True, True),
        ({"at": 1}, {"at": 1}),
    ],
)
def test_times_are_written_one_way_and_what_is_none_stays(value: Any, expected: Any) -> None:
    assert Renaming({}, moments=["launchedAt"]).of({"launchedAt": value}) == {"launched_at": expected}


def test_nothing_empty_is_left_and_zero_is_something() -> None:
    value: Any = {"a": None, "b": "", "c": [], "d": {"e": {"f": []}}, "g": [None, "", 0, {"h": False}, [[]]], "i": 0.0}
    assert Renaming({}).of(value) == {"g": [0, {"h": False}], "i": 0.0}
    text = open_object((), snake_case=True)(value)
    assert text is not None
    assert json.loads(text) == {"g": [0, {"h": False}], "i": 0.0}


def test_a_list_of_objects_stays_a_list() -> None:
    assert open_object(("leaf",))([{"leaf": {"odd": 1}}, {"x": 1}]) == '[{"leaf":"{\\"odd\\":1}"},{"x":1}]'


def test_a_long_list_is_cut() -> None:
    text = open_object(())([{"a": 1}] * (MOST_ITEMS + 5))
    assert text is not None
    assert len(json.loads(text)) == MOST_ITEMS


@given(json_values)
def test_whatever_comes_the_mapping_can_take_it(value: Any) -> None:
    names = (("Below", "below.leaf"), ("leaf", "leaf.leaf"))
    text = open_object(("leaf", "below.leaf"), snake_case=True, names=names, verbatim=("é",), moments=("Below",))(value)
    if text is None:
        return
    found = json.loads(text)
    for item in found if isinstance(found, list) else [found]:
        leaves = item.get("leaf")
        for leaf in leaves if isinstance(leaves, list) else [leaves]:
            assert not isinstance(leaf, dict | list)
        assert item.get("below") is None or isinstance(item["below"], dict | list)
