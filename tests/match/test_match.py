"""Selections as people write them, against events as they come."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import ContentError, Place
from service.match import And, Item, Not, Or, fields, parse_selection, predicate, to_python
from service.match.values import Networks
from tests.pace import least_seconds

HERE = Place("pipeline.yml", 7, 3)


def matches(selection: Any, event: dict[str, object]) -> bool:
    return predicate(parse_selection(selection, HERE))(event)


@pytest.mark.parametrize(
    ("selection", "event", "expected"),
    [
        ({"action": "ACCEPT"}, {"action": "accept"}, True),
        ({"action": "ACCEPT"}, {"action": "reject"}, False),
        ({"action": "ACCEPT"}, {}, False),
        ({"action": ["a", "B"]}, {"action": "b"}, True),
        ({"action|cased": "ACCEPT"}, {"action": "accept"}, False),
        ({"action|cased": "ACCEPT"}, {"action": "ACCEPT"}, True),
        ({"port": 22}, {"port": 22}, True),
        ({"port": 22}, {"port": "22"}, True),
        ({"port": "22"}, {"port": 22}, True),
        ({"port": 22}, {"port": 22.0}, True),
        ({"port": [22, 3389]}, {"port": 443}, False),
        ({"port": 22}, {"port": True}, False),
        ({"readOnly": True}, {"readOnly": True}, True),
        ({"readOnly": True}, {"readOnly": "true"}, True),
        ({"readOnly": False}, {"readOnly": True}, False),
        ({"error": None}, {}, True),
        ({"error": None}, {"error": None}, True),
        ({"error": None}, {"error": ""}, False),
        ({"error": ["x", None]}, {}, True),
        ({"error": ["x", None]}, {"error": "y"}, False),
        ({"error": ""}, {"error": ""}, True),
        ({"error|exists": True}, {"error": ""}, True),
        ({"error|exists": True}, {}, False),
        ({"error|exists": False}, {}, True),
        ({"error": "*"}, {"error": {"a": 1}}, True),
        ({"name|startswith": "Put"}, {"name": "putObject"}, True),
        ({"name|endswith": ["key", "user"]}, {"name": "DeleteUser"}, True),
        ({"name|contains": "obj"}, {"name": "PutObject"}, True),
        ({"name|contains|all": ["put", "obj"]}, {"name": "PutObject"}, True),
        ({"name|contains|all": ["put", "bucket"]}, {"name": "PutObject"}, False),
        ({"name|contains|cased": "obj"}, {"name": "PutObject"}, False),
        ({"name": "Put*Acl"}, {"name": "PutBucketAcl"}, True),
        ({"name": "Put*Acl"}, {"name": "PutBucketAcls"}, False),
        ({"name": "a?c"}, {"name": "ABC"}, True),
        ({"name": "a?c"}, {"name": "abbc"}, False),
        ({"name": r"a\*c"}, {"name": "a*c"}, True),
        ({"name": r"a\*c"}, {"name": "abc"}, False),
        ({"name": "a.c*d"}, {"name": "abcxd"}, False),
        ({"name": "a*b"}, {"name": "a\nb"}, True),
        ({"name|re": "^a+$"}, {"name": "aaa"}, True),
        ({"name|re": "B"}, {"name": "abc"}, False),
        ({"name|re|i": "B"}, {"name": "abc"}, True),
        ({"port|re": "^2"}, {"port": 22}, True),
        ({"ip|cidr": "10.0.0.0/8"}, {"ip": "10.1.2.3"}, True),
        ({"ip|cidr": ["10.0.0.0/8", "2001:db8::/32"]}, {"ip": "2001:DB8::1"}, True),
        ({"ip|cidr": "10.0.0.0/8"}, {"ip": "::ffff:10.1.2.3"}, True),
        ({"ip|cidr": "10.0.0.0/8"}, {"ip": "AWS Internal"}, False),
        ({"n|gt": 5}, {"n": 6}, True),
        ({"n|gte": 5}, {"n": "5"}, True),
        ({"n|lt": 5}, {"n": 4.5}, True),
        ({"n|lte": 5}, {"n": "five"}, False),
        ({"n|gt": 5}, {"n": True}, False),
        ({"n|gt": 0}, {"n": None}, False),
        ({"tags": "b"}, {"tags": ["a", "B"]}, True),
        ({"tags": "b"}, {"tags": [["b"]]}, True),
        ({"tags|contains|all": ["x", "y"]}, {"tags": ["axe", "bye"]}, True),
        ({"ports|gt": 1000}, {"ports": [22, 8080]}, True),
        ({"name|neq": "root"}, {"name": "alice"}, True),
        ({"name|neq": "root"}, {"name": "ROOT"}, False),
        ({"a|fieldref": "b"}, {"a": "X", "b": "x"}, True),
        ({"a|fieldref|startswith": "b"}, {"a": "xyz", "b": "X"}, True),
        ({"a|fieldref": "b"}, {"a": "X"}, False),
        ({"a|fieldref|endswith": "b"}, {"a": "xyz", "b": "YZ"}, True),
        ({"a|fieldref|contains": "b"}, {"a": "xyz", "b": "Y"}, True),
        ({"a|fieldref|contains": "b"}, {"a": "xyz", "b": "q"}, False),
        ({"a": ["x" * 200, "12"]}, {"a": 12}, True),
        ({"a": "007"}, {"a": 7}, False),
        ({"a": "0"}, {"a": 0}, True),
        ({"a": -5}, {"a": -5}, True),
        ({"a": str(10**30)}, {"a": 10**30}, True),
        ({"a|gt": 1, "b|gt": 1}, {"a": [1], "b": 2}, False),
        ({"a": "a**b"}, {"a": "axyb"}, True),
        ({"a": "**"}, {"a": 1}, True),
        (["*failed*"], {"_text": "it failed"}, True),
        ([443], {"_text": "port 443 open"}, True),
        ({"n|gt": 5}, {"n": {"x": 6}}, False),
        ({"n|gt": 5}, {"n": "9" * 500}, False),
        ({"ip|cidr": "10.0.0.0/8"}, {"ip": "1" * 100}, False),
        ({"user.name": "bob"}, {"user": {"name": "Bob"}}, True),
        ({"user.name": "bob"}, {"user.name": "Bob"}, True),
        ({"items.name": "b"}, {"items": [{"name": "a"}, {"name": "b"}]}, True),
        ({'a."b.c".d': 1}, {"a": {"b.c": {"d": 1}}}, True),
        ({"a.b.c": 1}, {"a": "text"}, False),
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}, True),
        ({"a": 1, "b": 2}, {"a": 1}, False),
        ([{"a": 1}, {"b": 2}], {"b": 2}, True),
        ([{"a": 1, "c": 3}, {"b": 2}], {"a": 1}, False),
        (["sshd", "sudo"], {"_text": "Nov 21 host SSHD[1]: hi"}, True),
        (["sshd", "sudo"], {"_text": "cron"}, False),
        ({"|all": ["failed", "password"]}, {"_text": "Failed password for root"}, True),
        ({"|all": ["failed", "password"]}, {"_text": "Failed"}, False),
        ({"|re": "port [0-9]+"}, {"_text": "from x port 22"}, True),
        ({"_text|startswith": "{"}, {"_text": '{"a":1}'}, True),
        ({"cmd|windash|contains": " -enc"}, {"cmd": "powershell /enc x"}, True),
        ({"cmd|base64offset|contains": "http://"}, {"cmd": "xxaHR0cDovL2V4YW1wbGU="}, True),
    ],
)
def test_a_selection_matches_what_sigma_says(selection: Any, event: dict[str, object], *, expected: bool) -> None:
    assert matches(selection, event) is expected


def test_many_substrings_match_as_few_do() -> None:
    words = [f"w{n}w" for n in range(40)]
    assert matches({"name|contains": words}, {"name": "aaW39Wbb"})
    assert not matches({"name|contains": words}, {"name": "w40w"})


def test_tests_of_different_kinds_share_one_item() -> None:
    selection = {"name": ["root", "adm*", "*svc", "*tmp*", "a?c"]}
    assert [matches(selection, {"name": n}) for n in ("ROOT", "Admin", "mysvc", "xtmpx", "abc", "bob")] == [
        True, True, True, True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("selection", "code", "hint"),
    [
        ({}, "empty_selection", "name a field"),
        ([], "empty_selection", "add a mapping"),
        ({"a": []}, "bad_value", "add a value"),
        ({"a": {"b": 1}}, "bad_value", "write text"),
        ({"a": [["b"]]}, "bad_value", "write text"),
        ({1: "a"}, "bad_field", "quotes"),
        (None, "bad_selection", "mapping"),
        ({"a|contain": "x"}, "unknown_modifier", "did you mean |contains?"),
        ({"a|zzz": "x"}, "unknown_modifier", "known: all"),
        ({"a|expand": "%x%"}, "unknown_modifier", "known: all"),
        ({"a|re": "(?=x)"}, "bad_regex", "RE2"),
        ({"a|re": r"(x)\1"}, "bad_regex", "RE2"),
        ({"a|re": "["}, "bad_regex", "RE2"),
        ({"a|cidr": "10.0.0.0/33"}, "bad_value", "Sigma"),
        ({"a|gt": "many"}, "bad_value", "Sigma"),
        ({"a|exists": "yes"}, "bad_value", "Sigma"),
        ({"a": float("nan")}, "bad_value", "Sigma"),
        ({"|exists": True}, "bad_value", "Sigma"),
    ],
)
def test_a_bad_selection_is_refused_with_place_reason_and_suggestion(
    selection: Any, code: str, hint: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ContentError) as refused:
        parse_selection(selection, HERE)
    assert (refused.value.code, refused.value.place) == (code, HERE)
    assert hint in refused.value.hint
    assert capfd.readouterr() == ("", "")


def test_the_place_of_the_key_is_asked_for() -> None:
    def locate(*keys: object) -> Place:
        return Place(f"file {keys}", 1, 1)

    with pytest.raises(ContentError) as refused:
        parse_selection([{"a": 1}, {"b|nope": 1}], HERE, locate)
    assert refused.value.place.file == "file (1, 'b|nope')"


def test_fields_names_everything_that_is_read() -> None:
    node = parse_selection([{"a": 1, "b.c|contains": "x"}, {"d|fieldref": "e", "f|neq": 1}], HERE)
    assert fields(node) == {"a", "b.c", "d", "e", "f"}
    assert fields(parse_selection(["word"], HERE)) == {"_text"}


def test_generated_code_holds_no_text_of_the_selection() -> None:
    evil = "'); __import__('os').system('true') #"
    constants: dict[str, object] = {}
    node = parse_selection({"a": [evil, f"*{evil}*"], "b|re": "evil"}, HERE)
    code = to_python(node, lambda field: f"v_{field}", constants)
    assert "import" not in code
    assert "evil" not in code
    assert eval(code, {**constants, "v_a": evil, "v_b": "evil"}) is True


def test_two_selections_share_one_table_of_constants() -> None:
    constants: dict[str, object] = {}
    one = to_python(parse_selection({"a": "x"}, HERE), lambda _: "a", constants)
    two = to_python(parse_selection({"a": "y"}, HERE), lambda _: "a", constants)
    assert eval(f"({one}, {two}, not {one} and {two})", {**constants, "a": "y"}) == (False, True, True)
    assert "__builtins__" not in constants


def test_nodes_can_be_built_by_hand_for_conditions() -> None:
    one, two = (parse_selection({"a": 1}, HERE), parse_selection({"b": 2}, HERE))
    assert predicate(And((one, Not(two))))({"a": 1})
    assert not predicate(And((one, Not(two))))({"a": 1, "b": 2})
    assert predicate(And(()))({})
    assert not predicate(Or(()))({})
    assert isinstance(one, Item)


def test_networks_remember_a_bounded_number_of_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.match.values.MEMO_SIZE", 10)
    networks = Networks((ip_network("10.0.0.0/8"),))
    assert [networks[f"{10 + number % 2}.0.0.{number}"] for number in range(40)] == [True, False] * 20
    assert len(networks) <= 10


def test_hostile_values_do_not_raise() -> None:
    selection = {"a|contains": "x", "b|re": "y", "c|cidr": "10.0.0.0/8", "d|gt": 3, "e": 10**30, "f|re": "^z"}
    check = predicate(parse_selection([{key: value} for key, value in selection.items()], HERE))
    hostile: tuple[object, ...] = (
        "\ud800",
        10**5000,
        float("inf"),
        float("nan"),
        "9" * 5000,
        [],
        [None, {}],
        {"x": 1},
        "\0",
    )
    for value in hostile:
        assert check(dict.fromkeys("abcdef", value)) in (True, False)


def test_a_hostile_line_costs_linear_time() -> None:
    check = predicate(parse_selection({"a|re": "(a+)+$", "b": "*a*a*a*a*b"}, HERE))
    hostile = {"a": "a" * 100_000 + "!", "b": "a" * 100_000}
    assert least_seconds(lambda: check(hostile), tries=2) < 0.5


scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "A", "ab", "3", "true", "ba"])
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=4)


@given(
    st.sampled_from(["", "contains", "startswith", "endswith", "cased"]),
    st.lists(st.sampled_from(["a", "B", "ab", "3", "true"]), min_size=1, max_size=3),
    values,
)
def test_the_code_agrees_with_a_naive_reading(modifier: str, wanted: list[str], value: object) -> None:
    def text(one: object) -> str:
        return str(one).lower() if isinstance(one, bool) else str(one)

    def fits(one: object) -> bool:
        if isinstance(one, list):
            return any(fits(element) for element in one)
        if one is None:
            return False
        if modifier == "cased":
            return text(one) in wanted
        have, want = text(one).lower(), [word.lower() for word in wanted]
        ways = {
            "": have.__eq__,
            "contains": have.__contains__,
            "startswith": have.startswith,
            "endswith": have.endswith,
        }
        return any(ways[modifier](word) for word in want)

    assert matches({f"f|{modifier}" if modifier else "f": wanted}, {"f": value}) is fits(value)
