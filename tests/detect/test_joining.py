"""Correlation rules: what they name, what they cannot ask, and what matches contribute to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from service.detect.correlation_rule import AllOf, AnyOf
from service.detect.joining import milliseconds
from service.detect.ruleset import RuleSet
from tests.detect.conftest import HEAD, Load

BASE = HEAD.replace("A rule", "Base") + "name: base\ndetection: { s: { eventName: a }, condition: s }\n"
OTHER = (
    HEAD.replace("A rule", "Other").replace("0001", "0002") + "name: other\ndetection: { s: { eventName: b }, condition: s }\n"
)
COUNT = """
title: Many
id: 0a1b2c3d-0000-4000-8000-00000000000c
name: many
status: stable
correlation:
  type: event_count
  rules: base
  group-by: who
  timespan: 5m
  condition: { gte: 3 }
"""
BASE_ID, OTHER_ID, COUNT_ID = (f"0a1b2c3d-0000-4000-8000-00000000000{each}" for each in "12c")
NAMED = {"@timestamp": "2026-01-14T09:00:00.5Z", "user": {"name": "ann"}, "project": {"id": "p", "environment": "prod"}}


def joined(rules: RuleSet, document: dict[str, Any], rule: str = BASE_ID) -> list[Any]:
    return list(rules.joins.of(rule, "acme.app", document, "i/1"))


def test_a_correlation_knows_its_rules_and_groups_by_their_fields(load: Load) -> None:
    rules = load(BASE + "---" + COUNT)
    assert rules.faults == []
    correlation = rules.joins.correlations[COUNT_ID]
    assert (correlation.rules, correlation.timespan_ms, correlation.operator, correlation.count) == (
        (BASE_ID,),
        300_000,
        "gte",
        3,
    )
    ((_, group, occurrence),) = joined(rules, NAMED)
    assert group == ("p", "prod", "ann")
    assert occurrence == (BASE_ID, 1_768_381_200_500, "i/1", None)
    assert rules.joins.silent == {BASE_ID}
    raw = {**NAMED, "user": {}, "event": {"original": json.dumps({"userIdentity": {"name": "bob"}})}}
    assert joined(rules, raw)[0].group == ("p", "prod", "bob")


def test_events_without_group_or_time_contribute_nothing_and_lists_each_of_their_values(load: Load) -> None:
    rules = load(BASE + "---" + COUNT)
    assert joined(rules, {**NAMED, "user": {}}) == []
    assert joined(rules, {**NAMED, "@timestamp": "yesterday"}) == []
    many = {**NAMED, "user": {"name": ["ann", "bob", "ann", None]}}
    assert [each.group[-1] for each in joined(rules, many)] == ["ann", "bob"]
    assert len(joined(rules, {**NAMED, "user": {"name": [str(number) for number in range(99)]}})) == 16


def test_generate_lets_base_rules_speak_and_across_projects_counts_them_together(load: Load) -> None:
    changed = COUNT.replace("correlation:\n", "across_projects: true\ncorrelation:\n  generate: true\n")
    rules = load(BASE + "---" + changed)
    assert rules.joins.silent == frozenset()
    assert joined(rules, NAMED)[0].group == ("ann",)


def test_aliases_give_each_rule_its_own_field(load: Load) -> None:
    text = COUNT.replace("rules: base", "rules: [base, other]\n  aliases: { who: { base: user.name, other: acme.open.actor } }")
    rules = load(BASE, OTHER, text.replace("event_count", "temporal").replace("  condition: { gte: 3 }\n", ""))
    assert rules.faults == []
    assert joined(rules, NAMED)[0].group[-1] == "ann"
    assert joined(rules, {**NAMED, "acme": {"open": {"actor": "eve"}}}, OTHER_ID)[0].group[-1] == "eve"


def test_values_are_counted_as_text_and_summed_as_numbers(load: Load) -> None:
    rules = load(BASE, COUNT.replace("event_count", "value_count").replace("{ gte: 3 }", "{ gte: 3, field: source.ip }"))
    assert joined(rules, {**NAMED, "source": {"ip": "192.0.2.1"}})[0].occurrence.value == "192.0.2.1"
    assert joined(rules, NAMED)[0].occurrence.value is None
    rules = load(BASE, COUNT.replace("event_count", "value_sum").replace("{ gte: 3 }", "{ gte: 3, field: n }"))
    for raw, value in (({"n": "12.5"}, 12.5), ({"n": "many"}, None)):
        document = {**NAMED, "event": {"original": json.dumps(raw)}}
        assert joined(rules, document)[0].occurrence.value == value


def test_an_expression_says_what_must_have_happened(load: Load) -> None:
    text = (
        COUNT.replace("event_count", "temporal").replace("  rules: base\n", "").replace("{ gte: 3 }", "base and (other or base)")
    )
    correlation = load(BASE, OTHER, text).joins.correlations[COUNT_ID]
    assert correlation.expression == AllOf((BASE_ID, AnyOf((OTHER_ID, BASE_ID))))
    assert correlation.rules == (BASE_ID, OTHER_ID)


def test_firings_feed_correlations_of_correlations(load: Load) -> None:
    outer = """
