"""What rules must say before they count as stable, and wildcards that were meant as letters."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.fields import Catalogue, FieldSpec
from service.lint.detections import check_detections
from service.lint.wildcards import doubtful_wildcards

CATALOGUE = Catalogue({"event.action": FieldSpec("event.action", "keyword", "what")})
RULE = """title: A rule
id: 0a1b2c3d-0000-4000-8000-000000000001
status: stable
description: What it finds.
level: high
tags: [attack.t1078]
logsource: { product: acme, service: app }
detection: { s: { event.action: a }, condition: s }
falsepositives: [Tests]
triage: [Look at who it was.]
"""


def faults(folder: Path, text: str) -> list[tuple[str, str]]:
    (folder / "rule.yml").write_text(text)
    (folder / "rule.samples").mkdir(exist_ok=True)
    for name in ("match", "no_match"):
        (folder / "rule.samples" / f"{name}.json").write_text("{}")
    return [(fault.code, fault.reason) for fault in check_detections(folder, {"acme.app": CATALOGUE})]


def test_a_stable_rule_says_what_an_analyst_needs(tmp_path: Path) -> None:
    assert faults(tmp_path, RULE) == []
    without = RULE.replace("triage: [Look at who it was.]\n", "")
    assert faults(tmp_path, without) == [("not_stable", "A rule: is stable and has no triage")]
    assert faults(tmp_path, without.replace("stable", "experimental")) == []
    assert [code for code, _ in faults(tmp_path, RULE.replace("attack.t1078", "cis.1"))] == ["not_stable"]
    assert [code for code, _ in faults(tmp_path, RULE.replace("falsepositives: [Tests]\n", ""))] == ["missing_key"]


def test_a_stable_rule_has_samples(tmp_path: Path) -> None:
    (tmp_path / "bare.yml").write_text(RULE)
    found = [fault.code for fault in check_detections(tmp_path, {"acme.app": CATALOGUE})]
    assert found == ["no_sample", "no_sample"]


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ("'a|contains': '?'", "wildcard_alone"),
        ("'a|contains': ['x', '*']", "wildcard_alone"),
        ("'a|contains': '/index.php?cmd='", "wildcard"),
        ("'a|endswith': '*.exe'", "wildcard"),
        ("'a|startswith': 'cmd*'", "wildcard"),
        ("'a|contains': 'x*y'", None),
        ("'a|contains': '/index.php\\?cmd='", None),
        ("'a|contains': 'x\\*'", None),
        ("a: 'cmd*?'", None),
        ("'a|re': 'x?*'", None),
        ("'a|contains|all': ['x', 'y?']", "wildcard"),
    ],
)
def test_wildcards_that_were_meant_as_letters_are_named(tmp_path: Path, item: str, code: str | None) -> None:
    path = tmp_path / "rule.yml"
    path.write_text(f"title: x\ndetection:\n  s:\n    {item}\n  condition: s\n")
    found = list(doubtful_wildcards(path))
    assert [fault.code for fault in found] == ([code] if code else [])
    assert all(fault.place.line == 4 for fault in found)
