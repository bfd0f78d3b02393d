"""Every sample of every dataset, damaged: no crash, no long wait, no neighbour touched, one fate each. ``make fuzz`` goes on."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from service.samples import Facts
from tests.fuzz import Case, Fuzz, case_of, cases

ROUNDS = 8
"""Damaged records and events of each sample."""


@pytest.fixture(scope="module")
def fuzz() -> Fuzz:
    return Fuzz()


@pytest.mark.timeout(400)
def test_damaged_samples_break_no_promise(fuzz: Fuzz, tmp_path: Path) -> None:
    tried, wrong = 0, []
    for seed in fuzz.seeds():
        chance = random.Random(seed.name)
        for _ in range(ROUNDS):
            for case in cases(chance, seed):
                tried += 1
                if (fault := fuzz.fault(case)) is not None:
                    path = tmp_path / f"{tried}.json"
                    path.write_text(case.text())
                    wrong.append(f"{seed.name}: {fault}: .venv/bin/python -m tests.fuzz --replay {path}")
    assert wrong == []
    assert tried > 300 * ROUNDS


def test_a_case_is_replayed_from_its_file() -> None:
    for case in (
        Case("aws.waf", Facts(), record=b"\xff\x00{"),
        Case("aws.waf", Facts(project="p"), events=("{}", "\ud800", "x")),
    ):
        assert case_of(case.text()) == case


def test_what_breaks_a_promise_is_noticed(fuzz: Fuzz, monkeypatch: pytest.MonkeyPatch) -> None:
    line = "2026/01/14 09:12:33 [error] 7#7: *1 x"
    case = Case("nginx.error", Facts(), events=(line, line, line))
    assert fuzz.fault(case) is None
    monkeypatch.setattr("tests.fuzz.EACH_EVENT", 0.0)
    monkeypatch.setattr("tests.fuzz.EACH_BYTE", 0.0)
    assert "ms for 3 events" in str(fuzz.fault(case))
    carry = fuzz.player.carry

    def loses_one(*given: Any) -> Any:
        played = carry(*given)
        del played.documents[-1:]
        return played

    monkeypatch.setattr(fuzz.player, "carry", loses_one)
    assert "3 events have 2 fates" in str(fuzz.fault(case))
