"""How rules stand: what the service that runs says of them, and what their alerts say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.detect.rule import About
from service.lint.promotion import Record

DAY_MS = 86_400_000


@dataclass(slots=True)
class Running:
    """What ``/status.json`` says: numbers since the service started."""

    since_ms: int
    now_ms: int
    rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By id of the rule."""

    @classmethod
    def of(cls, status: Mapping[str, Any]) -> Running:
        """Out of the document."""
        rows = {str(row["rule"]): row for row in status.get("rules", ())}
        return cls(int(status["started_ms"]), int(status["now_ms"]), rows)

    @property
    def days(self) -> float:
        """How long it has been running; less than an hour counts as one."""
        return max(self.now_ms - self.since_ms, DAY_MS / 24) / DAY_MS


@dataclass(slots=True)
class Standing:
    """One rule."""

    about: About
    datasets: list[str]
    matches: int | None = None
    """Since the service started; None: it does not answer, or has no number."""
    suppressed: int | None = None
    microseconds: float | None = None
    alerts: int | None = None
    """In the time that was asked for."""
    alerts_by_day: dict[str, int] = field(default_factory=dict)
    record: Record = field(default_factory=Record)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        about = self.about
        return {
            "rule": {
                "id": about.id,
                "title": about.title,
                "status": about.status,
                "level": about.level,
                "file": about.place.file,
            },
            "datasets": self.datasets,
            "matches": self.matches,
            "matches_a_day": self.record.matches_a_day,
            "suppressed": self.suppressed,
            "microseconds": self.microseconds,
            "alerts": self.alerts,
            "alerts_by_day": self.alerts_by_day,
        }


def standing(
    about: About, datasets: list[str], running: Running | None, alerts: Mapping[str, Mapping[str, int]] | None
) -> Standing:
    """The rule's; ``alerts`` are those of each rule by day."""
    one = Standing(about, datasets)
    if running is not None:
        row = running.rows.get(about.id, {})
        one.matches, one.suppressed = int(row.get("matches", 0)), int(row.get("suppressed", 0))
        one.microseconds = row.get("microseconds")
        one.record = Record(round(one.matches / running.days, 2), one.microseconds)
    if alerts is not None:
        one.alerts_by_day = dict(alerts.get(about.id, {}))
        one.alerts = sum(one.alerts_by_day.values())
    return one
