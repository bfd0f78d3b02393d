"""Rules as the Sigma specification means them, over documents and the raw events behind them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from service.detect.detector import Detector
from service.detect.rule import Logsource
from tests.detect.conftest import HEAD, Load, Matches


def with_raw(raw: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**fields, "event": {**fields.get("event", {}), "original": json.dumps(raw)}}


BASE64 = base64.b64encode(b"xIEX (New-Object Net.WebClient)").decode()
WIDE = base64.b64encode("ping".encode("utf-16-le")).decode()


@pytest.mark.parametrize(
    ("selection", "value", "expected"),
    [
        ("eventName: PutObject", "putobject", True),
        ("eventName|cased: PutObject", "putobject", False),
        ("eventName: Put*", "PutObject", True),
        ("eventName: Put?bject", "PutObject", True),
        ("eventName: 'Put\\*'", "Put*", True),
        ("eventName: 'Put\\*'", "PutObject", False),
        ("eventName: [PutObject, GetObject]", "GetObject", True),
        ("eventName|contains: tobj", "PutObject", True),
        ("eventName|contains|all: [put, obj]", "PutObject", True),
        ("eventName|contains|all: [put, get]", "PutObject", False),
        ("eventName|startswith: put", "PutObject", True),
        ("eventName|endswith: put", "PutObject", False),
        ("eventName|re: 'Put.*t$'", "PutObject", True),
        ("eventName|re: 'put'", "PutObject", False),
        ("eventName|re|i: 'put'", "PutObject", True),
        ("eventName|re|m: '^b$'", "a\nb\nc", True),
        ("eventName|re|s: 'a.b'", "a\nb", True),
        ("eventName|exists: true", "x", True),
        ("eventName|exists: false", "x", False),
        ("eventName: null", None, True),
        ("eventName: null", "x", False),
        ("eventName: ''", "", True),
        ("eventName|neq: x", "y", True),
        ("eventName|neq: x", "x", False),
        ("eventName|base64offset|contains: IEX", BASE64, True),
        ("eventName|base64: ping", base64.b64encode(b"ping").decode(), True),
        ("eventName|wide|base64: ping", WIDE, True),
        ("eventName|utf16le|base64: ping", WIDE, True),
        ("eventName|windash|contains: ' -a'", "cmd /a", True),
        ("eventName|windash|contains: ' -a'", "cmd \u2013a", True),
        ("source.ip|cidr: 192.0.2.0/24", "192.0.2.77", True),
        ("source.ip|cidr: 192.0.2.0/24", "198.51.100.1", False),
        ("source.ip|cidr: '2001:db8::/32'", "2001:db8::1", True),
        ("http.response.status_code|gte: 400", 404, True),
        ("http.response.status_code|lt: 400", 404, False),
        ("http.response.status_code: 404", 404, True),
        ("http.response.status_code: '404'", 404, True),
        ("eventName: 404", "404", True),
        ("eventName: true", "true", True),
        ("eventName: true", True, True),
        ("eventName: b", ["a", "b"], True),
        ("eventName|hour: 3", "2026-01-14T03:12:00.000Z", True),
        ("eventName|hour|gte: 3", "2026-01-14T02:59:59Z", False),
        ("eventName|week: 3", "2026-01-14T02:59:59+02:00", True),
        ("eventName|day: 14", "not a time", False),
    ],
)
def test_modifiers(selection: str, value: Any, expected: bool | None, load: Load) -> None:
    field = selection.partition("|")[0].partition(":")[0]
    path = {"eventName": "event.action"}.get(field, field)
    rules = load(HEAD + f"detection:\n  selection:\n    {selection}\n  condition: selection\n")
    if expected is None:
        assert [fault.code for fault in rules.faults] == ["unknown_modifier"]
        return
    document: dict[str, Any] = {}
    at = document
    for key in path.split(".")[:-1]:
        at = at.setdefault(key, {})
    at[path.rpartition(".")[2]] = value
    assert bool(Detector(rules).run("acme.app", [document])) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("one", True),
        ("two", False),
        ("one and not two", True),
        ("not (one or two)", False),
        ("1 of them", True),
        ("any of them", True),
        ("all of them", False),
        ("1 of filter_*", False),
        ("all of on*", True),
        ("one and not 1 of filter_*", True),
        ("1 of _hidden*", True),
        ("(one and two) or (one and not two)", True),
    ],
)
def test_conditions(condition: str, expected: bool, matches: Matches) -> None:
    detection = f"""
  one: {{ eventName: a }}
  two: {{ eventName: b }}
  filter_x: {{ eventName: c }}
  _hidden: {{ user.name: u }}
  condition: {condition}
