"""What follows from a verdict: an alert when a source falls silent, its cause once it is known, and its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

import msgspec
import structlog

from service.alerts.notice import Notice
from service.silence.alert import alert_document, declare, explained, recovered
from service.silence.causes import BEFORE_MS, Causes
from service.silence.judgement import Verdict
from service.silence.rhythm import HOUR_MS
from service.silence.source import Alert, Evidence, Source, Watched
from service.sink.cadence import CadenceStore
from service.telemetry import events

log = structlog.get_logger()

EXPLAIN_MS = 6 * HOUR_MS
"""How long a cause is looked for: CloudTrail itself comes late."""
EXPLAIN_AGAIN_MS = 5 * 60_000


class Alarms:
    """Raises, completes and ends alerts; each step may be repeated, for instance after a crash, and doubles nothing."""

    def __init__(
        self,
        store: CadenceStore,
        causes: Causes,
        save: Callable[[Iterable[Watched]], Awaitable[None]],
        notify: Callable[[Notice], Awaitable[None]] | None,
    ) -> None:
        """Write to ``store``; ``save`` keeps what is known of a source, ``notify`` brings an alert to whoever is to be told."""
        self._store = store
        self._causes = causes
        self._save = save
        self._notify = notify
        self._sought: dict[Source, int] = {}

    async def heed(
        self, watched: Watched, verdict: Verdict, datasets: list[str], severity: str | None, now_ms: int, *, covered: bool
    ) -> None:
        """Do what the verdict asks for: raise an alert, complete it, or say that it is over."""
        alert = watched.alert
        if alert is not None and watched.rhythm.last_ms > alert.last_ms:
            await self._recover(watched, now_ms)
            alert = None
        watched.state, watched.reason, watched.judged_ms = verdict.state, verdict.reason, now_ms
        watched.quiet_ms, watched.patience_ms = verdict.quiet_ms, verdict.patience_ms
        if verdict.state != "silent":
            return
        if alert is None:
            if covered:
                watched.reason = "the whole stream is silent"
                return
            allowed = verdict.patience_ms or 0
            alert = watched.alert = declare(watched, allowed, now_ms, severity, datasets)
            alert.cause = await self._cause(watched, now_ms)
            # First what we know, then what others see: the alert is made of it, now or after a restart.
            await self._save([watched])
            log.warning(
                events.SOURCE_SILENT,
                source=str(watched.source),
                quiet_seconds=verdict.quiet_ms // 1000,
                patience_seconds=allowed // 1000,
                cause=alert.cause.action if alert.cause else "",
            )
        await self._complete(watched, now_ms)

    async def _complete(self, watched: Watched, now_ms: int) -> None:
        alert = watched.alert
        if alert is None:
            return
        if not alert.stored:
            await self._raise(watched.source, alert)
            alert.stored = True
            await self._save([watched])
        elif alert.cause is None and now_ms - alert.declared_ms < EXPLAIN_MS:
            alert.cause = await self._cause(watched, now_ms)
            if alert.cause is not None:
                await self._store.amend(alert.index, alert.id, explained(watched.source, alert))
                await self._save([watched])

    async def _raise(self, source: Source, alert: Alert) -> None:
        document = alert_document(source, alert)
        await self._store.alert(alert.index, alert.id, document)
        if self._notify is not None:
            # After a crash in between it is sent again; the alert itself says which channels have told it.
            await self._notify(Notice(alert.index, alert.id, msgspec.json.encode(document).decode(), alert.declared_ms))

    async def _cause(self, watched: Watched, now_ms: int) -> Evidence | None:
        alert, source = watched.alert, watched.source
        if alert is None or now_ms - self._sought.get(source, 0) < EXPLAIN_AGAIN_MS:
            return None
        self._sought[source] = now_ms
        names, last_ms = self._causes.calls(source), alert.last_ms
        until_ms = min(now_ms, last_ms + alert.patience_ms + HOUR_MS)
        hits = await self._store.calls(source, names, last_ms - BEFORE_MS, until_ms)
        return self._causes.most_likely(source, last_ms, alert.patience_ms, hits)

    async def _recover(self, watched: Watched, now_ms: int) -> None:
        alert = watched.alert
        if alert is None:
            return
        if not alert.stored:
            await self._raise(watched.source, alert)
        await self._store.amend(alert.index, alert.id, recovered(watched.rhythm.last_ms, alert))
        watched.alert = None
        self._sought.pop(watched.source, None)
        log.info(events.SOURCE_RECOVERED, source=str(watched.source), silent_seconds=(now_ms - alert.last_ms) // 1000)
