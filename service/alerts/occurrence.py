"""An occurrence: one thing that makes or grows an alert, whether a single rule, a correlation or a finding says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from service.alerts.principal import Principal, grouped_by, principal_of, same_principal
from service.alerts.rule import AlertRule
from service.alerts.signal import Evidence, Signal
from service.alerts.tally import mark_of, unpacked

DAY_MS = 86_400_000
OLDEST_MS, NEWEST_MS = 400 * DAY_MS, DAY_MS
"""Event times farther from the arrival than this are not believed: hostile clocks make no indices."""
LATE_MS = 3_600_000
"""An event that arrives this long after it happened is late, and its alert says so."""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """What happened, of which rule, by whom."""

    id: str
    """Of the alert that it belongs to."""
    rule: AlertRule
    signal: Signal
    """The (last) signal that brought it."""
    document: Mapping[str, Any]
    """The event that says most about it."""
    principal: Principal
    evidence: tuple[Evidence, ...]
    marks: frozenset[int]
    """Of all its events, whether ``evidence`` names them or not."""
    from_ms: int
    """When its alert's window begins, in the events' own time: it decides the index."""
    late: bool
    title: str
    """Of the alert."""
    alone: bool = True
    """Of a rule that stands for itself, not of a correlation: its id follows from the event."""


def believed_ms(time_ms: int, arrived_ms: int) -> int:
    """The event's time, or that of its arrival where it cannot be right."""
    return time_ms if arrived_ms - OLDEST_MS <= time_ms <= arrived_ms + NEWEST_MS else arrived_ms


def alert_id(*parts: object) -> str:
    """The same parts always give the same id."""
    return "alert-" + sha256("\n".join(map(str, parts)).encode()).hexdigest()[:32]


def occurrence_of(rule: AlertRule, signal: Signal, document: Mapping[str, Any], window_ms: int) -> Occurrence:
    """A match of a rule that stands for itself.

    Windows are fixed pieces of time: which alert an event belongs to depends on nothing but the event, so that a replay,
    a restart or another worker finds the same one.
    """
    span = rule.window_ms or window_ms
    first_ms = believed_ms(signal.evidence[0].time_ms, signal.arrived_ms)
    from_ms = first_ms - first_ms % span
    principal = principal_of(document)
    key = signal.key or (grouped_by(document, rule.group_by) if rule.group_by else same_principal(document))
    return Occurrence(
        id=alert_id(signal.project, signal.environment, rule.id, key, from_ms, span),
        rule=rule,
        signal=signal,
        document=document,
        principal=principal,
        evidence=tuple(signal.evidence),
        marks=frozenset(mark_of(one.id) for one in signal.evidence).union(unpacked(signal.marks)),
        from_ms=from_ms,
        late=signal.arrived_ms - first_ms > LATE_MS,
        title=rule.title,
    )