"""
    assert matches(detection, {"event": {"action": "a"}, "user": {"name": "u"}}) is expected


def test_a_list_of_maps_is_or_and_a_list_of_words_looks_into_the_raw_event(matches: Matches) -> None:
    maps = "  s:\n    - eventName: a\n      user.name: u\n    - eventName: b\n  condition: s\n"
    assert matches(maps, {"event": {"action": "b"}})
    assert not matches(maps, {"event": {"action": "a"}})
    words = "  s: [evil, 'wicked*thing']\n  condition: s\n"
    assert matches(words, {"event": {"original": "an EVIL one"}})
    assert matches(words, {"message": "a wicked, wicked thing"})
    assert not matches(words, {"event": {"original": "a good one"}})
    assert matches("  s:\n    '|all': [evil, one]\n  condition: s\n", {"event": {"original": "an EVIL one"}})


def test_what_no_field_holds_is_looked_for_in_the_raw_event(matches: Matches) -> None:
    detection = "  s:\n    requestParameters.attribute: userData\n    items.kind: b\n  condition: s\n"
    assert matches(detection, with_raw({"requestParameters": {"attribute": "userData"}, "items": [{"kind": "a"}, {"kind": "b"}]}))
    assert not matches(detection, with_raw({"requestParameters": {"attribute": "userData"}}))
    assert not matches(detection, {"event": {"original": "no JSON"}})
    assert not matches(detection, {})


def test_an_object_of_the_raw_event_is_compared_by_its_text(matches: Matches) -> None:
    detection = '  s:\n    requestParameters|contains: \'"cidrIp":"0.0.0.0/0"\'\n  condition: s\n'
    assert matches(detection, with_raw({"requestParameters": {"items": [{"cidrIp": "0.0.0.0/0"}]}}))
    assert not matches(detection, with_raw({"requestParameters": {"items": [{"cidrIp": "10.0.0.0/8"}]}}))


@pytest.mark.parametrize("raw", [{}, {"a": []}, {"a": None}, {"list": [{"a": []}]}, {"list": [{"a": [None]}, {}]}])
def test_a_list_of_the_raw_event_without_values_is_nothing(raw: dict[str, Any], matches: Matches) -> None:
    there = "  s: [ { a: '*' }, { list.a|exists: true } ]\n  condition: s\n"
    assert not matches(there, with_raw(raw))
    assert matches("  s: { a: null, list.a: null }\n  condition: s\n", with_raw(raw))


def test_of_several_places_the_first_with_a_value_counts(matches: Matches) -> None:
    detection = "  s: { who: ann }\n  condition: s\n"
    assert matches(detection, {"user": {"name": "ann"}})
    assert matches(detection, with_raw({"userIdentity": {"name": "ann"}}))
    assert not matches(detection, with_raw({"userIdentity": {"name": "ann"}}, user={"name": "bob"}))


def test_a_field_may_be_compared_with_another(matches: Matches) -> None:
    detection = "  s:\n    eventName|fieldref: user.name\n  condition: s\n"
    assert matches(detection, {"event": {"action": "X"}, "user": {"name": "x"}})
    assert not matches(detection, {"event": {"action": "X"}, "user": {"name": "y"}})


def test_placeholders_are_what_the_last_folder_says(load: Load, root: Path, tmp_path: Path) -> None:
    text = HEAD + "detection:\n  s:\n    user.name|expand: ['%admins%', 'svc-%kinds%']\n  condition: s\n"
    unknown = load(text)
    assert [(fault.code, fault.place.line, fault.place.column) for fault in unknown.faults] == [("unknown_placeholder", 9, 5)]
    (root / "placeholders.yml").write_text("admins: [ann]\nkinds: [backup]\n")
    later = tmp_path / "mounted"
    later.mkdir()
    (later / "placeholders.yml").write_text("admins: [bob, 'eve*']\n")
    detector = Detector(load(text, roots=(later,)))
    names = ["ann", "bob", "eve-1", "svc-backup", "svc-other"]
    found = detector.run("acme.app", [{"user": {"name": name}} for name in names])
    assert [match.document["user"]["name"] for match in found] == ["bob", "eve-1", "svc-backup"]


def test_matches_name_rule_and_position(load: Load) -> None:
    second = HEAD.replace("0001", "0002").replace("A rule", "Another")
    selections = "detection:\n  s: {{ eventName: {} }}\n  condition: s\n"
    rules = load(HEAD + selections.format("a"), second + selections.format("'*'"))
    found = Detector(rules).run("acme.app", [{"event": {"action": "b"}}, {"event": {"action": "a"}}])
    assert [(match.at, match.rule.title) for match in found] == [(0, "Another"), (1, "A rule"), (1, "Another")]
    assert Detector(rules).run("acme.web", [{"event": {"action": "a"}}]) == []


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (HEAD.replace("0a1b2c3d-", "0a1b2c3d_") + "detection: { s: { eventName: a }, condition: s }", "bad_id", 3),
        (HEAD.replace("high", "hot") + "detection: { s: { eventName: a }, condition: s }", "bad_level", 5),
        (HEAD.replace("test", "tested") + "detection: { s: { eventName: a }, condition: s }", "bad_status", 4),
        (HEAD + "tags: [attack]\ndetection: { s: { eventName: a }, condition: s }", "bad_tags", 7),
        (HEAD + "detection:\n  s: { eventName: a }\n  condition: t\n", "bad_condition", 9),
        (HEAD + "detection:\n  s: { eventName: a }\n  condition: 1 of t*\n", "bad_condition", 9),
        (HEAD + "detection:\n  s: { eventName: a }\n  condition: s | count() > 3\n", "bad_condition", 9),
        (HEAD + "detection:\n  s: { eventName: a }\n  condition: s and\n", "bad_condition", 9),
        (HEAD + "detection:\n  s: { eventName: a }\n", "bad_condition", 7),
        (HEAD + "detection:\n  s: { eventName|containz: a }\n  condition: s\n", "unknown_modifier", 8),
        (HEAD + "detection:\n  s: {}\n  condition: s\n", "empty_selection", 8),
        (HEAD + "detection:\n  s: { eventName|re: '(?=a)' }\n  condition: s\n", "bad_regex", 8),
        (HEAD + "detection: nothing\n", "bad_detection", 7),
        ("title: x\ndetection: { s: { a: b }, condition: s }\n", "bad_logsource", 1),
        ("title: x\nlogsource: { definition: y }\ndetection: { s: { a: b }, condition: s }\n", "bad_logsource", 2),
        ("just: this\n", "bad_rule", 1),
        ("- a\n- b\n", "bad_rule", 1),
        ("a: [\n", "not_yaml", 2),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, code: str, line: int, load: Load) -> None:
    rules = load(text)
    assert [(fault.code, fault.place.line) for fault in rules.faults] == [(code, line)]
    assert rules.rules == []


@pytest.mark.parametrize(
    ("change", "detection", "code", "reason"),
    [
        (("acme, service: app", "acme, service: other"), "{ s: { eventName: a }, condition: s }", "no_dataset", "acme/other"),
        (("acme, service: app", "acme, service: web"), "{ s: { eventName: a }, condition: s }", "unknown_field", "eventName"),
        (("test", "deprecated"), "{ s: { eventName: a }, condition: s }", "deprecated", "deprecated"),
        (("", ""), "{ s: { Hashes|contains: a, eventName: b }, condition: s }", "never_matches", "acme.app"),
    ],
)
def test_rules_that_cannot_be_run_say_why(change: tuple[str, str], detection: str, code: str, reason: str, load: Load) -> None:
    rules = load(HEAD.replace(*change) + f"detection: {detection}")
    assert rules.faults == []
    assert [each.code for each in rules.unusable] == [code]
    assert reason in rules.unusable[0].reason
    assert rules.unusable[0].fault().place.line == 2


def test_what_a_log_lacks_is_absent_and_the_rest_of_the_rule_counts(matches: Matches) -> None:
    detection = "  a: { Hashes: x }\n  b: { eventName: b, Hashes: null }\n  condition: a or b\n"
    assert matches(detection, {"event": {"action": "b"}})
    assert not matches(detection, {"event": {"action": "c"}})


def test_a_later_folder_replaces_rules_and_a_folder_never_holds_an_id_twice(load: Load, tmp_path: Path) -> None:
    text = HEAD + "detection: { s: { eventName: a }, condition: s }"
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    (mounted / "mine.yml").write_text(text.replace("A rule", "Mine"))
    assert [rule.title for rule in load(text, roots=(mounted,)).rules] == ["Mine"]
    (mounted / "mine.yml").unlink()
    assert [fault.code for fault in load(text, text).faults] == ["duplicate_id"]


def test_one_file_may_hold_rules_with_what_they_share(load: Load) -> None:
    text = """
action: global
logsource: { product: acme, service: app }
---
title: One
detection: { s: { eventName: a }, condition: s }
---
title: Two
detection: { s: { eventName: b }, condition: s }
---
action: repeat
title: Three
"""
    rules = load(text)
    assert rules.faults == []
    assert [rule.title for rule in rules.rules] == ["One", "Two", "Three"]
    assert len({rule.id for rule in rules.rules}) == 3
    assert all(rule.logsource == Logsource("acme", None, "app") for rule in rules.rules)
