"""What keeps a rule from being stable."""

from __future__ import annotations

from pathlib import Path

from service.detect.rule import About
from service.errors import Place
from service.lint.promotion import Record, hindrances
from service.offline.standing import Running, standing


def about(folder: Path, **said: object) -> About:
    told: dict[str, object] = {
        "description": "What it finds.", "tags": ("attack.t1078",), "falsepositives": ("Tests",), "custom": {"triage": ["Look."]},
    }  # fmt: skip
    return About("r-1", "A rule", Place(str(folder / "rule.yml"), 1), **{**told, **said})  # type: ignore[arg-type]  # each test says what it needs


def sampled(folder: Path) -> Path:
    (folder / "rule.samples").mkdir()
    for name in ("match", "no_match"):
        (folder / "rule.samples" / f"{name}.json").write_text("{}")
    return folder


def test_a_rule_that_says_enough_and_is_quiet_and_cheap_may_be_stable(tmp_path: Path) -> None:
    rule = about(sampled(tmp_path))
    assert list(hindrances(rule, Record())) == []
    assert list(hindrances(rule, Record(20.0, 5.0))) == []
    noisy, expensive = hindrances(rule, Record(20.5, 5.1))
    assert noisy.startswith("noisy: 20.5 matches a day")
    assert expensive.startswith("expensive: 5.10 µs an event")
    assert list(hindrances(rule, Record(20.5, 5.1), noisy=30, expensive=6)) == []


def test_a_rule_that_says_nothing_hears_of_everything_at_once(tmp_path: Path) -> None:
    bare = about(tmp_path, description="", tags=("attack.execution",), falsepositives=(), custom={})
    assert list(hindrances(bare, Record())) == [
        "no description", "no technique of ATT&CK among its tags", "no falsepositives", "no triage", "no sample that matches",
        "no sample that nearly matches",
    ]  # fmt: skip


def test_what_the_service_says_becomes_a_record(tmp_path: Path) -> None:
    row = {"rule": "r-1", "matches": 30, "suppressed": 4, "events": 10, "microseconds": 1.5}
    running = Running.of({"started_ms": 0, "now_ms": 2 * 86_400_000, "rules": [row]})
    one = standing(about(tmp_path), ["aws.waf"], running, {"r-1": {"2026-11-29": 2, "2026-11-30": 1}})
    assert one.record == Record(15.0, 1.5)
    assert (one.matches, one.suppressed, one.alerts) == (30, 4, 3)
    silent = standing(about(tmp_path), [], None, None)
    assert (silent.matches, silent.alerts, silent.record) == (None, None, Record())
    unseen = standing(about(tmp_path), [], Running(0, 1000), {})
    assert (unseen.matches, unseen.microseconds, unseen.alerts) == (0, None, 0)
