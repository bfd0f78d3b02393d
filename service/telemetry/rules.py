"""What rules have done since the service started: a row for each that was asked."""

from __future__ import annotations

from collections import Counter
from typing import Any

from service.telemetry import metrics
from service.telemetry.meters import Meters


def rule_rows(merged: Meters) -> list[dict[str, Any]]:
    """By id of the rule: its matches, how many of them are suppressed, and what it costs for each event of its datasets."""
    values = merged.snapshot().values
    events: Counter[str] = Counter()
    for labels, count in values.get(metrics.EVENTS.name, ()):
        events[labels[-1]] += int(count)
    matches: Counter[str] = Counter()
    suppressed: Counter[str] = Counter()
    seconds: dict[str, float] = {}
    seen: Counter[str] = Counter()
    for (_, rule), count in values.get(metrics.RULE_MATCHES.name, ()):
        matches[rule] += int(count)
    for labels, count in values.get(metrics.ALERTS_SUPPRESSED.name, ()):
        suppressed[labels[-1]] += int(count)
    for (dataset, rule), spent in values.get(metrics.RULE_COST.name, ()):
        seconds[rule] = seconds.get(rule, 0.0) + spent
        seen[rule] += events[dataset]
    return [
        {
            "rule": rule,
            "matches": matches[rule],
            "suppressed": suppressed[rule],
            "events": seen[rule],
            "microseconds": round(seconds[rule] / seen[rule] * 1e6, 4) if seen[rule] else None,
        }
        for rule in sorted({*matches, *suppressed, *seconds})
    ]