title: Then
id: 0a1b2c3d-0000-4000-8000-00000000000d
correlation: { type: temporal_ordered, rules: [many, other], group-by: [who], timespan: 1h }
"""
    rules = load(BASE, OTHER, COUNT, outer)
    assert rules.faults == []
    from service.detect.correlation import Fired

    inner = rules.joins.correlations[COUNT_ID]
    fired = Fired("f", 1, 2, 3, ("i/1",), late=False)
    ((correlation, group, occurrence),) = rules.joins.of_fired(inner, ("p", "prod", "ann"), fired)
    assert correlation.about.title == "Then"
    assert (group, occurrence) == (("p", "prod", "ann"), (COUNT_ID, 2, "f", None))


@pytest.mark.parametrize(
    ("old", "new", "code", "line"),
    [
        ("rules: base", "rules: basis", "unknown_rule", 8),
        ("rules: base", "rules: [base, base]", "bad_correlation", 8),
        ("  rules: base\n", "", "bad_correlation", 6),
        ("timespan: 5m", "timespan: 5x", "bad_correlation", 6),
        ("timespan: 5m", "timespan: 500d", "bad_correlation", 10),
        ("group-by: who", "group-by: [user.nam]", None, 0),
        ("event_count", "counting", "bad_correlation", 6),
        ("{ gte: 3 }", "{ gte: 3, lte: 4 }", "bad_correlation", 6),
        ("{ gte: 3 }", "{ gte: 0 }", "bad_correlation", 11),
        ("event_count", "value_count", "bad_correlation", 6),
        ("event_count", "value_percentile", "bad_correlation", 6),
        ("status: stable", "status: stable\nlevel: hot", "bad_level", 6),
        ("correlation:\n", "correlation: x\nother:\n", "bad_correlation", 6),
    ],
)
def test_what_is_wrong_is_named_with_its_place(old: str, new: str, code: str | None, line: int, load: Load) -> None:
    rules = load(BASE, COUNT.replace(old, new))
    found = [(fault.code, fault.place.line) for fault in rules.faults]
    assert found == ([] if code is None else [(code, line)])


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("{ gte: 3 }", "{ lt: 3 }", "what did not happen"),
        ("event_count", "temporal_ordered", "all rules must occur"),
        ("rules: base", "rules: lost", "Lost cannot be run"),
    ],
)
def test_correlations_that_cannot_be_run_say_why(old: str, new: str, reason: str, load: Load) -> None:
    lost = BASE.replace("acme, service: app", "acme, service: gone").replace("name: base", "name: lost").replace("0001", "0003")
    rules = load(BASE, COUNT.replace(old, new), lost.replace("title: Base", "title: Lost"))
    assert rules.faults == []
    (mine,) = [each for each in rules.unusable if each.about.title == "Many"]
    assert mine.code == "cannot_be_run"
    assert reason in mine.reason
    assert rules.joins.correlations == {}


def test_correlations_that_go_round_are_left_out(load: Load) -> None:
    inner = COUNT.replace("rules: base", "rules: round")
    outer = COUNT.replace("rules: base", "rules: many").replace("name: many", "name: round").replace("00c", "00d")
    rules = load(BASE, inner, outer)
    assert rules.joins.correlations == {}
    assert {each.code for each in rules.unusable} == {"cannot_be_run"}


def test_a_field_that_no_base_rule_has_is_unknown(load: Load, root: Path) -> None:
    (root / "logsources" / "acme.yml").write_text((root / "logsources" / "acme.yml").read_text().replace("    raw: json\n", ""))
    base = BASE.replace("eventName", "event.action")
    rules = load(base, COUNT.replace("group-by: who", "group-by: [user.nam]"))
    assert [(fault.code, fault.place.line) for fault in rules.faults] == [("unknown_field", 9)]


def test_times_are_iso_8601_whatever_their_precision() -> None:
    assert milliseconds("2026-01-14T09:00:00.123456789Z") == 1_768_381_200_123
    assert milliseconds("2026-01-14T10:00:00+01:00") == 1_768_381_200_000
    assert milliseconds("never") is milliseconds(3) is milliseconds("9" * 100) is None
