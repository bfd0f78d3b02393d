"""The audit that never ends: once a minute, what the ledger cannot account for becomes a metric, and an error in the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog
from opensearchpy import exceptions as oe

from service.clock import Clock
from service.ledger.audit import Choice, OpenSheet
from service.ledger.verdict import Judge
from service.telemetry import events, metrics
from service.telemetry.meters import Meters
from service.telemetry.metrics import Metric

log = structlog.get_logger()

EVERY_SECONDS = 60.0


async def watch(judge: Judge, meters: Meters, clock: Clock, mine: Callable[[], bool]) -> None:
    """Audit while ``mine()`` says that this process is the one to do it; runs until cancelled."""
    audited: float | None = None
    while True:
        await clock.sleep(EVERY_SECONDS)
        if not mine():
            audited = None
            for metric in (metrics.UNACCOUNTED, metrics.LEDGER_IN_FLIGHT, metrics.AUDIT_AGE):
                meters.clear(metric)
            continue
        try:
            moving, lost = await judge.open_sheets(Choice())
        except (oe.OpenSearchException, OSError):
            # Both say so themselves; how old the last answer is tells the rest.
            if audited is not None:
                meters.set(metrics.AUDIT_AGE, clock.monotonic() - audited)
            continue
        audited = clock.monotonic()
        meters.set(metrics.AUDIT_AGE, 0.0)
        _set(meters, metrics.LEDGER_IN_FLIGHT, moving)
        _set(meters, metrics.UNACCOUNTED, lost)
        for sheet in lost:
            log.error(
                events.UNACCOUNTED,
                project=sheet.project,
                environment=sheet.environment,
                stream=sheet.stream,
                dataset=sheet.dataset,
                minute_ms=sheet.minute_ms,
                events=sheet.events,
                records=sheet.records,
            )


def _set(meters: Meters, metric: Metric, sheets: Iterable[OpenSheet]) -> None:
    meters.clear(metric)
    for sheet in sheets:
        meters.add(metric, sheet.events + sheet.records, (sheet.project, sheet.environment, sheet.stream, sheet.dataset))
