"""What the sink knows of itself, for metrics and the status page: plain numbers, changed only by the sink."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger("sink")

_FORGET_AFTER = 90.0


@dataclass(slots=True)
class Hold:
    """Why documents of a dataset wait, since when (monotonic seconds), and whether somebody has to act (``acts``)."""

    dataset: str
    code: str
    acts: bool
    since: float
    seen: float


@dataclass(slots=True)
class SinkState:
    """Counters since start, and gauges of now."""

    indexed: int = 0
    already_there: int = 0
    dead_lettered: int = 0
    demoted: int = 0
    requests: int = 0
    request_bytes: int = 0
    """Bytes of bulk bodies, before compression."""
    request_seconds: float = 0.0
    """Time spent waiting for answers, all requests together."""
    retries: Counter[str] = field(default_factory=Counter)
    """Code → documents that had to be sent again because of it."""
    in_flight: int = 0
    waiting: int = 0
    """Callers of ``put`` that backpressure holds back now."""
    buffered: int = 0
    """Characters of documents in the sink."""
    open_documents: int = 0
    """Documents without a fate."""
    window_requests: int = 0
    window_bytes: int = 0
    gate_open: bool = True
    """False while OpenSearch answers no request."""
    holds: dict[tuple[str, str], Hold] = field(default_factory=dict)
    """(dataset, code) → why documents of that dataset wait; empty when all is well."""
    by_dataset: dict[str, Counter[str]] = field(default_factory=dict)
    """Dataset → fate (indexed, already_there, dead_lettered) → documents."""

    def settled(self, dataset: str, *, indexed: int, already_there: int, dead_lettered: int) -> None:
        """Count fates."""
        counts = self.by_dataset.setdefault(dataset, Counter())
        counts["indexed"] += indexed
        counts["already_there"] += already_there
        counts["dead_lettered"] += dead_lettered
        self.indexed += indexed
        self.already_there += already_there
        self.dead_lettered += dead_lettered
        self.open_documents -= indexed + already_there + dead_lettered

    def hold(self, dataset: str, code: str, now: float, *, acts: bool) -> None:
        """Documents of ``dataset`` wait because of ``code``; the log says so once."""
        known = self.holds.get((dataset, code))
        if known is None:
            self.holds[dataset, code] = Hold(dataset, code, acts, now, now)
            log.warning("bulk_held", dataset=dataset, code=code, needs_action=acts)
        else:
            known.seen = now

    def release(self, now: float, busy: set[str]) -> None:
        """Forget holds of datasets that have nothing open (``busy`` has those that do), and those not met any more."""
        for key, hold in list(self.holds.items()):
            if hold.dataset not in busy or now - hold.seen > _FORGET_AFTER:
                del self.holds[key]
                log.info("bulk_released", dataset=hold.dataset, code=hold.code, seconds=round(now - hold.since, 1))
