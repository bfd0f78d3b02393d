"""Names of indices, aliases, templates and policies: pure, so that a replay writes where the first run wrote."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal

Period = Literal["day", "week", "month"]

_SAFE = re.compile(r"siem-[a-z0-9][a-z0-9._-]{0,200}")
EVENTS_ALIAS = "siem-all"
"""Alias of every index that holds events."""


def index_name(dataset: str, project: str, environment: str, when_ms: int, period: Period) -> str:
    """``siem-aws.cloudtrail-shop-prod-2026.11`` (``.21`` by day, ``.w47`` by week) for an event of ``when_ms``."""
    return f"siem-{dataset}-{project}-{environment}-{period_name(when_ms, period)}"


def period_name(when_ms: int, period: Period) -> str:
    """The last part of an index name, in UTC; weeks and their years as ISO 8601 counts them."""
    when = datetime.fromtimestamp(when_ms / 1000, UTC)
    match period:
        case "day":
            return f"{when:%Y.%m.%d}"
        case "month":
            return f"{when:%Y.%m}"
        case "week":
            year, week, _ = when.isocalendar()
            return f"{year}.w{week:02}"


def dead_letter_index(project: str, environment: str, when_ms: int) -> str:
    """Index of dead letters that arrived at ``when_ms``; by arrival, because their own time may be what is broken."""
    return index_name("dead-letters", project, environment, when_ms, "month")


def is_safe(index: str) -> bool:
    """Whether this is an index of ours to create: ``siem-`` first, lower case, no wildcard, no path."""
    return _SAFE.fullmatch(index) is not None and ".." not in index


def template_name(dataset: str) -> str:
    """Index template of a dataset (also ``alerts``, ``ledger``, ``dead-letters``)."""
    return f"siem-{dataset}"


def template_pattern(dataset: str) -> str:
    """Indices the template is for."""
    return f"siem-{dataset}-*"


def aliases(dataset: str, *, is_event: bool) -> list[str]:
    """Aliases each index of the dataset joins; events also join ``siem-all``."""
    return [f"siem-{dataset}", EVENTS_ALIAS] if is_event else [f"siem-{dataset}"]


def policy_name(retention: str, period: Period) -> str:
    """ISM policy that deletes indices of one period after ``retention`` (``30d``)."""
    return f"siem-retention-{retention}-{period}"
