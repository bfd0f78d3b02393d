"""All workers as one picture: the numbers of ``/metrics`` and the document of the status page."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import msgspec

from service.clock import Clock
from service.telemetry import metrics
from service.telemetry.meters import Meters, Snapshot, merge
from service.telemetry.metrics import Metric
from service.telemetry.problems import Problems, merge_problems
from service.telemetry.report import Report
from service.telemetry.rules import rule_rows

HISTORY_SECONDS = 120
FRESH_SECONDS = 10.0
"""A worker that has not reported for this long is not alive."""


@dataclass(slots=True)
class WorkerLine:
    """One worker process as its parent knows it."""

    name: str
    pid: int = 0
    state: str = "starting"
    """starting, ready, draining, restarting, stopped."""
    restarts: int = 0
    started_ms: int = 0
    heard: float = 0.0
    """Monotonic seconds of the last report."""
    report: Report | None = None


@dataclass(slots=True)
class Board:
    """What the parent knows; the supervisor feeds it, the admin server shows it."""

    clock: Clock
    role: str
    own: Meters
    problems: Problems
    version: str
    started_ms: int = 0
    workers: dict[str, WorkerLine] = field(default_factory=dict)
    departed: list[Snapshot] = field(default_factory=list)
    lag: dict[str, int] = field(default_factory=dict)
    """Topic → messages not committed."""
    stopping: bool = False
    _history: deque[tuple[float, float, float]] = field(default_factory=lambda: deque(maxlen=HISTORY_SECONDS + 1))

    def hear(self, name: str, report: Report) -> None:
        """Take a worker's report."""
        line = self.workers[name]
        line.report = report
        line.state = report.state
        line.pid = report.pid
        line.heard = self.clock.monotonic()

    def depart(self, name: str) -> None:
        """A worker ended: keep its counters; what it had in flight will be read and counted again."""
        line = self.workers[name]
        if line.report is None:
            return
        snapshot, line.report = line.report.snapshot, None
        left = Meters()
        for labels, count in snapshot.values.get(metrics.IN_FLIGHT.name, ()):
            left.add(metrics.ABANDONED, count, labels)
        # One sum instead of a list that grows with every restart.
        self.departed = [merge([], [*self.departed, snapshot, left.snapshot()]).snapshot()]

    def merged(self) -> Meters:
        """Return the numbers of all workers and of this process."""
        reports = [line.report for line in self.workers.values() if line.report is not None]
        merged = merge([report.snapshot for report in reports] + [self.own.snapshot()], self.departed)
        for topic, lag in self.lag.items():
            merged.set(metrics.KAFKA_LAG, lag, (topic,))
        for state in ("starting", "ready", "draining", "restarting"):
            merged.set(metrics.WORKERS, sum(line.state == state for line in self.workers.values()), (state,))
        merged.add(metrics.WORKER_RESTARTS, sum(line.restarts for line in self.workers.values()))
        for report in reports:
            merged.set(metrics.WORKER_MEMORY, report.memory_bytes, (report.worker,))
        return merged

    def tick(self) -> None:
        """Remember the totals; called about once a second."""
        merged = self.merged()
        accounted = sum(merged.total(m) for m in (metrics.INDEXED, metrics.ALREADY_THERE))
        self._history.append((self.clock.monotonic(), merged.total(metrics.EVENTS), accounted))

    def live(self) -> bool:
        """Whether every worker reports, or is being started."""
        now = self.clock.monotonic()
        return all(line.report is None or now - line.heard < FRESH_SECONDS for line in self.workers.values())

    def troubles(self) -> list[str]:
        """Return why the service is not ready, in words; empty when it is."""
        reports = [line.report for line in self.workers.values() if line.report is not None]
        found = []
        if self.stopping:
            found.append("stopping")
        if not self.workers or any(line.state != "ready" for line in self.workers.values()):
            found.append("not all workers are ready")
        found += sorted({f"{name} stands still: nearly all of it is unusable" for r in reports for name in r.stopped_datasets})
        return found

    def status(self) -> dict[str, Any]:
        """Return the document behind the status page."""
        merged = self.merged()
        reports = [line.report for line in self.workers.values() if line.report is not None]
        rows = _dataset_rows(merged)
        totals = {key: sum(row[key] for row in rows) for key in (*_FATES, "events", "in_flight", "unaccounted")}
        holds = [
            {"dataset": h.dataset, "code": h.code, "needs_action": h.needs_action, "seconds": round(h.seconds)}
            for report in reports
            for h in report.holds
        ]
        troubles = self.troubles()
        streams = _stream_rows(merged, reports)
        acting = any(hold["needs_action"] for hold in holds) or any(
            row["state"] == "unreachable" or row["unaccounted"] or row["gaps"] for row in streams
        )
        return {
            "version": self.version,
            "role": self.role,
            "now_ms": self.clock.now_ms(),
            "started_ms": self.started_ms,
            "state": "attention" if troubles or acting else "waiting" if holds else "ok",
            "troubles": troubles,
            "totals": {"records": merged.total(metrics.RECORDS), "drift": merged.total(metrics.DRIFT), **totals},
            "throughput": self._throughput(),
            "datasets": rows,
            "streams": streams,
            "kafka": [{"topic": topic, "lag": lag} for topic, lag in sorted(self.lag.items())],
            "holds": holds,
            "rules": rule_rows(merged),
            "sources": [msgspec.to_builtins(line) for report in reports for line in report.watched],
            "workers": [_worker_row(line, self.clock.now_ms()) for line in self.workers.values()],
            "problems": [
                {
                    "event": p.event,
                    "level": p.level,
                    "count": p.count,
                    "last_ms": p.last_ms,
                    "detail": p.detail,
                    "advice": p.advice,
                }
                for p in merge_problems([*(report.problems for report in reports), self.problems.latest()])
            ],
        }

    def _throughput(self) -> list[dict[str, float]]:
        points = list(self._history)
        return [
            {
                "events": max(0.0, (after[1] - before[1]) / max(0.1, after[0] - before[0])),
                "stored": max(0.0, (after[2] - before[2]) / max(0.1, after[0] - before[0])),
            }
            for before, after in pairwise(points)
        ]


