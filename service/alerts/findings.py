"""Findings of other products (GuardDuty, Security Hub, Inspector …): they come into the same queue as our own alerts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from service.alerts.channels import SEVERITIES, Severity
from service.alerts.principal import value_of
from service.alerts.rule import FINDINGS, AlertRule

_ID = re.compile(r"[/:]finding/([A-Za-z0-9-]{8,})$")


def finding_rule(document: Mapping[str, Any]) -> AlertRule:
    """The rule that stands for a finding: named and rated as its product does."""
    name = value_of(document, ("rule", "name")) or value_of(document, ("event", "action")) or FINDINGS.title
    return replace(
        FINDINGS,
        title=str(name)[:200],
        level=severity_of(document),
        description=str(value_of(document, ("rule", "description")) or value_of(document, ("message",)) or "")[:2000],
        ruleset=str(value_of(document, ("event", "dataset")) or FINDINGS.ruleset),
    )


_LABELS: tuple[tuple[str, ...], ...] = tuple(
    ("aws", product, "severity_label")
    for product in ("guardduty", "securityhub_findings", "inspector", "macie", "access_analyzer")
)
_OVER: tuple[tuple[tuple[str, ...], frozenset[str]], ...] = (
    (("aws", "guardduty", "service", "archived"), frozenset({"true"})),
    (("aws", "securityhub_findings", "workflow", "status"), frozenset({"resolved", "suppressed"})),
    (("aws", "securityhub_findings", "record_state"), frozenset({"archived"})),
    (("aws", "inspector", "status"), frozenset({"closed", "suppressed"})),
    (("aws", "macie", "archived"), frozenset({"true"})),
    (("aws", "access_analyzer", "status"), frozenset({"archived", "resolved"})),
)


def severity_of(document: Mapping[str, Any]) -> Severity:
    """The product's own word; medium where it has none."""
    for path in _LABELS:
        label = str(value_of(document, path) or "").lower()
        if label in SEVERITIES:
            return label
    return "medium"


def is_over(document: Mapping[str, Any]) -> bool:
    """Whether the product says that it is dealt with: nobody has to look at it."""
    return any(str(value_of(document, path)).lower() in values for path, values in _OVER)


def finding_key(document: Mapping[str, Any]) -> str:
    """What updates of a finding, and its copies in other products, have in common: its own id, without the ARN around it."""
    text = value_of(document, ("event", "id"))
    if not isinstance(text, str) or not text:
        return ""
    found = _ID.search(text)
    return found[1] if found else text
