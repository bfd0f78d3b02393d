"""Signals and rules to make alerts of."""

from __future__ import annotations

import json
from typing import Any

from service.alerts.occurrence import Occurrence, occurrence_of
from service.alerts.rule import AlertRule
from service.alerts.signal import Evidence, Signal

HOUR = 3_600_000
NOW = 1_796_000_400_000 - 1_796_000_400_000 % HOUR
RULE = AlertRule("r-1", "Root acted", "high", tags=("attack.t1078.004", "attack.initial-access"))


def document(user: str = "root", address: str = "198.51.100.7", **more: Any) -> dict[str, Any]:
    return {
        "@timestamp": "2026-11-30T01:00:00.000Z",
        "event": {"action": "ListBuckets", "dataset": "aws.cloudtrail", "category": ["iam"], "outcome": "success"},
        "user": {"name": user},
        "source": {"ip": address},
        "related": {"user": [user], "ip": [address]},
        "cloud": {"account": {"id": "111122223333"}},
        **more,
    }


def signal(number: int, at_ms: int = NOW, **more: Any) -> Signal:
    made: dict[str, Any] = {
        "rule": RULE.id,
        "project": "shop",
        "environment": "prod",
        "stream": "audit",
        "dataset": "aws.cloudtrail",
        "arrived_ms": NOW,
        "evidence": [Evidence("siem-aws.cloudtrail-shop-prod-2026.11", f"e{number}", at_ms)],
        "count": 1,
        "document": json.dumps(document()),
    }
    return Signal(**(made | more))


def occurrence(number: int, at_ms: int = NOW, user: str = "root", rule: AlertRule = RULE, **more: Any) -> Occurrence:
    return occurrence_of(rule, signal(number, at_ms, **more), document(user), HOUR)