_FATES: dict[str, Metric] = {
    "indexed": metrics.INDEXED,
    "already_there": metrics.ALREADY_THERE,
    "dropped": metrics.DROPPED,
    "dead_lettered": metrics.DEAD_LETTERED,
    "abandoned": metrics.ABANDONED,
}


def _dataset_rows(merged: Meters) -> list[dict[str, Any]]:
    values = merged.snapshot().values
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for name, metric in {"events": metrics.EVENTS, "in_flight": metrics.IN_FLIGHT, **_FATES}.items():
        for labels, count in values.get(metric.name, ()):
            row = rows.setdefault(labels[:4], dict.fromkeys(("events", "in_flight", *_FATES), 0))
            row[name] += count
    behind = dict(values.get(metrics.BEHIND.name, ()))
    for labels, row in rows.items():
        row.update(zip(metrics.DATASET, labels, strict=True))
        row["unaccounted"] = row["events"] - row["in_flight"] - sum(row[fate] for fate in _FATES)
        row["behind_seconds"] = behind.get(labels)
    return [rows[labels] for labels in sorted(rows)]


_STREAM_SUMS: dict[str, Metric] = {
    "records": metrics.RECORDS,
    "control": metrics.CONTROL,
    "unrouted": metrics.UNROUTED,
    "gaps": metrics.GAPS,
    "waiting": metrics.LEDGER_IN_FLIGHT,
    "unaccounted": metrics.UNACCOUNTED,
}
"""What is counted for a stream; the last two as the ledger says."""


def _stream_rows(merged: Meters, reports: list[Report]) -> list[dict[str, Any]]:
    values = merged.snapshot().values
    rows: dict[tuple[str, ...], dict[str, Any]] = {}

    def row_of(labels: tuple[str, ...]) -> dict[str, Any]:
        empty = {"state": "", "mode": "", "shards": 0, "behind_seconds": None, **dict.fromkeys(_STREAM_SUMS, 0)}
        return rows.setdefault(labels, {**dict(zip(metrics.STREAM, labels, strict=True)), **empty, "last_error": ""})

    for name, metric in _STREAM_SUMS.items():
        for labels, count in values.get(metric.name, ()):
            row_of(labels[:3])[name] += count
    for line in (line for report in reports for line in report.sources):
        row = row_of((line.project, line.environment, line.stream))
        row.update(state=line.state, mode=line.mode or row["mode"], last_error=line.last_error or row["last_error"])
        row["shards"] += line.shards
        if line.behind_seconds is not None:
            row["behind_seconds"] = max(line.behind_seconds, row["behind_seconds"] or 0.0)
    return [rows[labels] for labels in sorted(rows)]


def _worker_row(line: WorkerLine, now_ms: int) -> dict[str, Any]:
    return {
        "name": line.name,
        "pid": line.pid,
        "state": line.state,
        "restarts": line.restarts,
        "uptime_seconds": max(0, now_ms - line.started_ms) // 1000 if line.started_ms else 0,
        "partitions": line.report.partitions if line.report else 0,
        "memory_bytes": line.report.memory_bytes if line.report else 0,
    }
