"""From occurrences to alerts: what is open now, what it has grown to, and what has to be written.

The queue of a partition of the topic ``signals`` is a function of that partition's messages and nothing else: whoever reads
them again, from a window's length before, has the same queue, and writes the same documents.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from service.alerts.channels import SEVERITIES, Severity
from service.alerts.document import MOST_EVIDENCE, MOST_RELATED, growing, merge, opening, related_of
from service.alerts.occurrence import Occurrence, alert_id
from service.alerts.principal import Principal
from service.alerts.signal import Evidence
from service.alerts.tally import Tally, mark_of
from service.naming import index_name

KEPT = 20_000
"""Alerts held in memory; the one that grew least lately is forgotten (it is read from the index if it grows again)."""


@dataclass(slots=True)
class Open:
    """An alert that may still grow."""

    id: str
    index: str
    first: Occurrence
    severity: Severity
    raised_ms: int
    evidence: list[Evidence] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)
    known: int = 0
    """Events that it counted when it was read from the index: which they are, the index does not know of all."""
    related: dict[str, dict[str, None]] = field(default_factory=dict)
    fresh: bool = True
    """Nobody was told yet."""

    def grow(self, found: Occurrence, severity: Severity) -> bool:
        """Take an occurrence in; False when all of it was known already."""
        new = {mark for mark in found.marks if self.tally.add(mark)}
        grown = bool(new)
        for one in found.evidence:
            if len(self.evidence) < MOST_EVIDENCE:
                if mark_of(one.id) in new:
                    self.evidence.append(one)
            elif one.time_ms > max(each.time_ms for each in self.evidence):
                self.evidence[-1] = one  # the last one says how long it went on
                grown = True
        if not grown:
            return False
        for kind, values in related_of(found.document).items():
            kept = self.related.setdefault(kind, {})
            for value in values:
                if len(kept) < MOST_RELATED:
                    kept[value] = None
        if SEVERITIES.index(severity) > SEVERITIES.index(self.severity):
            self.severity = severity
        return True

    def absorb(self, other: Open) -> None:
        """Take in an alert that is about the same principal after all."""
        self.tally.absorb(other.tally)
        self.known += other.known
        named = {one.id for one in self.evidence}
        self.evidence += [one for one in other.evidence if one.id not in named][: MOST_EVIDENCE - len(self.evidence)]
        for kind, values in other.related.items():
            kept = self.related.setdefault(kind, {})
            for value in list(values)[: MOST_RELATED - len(kept)]:
                kept[value] = None
        if SEVERITIES.index(other.severity) > SEVERITIES.index(self.severity):
            self.severity = other.severity

    @property
    def count(self) -> int:
        """Different events that it rests on."""
        return max(self.known, self.tally.number)

    def document(self, dashboards_url: str | None) -> dict[str, Any]:
        """All of it, for an alert that the index does not have yet."""
        document = opening(self.first, self.severity, self.raised_ms, dashboards_url=dashboards_url)
        return merge(document, self.changes(dashboards_url))

    def changes(self, dashboards_url: str | None) -> dict[str, Any]:
        """What has to be put over it in the index."""
        found = growing(self.evidence, self.count, self.related, self.first, dashboards_url)
        return merge(found, {"alert": {"severity": self.severity}})


class Queue:
    """Alerts of the projects of one partition."""

    def __init__(self, most_alerts: int) -> None:
        """Beyond ``most_alerts`` of one rule in one project and window, the rest is one more alert: a storm."""
        self._most = most_alerts
        self._open: OrderedDict[str, Open] = OrderedDict()
        self._raised: Counter[tuple[str, str, str, int]] = Counter()

    def take(self, found: Occurrence, severity: Severity, now_ms: int) -> Open | None:
        """Take an occurrence in; the alert that has to be written, None when nothing changed."""
        alert = self._open.get(found.id)
        if alert is None:
            alert = self._raise(found, severity, now_ms)
        self._open.move_to_end(alert.id)
        return alert if alert.grow(found, severity) else None

    def renew(self, again: Callable[[Occurrence], Occurrence]) -> tuple[list[Open], list[tuple[Open, str]]]:
        """More is known of who is behind sessions: the alerts that changed, and those that went into another, with its id."""
        changed: dict[str, Open] = {}
        gone: list[tuple[Open, str]] = []
        for alert in list(self._open.values()):
            found = again(alert.first)
            if found is alert.first:
                continue
            if found.id == alert.first.id or alert.id != alert.first.id:  # the latter is a storm's
                alert.first = found
                changed[alert.id] = alert
                continue
            del self._open[alert.id]
            other = self._open.get(found.id)
            if other is None:
                other = self._open[found.id] = replace(alert, id=found.id, first=found)
            else:
                other.absorb(alert)
            changed[other.id] = other
            gone.append((alert, other.id))
        return list(changed.values()), gone

    def adopt(self, alert: Open) -> None:
        """Hold an alert that was read from the index."""
        self._open[alert.id] = alert

    def calm(self) -> None:
        """Nobody has to be told of what is held now."""
        for alert in self._open.values():
            alert.fresh = False

    def knows(self, identity: str) -> bool:
        """Whether the alert is held here."""
        return identity in self._open

    def _raise(self, found: Occurrence, severity: Severity, now_ms: int) -> Open:
        signal = found.signal
        window = (signal.project, signal.environment, found.rule.id, found.from_ms)
        self._raised[window] += 1
        identity, first = found.id, found
        if self._raised[window] > self._most:
            identity = alert_id("storm", *window)
            first = storm(found)
            if identity in self._open:
                return self._open[identity]
        index = index_name("alerts", signal.project, signal.environment, found.from_ms, "month")
        alert = self._open[identity] = Open(identity, index, first, severity, now_ms)
        while len(self._open) > KEPT:
            self._open.popitem(last=False)
        while len(self._raised) > KEPT:
            del self._raised[next(iter(self._raised))]
        return alert


def storm(found: Occurrence) -> Occurrence:
    """The occurrence that stands for all beyond the limit."""
    signal = found.signal
    return replace(
        found,
        id=alert_id("storm", signal.project, signal.environment, found.rule.id, found.from_ms),
        principal=Principal("", "many"),
        title=f"{found.title} (storm)",
    )


def read_back(document: Mapping[str, Any], index: str, found: Occurrence) -> Open:
    """An alert as the index has it: for an occurrence so late that memory no longer knows its window."""
    alert = document.get("alert", {})
    evidence = alert.get("evidence", {})
    ids, indices = evidence.get("id", []), evidence.get("index", [])
    known = [Evidence(indices[0] if indices else "", each, found.from_ms) for each in ids]
    severity = alert.get("severity")
    opened = Open(found.id, index, found, severity if severity in SEVERITIES else found.rule.level, 0, fresh=False)
    opened.known, opened.evidence, opened.tally = int(alert.get("count", len(ids))), known, Tally(map(mark_of, ids))
    return opened
