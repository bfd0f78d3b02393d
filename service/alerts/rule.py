"""What an alert says of the rule behind it, whoever wrote that rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.alerts.channels import SEVERITIES, Severity


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """The rule's matches are only worth an alert when they are new for somebody."""

    who: tuple[str, ...]
    """ECS fields of the subject."""
    what: tuple[str, ...]
    """ECS fields of what is new: country, network, program, call."""
    learn_ms: int
    """How long a subject is only learnt about."""


FINDING = "finding"
"""Id of the rule that stands for what another product found; its alerts are named after the finding."""


@dataclass(frozen=True, slots=True)
class AlertRule:
    """A detection rule, a correlation, or the rule for findings."""

    id: str
    title: str
    level: Severity
    levels: Mapping[str, Severity] = field(default_factory=dict)
    """Environment → level, where the rule says so."""
    description: str = ""
    references: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    """``attack.t1078.004``, ``attack.initial-access``, …"""
    falsepositives: tuple[str, ...] = ()
    triage: tuple[str, ...] = ()
    """What to look at, in this order."""
    group_by: tuple[str, ...] = ()
    """ECS fields by which matches are one alert, instead of the principal."""
    window_ms: int | None = None
    """Matches within this time are one alert; None: what ``alerts.yml`` says."""
    category: str = ""
    """Log source, in words."""
    ruleset: str = "kinesiem"
    first_seen: FirstSeen | None = None
    counted_only: bool = False
    """Matches are counted and raise no alert."""


FINDINGS = AlertRule(FINDING, "Finding", "medium", category="finding", ruleset="aws", window_ms=86_400_000)


def severities(said: Any) -> dict[str, Severity]:
    """``levels`` as a rule writes it: environment → level; what is neither is left out."""
    if not isinstance(said, Mapping):
        return {}
    return {str(environment): level for environment, level in said.items() if level in SEVERITIES}
