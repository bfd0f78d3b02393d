"""Sigma filters narrow rules of others; what they cannot mean is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.detect.detector import Detector
from tests.detect.conftest import HEAD, Load

RULE = HEAD + "name: deletes\ndetection: { s: { eventName: Delete }, condition: s }\n"
FILTER = """title: The janitor may
logsource: { product: acme, service: app }
filter:
  rules: [deletes]
  janitor: { who: janitor }
  condition: not janitor
"""
MANY = """
title: Many
name: many
status: stable
correlation: { type: event_count, rules: deletes, group-by: who, timespan: 5m, condition: { gte: 3 } }
"""
DOCUMENTS = [{"event": {"action": "Delete"}, "user": {"name": name}} for name in ("janitor", "mallory")]


@pytest.mark.parametrize(
    "rules", ["[deletes]", "deletes", "any", "[0a1b2c3d-0000-4000-8000-000000000001]", "[deletes]\n  who_knows: { eventName: x }"]
)
def test_a_filter_leaves_out_what_its_condition_does_not_let_through(load: Load, tmp_path: Path, rules: str) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "filter.yml").write_text(FILTER.replace("[deletes]", rules))
    found = load(RULE, roots=(folder,))
    assert not found.faults
    assert [match.at for match in Detector(found).run("acme.app", DOCUMENTS)] == [1]


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (FILTER.replace("[deletes]", "[deletes, deltes]"), "unknown_rule", 4),
        (FILTER.replace("[deletes]", "[many]"), "bad_filter", 4),
        (FILTER.replace("[deletes]", "[]"), "bad_filter", 4),
        (FILTER.replace("  rules: [deletes]\n", ""), "bad_filter", 3),
        (FILTER.replace("service: app", "service: web"), "other_logsource", 4),
        (FILTER.replace("not janitor", "not janitr"), "bad_condition", 6),
        (FILTER.replace("logsource: { product: acme, service: app }\n", ""), "bad_logsource", 1),
        ("title: x\nlogsource: { product: acme, service: app }\nfilter: deletes\n", "bad_filter", 3),
    ],
)
def test_a_filter_that_is_wrong_is_refused_and_changes_nothing(load: Load, text: str, code: str, line: int) -> None:
    found = load(RULE, MANY, text)
    assert [fault.place.line for fault in found.faults] == [line]
    assert found.faults[0].code == code
    assert [match.at for match in Detector(found).run("acme.app", DOCUMENTS)] == [0, 1]
