"""silence.yml: limits, mutes that end, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.errors import ContentErrors
from service.silence.rules import SilenceRules, load_rules
from service.silence.source import ALL, Source

TRAIL = Source("shop", "prod", "audit", "aws.cloudtrail")
FLOW = Source("shop", "nonprod", "audit", "aws.vpcflow")
HOUR_MS = 3_600_000


def rules(tmp_path: Path, text: str) -> SilenceRules:
    path = tmp_path / "silence.yml"
    path.write_text(text)
    return load_rules(path, {"aws.cloudtrail", "aws.vpcflow"}, {"shop", "pay"})


def test_the_first_override_that_fits_and_says_something_says_it(tmp_path: Path) -> None:
    found = rules(
        tmp_path,
        """
after: 2h
overrides:
  - { dataset: aws.cloudtrail, within: 30m }
  - { project: shop, environment: prod, after: 10m, within: 3h, severity: critical }
""",
    )
    trail, flow = found.of(TRAIL), found.of(FLOW)
    assert (trail.after_ms, trail.within_ms, trail.severity) == (HOUR_MS // 6, HOUR_MS // 2, "critical")
    assert (flow.after_ms, flow.within_ms, flow.severity) == (2 * HOUR_MS, None, None)


def test_a_limit_below_the_general_one_lowers_it(tmp_path: Path) -> None:
    found = rules(tmp_path, "overrides: [{ project: shop, within: 5m }]").of(TRAIL)
    assert found.after_ms == found.within_ms == 300_000


def test_a_mute_ends(tmp_path: Path) -> None:
    found = rules(tmp_path, "mutes: [{ project: sh*, dataset: aws.*, until: 2026-12-01, reason: moved to another account }]")
    [mute] = found.mutes
    assert found.mute(TRAIL, mute.until_ms - 1) is mute
    assert found.mute(TRAIL, mute.until_ms) is None
    assert found.mute(TRAIL._replace(project="pay"), 0) is None
    assert found.mute(TRAIL._replace(dataset=ALL), 0) is None


def test_a_mute_without_a_dataset_is_for_the_stream_too(tmp_path: Path) -> None:
    found = rules(tmp_path, "mutes: [{ stream: audit, until: 2026-12-01T00:00:00+01:00, reason: retired }]")
    assert found.mute(TRAIL._replace(dataset=ALL), 0) is not None


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("aftr: 2h\n", "1:1", "did you mean `after`"),
        ("after: soon\n", "1:1", ""),
        ("mutes:\n  - { project: shop, reason: because }\n", "2:5", "until"),
        ("mutes:\n  - { project: shop, until: 2026-12-01 }\n", "2:5", "reason"),
        ("mutes:\n  - { project: shop, until: next week, reason: because }\n", "2:22", "2026-12-01"),
        ("mutes:\n  - { until: 2026-12-01, reason: because }\n", "2:5", "project"),
        ("overrides:\n  - { dataset: aws.cloudtrial, after: 2h }\n", "2:7", "did you mean `aws.cloudtrail`"),
        ("overrides:\n  - { project: shpo, after: 2h }\n", "2:7", "did you mean `shop`"),
        ("overrides:\n  - { project: shop, after: 2h, within: 1h }\n", "2:22", "longer"),
        ("overrides:\n  - { project: shop, severity: terrible }\n", "2:22", ""),
    ],
)
def test_what_is_wrong_is_refused_with_its_place_and_a_hint(tmp_path: Path, text: str, place: str, said: str) -> None:
    with pytest.raises(ContentErrors) as refused:
        rules(tmp_path, text)
    fault = str(refused.value.faults[0])
    assert f"silence.yml:{place}" in fault
    assert said in fault
