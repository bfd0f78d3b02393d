"""Signals out of their topic become alerts in their index, and notices for whoever wants to be told.

What is known of a partition is a function of its messages (``service/alerts/queue.py``). A worker that gets a partition
reads again what came within the longest window, and knows what the one before it knew: no table, nothing to restore.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import msgspec
import structlog

from service.agents.app import Ticket
from service.agents.tasks import Tasks, tell
from service.alerts.desk import NONE, Desk, Documents, Result
from service.alerts.document import merge
from service.alerts.notice import Notice
from service.alerts.occurrence import LATE_MS, Occurrence, believed_ms
from service.alerts.queue import Open, read_back
from service.alerts.signal import News, Signal, decode_signal
from service.clock import Clock
from service.naming import index_name
from service.sink.alert_store import Written
from service.sink.baselines import Sighting
from service.sink.opensearch.patience import Answer, patiently
from service.sink.opensearch.retry import Backoff
from service.telemetry import events, metrics
from service.telemetry.meters import Meters

log = structlog.get_logger()

RENEW = 1.0
"""Seconds that news of sessions are gathered for, before alerts are looked through."""
_PAST = 500
"""Signals that are read again whose documents are asked for together."""
PATIENCE = 0.25
"""Seconds that alerts are gathered for, so that one that grows is written once."""


class Store(Protocol):
    """Where alerts are; raises Backpressure while it cannot do what is asked."""

    async def write(self, alerts: list[Written]) -> None:
        """Store them."""
        ...

    async def read(self, index: str, identity: str) -> Mapping[str, Any] | None:
        """One as it is there."""
        ...

    async def documents(self, refs: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """Those of events that are there, by their ``index/_id``."""
        ...


class Usual(Protocol):
    """What was seen before; raises Backpressure while it cannot be asked."""

    async def fresh(self, sightings: Sequence[Sighting]) -> list[bool]:
        """Of each, whether somebody was never seen with something."""
        ...


class Before(Protocol):
    """What came before a message in its partition."""

    async def before(self, topic: str, partition: int, offset: int, since_ms: int) -> list[bytes]:
        """Values of those messages, since a time."""
        ...


@dataclass(slots=True)
class Batch:
    """What waits to be written."""

    alerts: dict[str, Open] = field(default_factory=dict)
    waiting: list[asyncio.Future[None]] = field(default_factory=list)
    gone: list[tuple[Open, str]] = field(default_factory=list)
    """Alerts that went into another, with its id."""


class SignalAgent:
    """Handles messages of the topic ``signals``."""

    def __init__(
        self,
        desk: Callable[[], Desk],
        horizon_ms: Callable[[], int],
        store: Store,
        before: Before,
        baselines: Usual,
        notify: Callable[[Notice], Any],
        meters: Meters,
        clock: Clock,
        tasks: Tasks,
        backoff: Backoff,
        dashboards_url: str | None,
    ) -> None:
        """``desk`` makes an empty one; ``horizon_ms`` says how far back a partition's past matters; ``notify`` is awaited."""
        self._new_desk = desk
        self._horizon_ms = horizon_ms
        self._store = store
        self._before = before
        self._baselines = baselines
        self._notify = notify
        self._meters = meters
        self._clock = clock
        self._tasks = tasks
        self._backoff = backoff
        self._dashboards_url = dashboards_url
        self._desks: dict[int, tuple[Desk, int]] = {}
        """Partition → its desk, and the offset that comes next."""
        self._batch = Batch()
        self._flushing: asyncio.Task[None] | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._news = False

    def forget(self) -> None:
        """Begin every partition afresh: the rules are others now."""
        self._desks.clear()

    async def handle(self, value: bytes, ticket: Ticket) -> None:
        """Take the signal; the ticket is settled once its alerts are stored and their notices durable."""
        desk = await self._desk(ticket)
        self._desks[ticket.partition] = (desk, ticket.offset + 1)
        try:
            signal = decode_signal(value)
        except msgspec.DecodeError:
            # Nothing of an event is lost with it: what it points to is indexed.
            log.exception(events.MESSAGE_NOT_OURS, topic=ticket.topic, partition=ticket.partition)
            ticket.settle()
            return
        result = Result()
        now_ms = self._clock.now_ms()
        async for found in self._occurrences(desk, [signal]):
            if found.rule.first_seen is None:
                await self._remember(desk, found, now_ms)
            desk.take(found, now_ms, result)
        self._count(signal, result)
        if not result.alerts:
            ticket.settle()
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._batch.waiting.append(done)
        self._batch.alerts.update({alert.id: alert for alert in result.alerts})
        self._start_flushing()
        self._tasks.start(_settled(done, ticket), ticket)

    def learnt(self) -> None:
        """More is known of who is behind sessions: alerts say so soon, and those of one person become one."""
        self._news = True
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew())

    async def _renew(self) -> None:
        while self._news:
            await self._clock.sleep(RENEW)
            self._news = False
            for desk, _ in list(self._desks.values()):
                changed, gone = desk.renew()
                batch = self._batch
                for alert, _ in gone:
                    batch.alerts.pop(alert.id, None)
                batch.alerts.update({alert.id: alert for alert in changed})
                batch.gone += [(alert, into) for alert, into in gone if not alert.fresh]
            if self._batch.alerts:
                self._start_flushing()

    async def close(self) -> None:
        """End what is under way."""
        for task in (self._renewing, self._flushing):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _desk(self, ticket: Ticket) -> Desk:
        known = self._desks.get(ticket.partition)
        if known is not None and known[1] == ticket.offset:
            return known[0]
        # Another worker had the partition in between, or nobody: know what it knew.
        desk, now_ms = self._new_desk(), self._clock.now_ms()
        past = await self._before.before(ticket.topic, ticket.partition, ticket.offset, now_ms - self._horizon_ms())
        for start in range(0, len(past), _PAST):
            signals = [signal for signal in _signals(past[start : start + _PAST]) if desk.matters_later(signal)]
            async for found in self._occurrences(desk, signals):
                # What was new raised its alert then, and does not grow.
                if found.rule.first_seen is None:
                    desk.take(found, now_ms, Result())
        desk.queue.calm()
        if past:
            log.info(events.SIGNALS_REREAD, partition=ticket.partition, signals=len(past))
        return desk

    async def _documents(self, refs: Sequence[str]) -> Documents:
        """What events say that made a correlation fire: they were indexed before their signal was sent."""
        return await self._patiently(partial(self._store.documents, refs)) if refs else NONE

    async def _occurrences(self, desk: Desk, signals: Sequence[Signal]) -> AsyncIterator[Occurrence]:
        """What these signals say, by themselves and with others, in their order; of first-seen rules only what is new."""
        news = await self._new(desk, signals)
        known = dict(await self._documents([each.ref for its in news if its for each in its]))
        heard = [
            desk.hear(signal) if its is None else desk.hear_news(signal, its, known)
            for signal, its in zip(signals, news, strict=True)
        ]
        wanted = dict.fromkeys(ref for each in heard for ref in each.wanted if ref not in known)
        known |= await self._documents(list(wanted))
        for each in heard:
            for found in desk.occurrences(each, known):
                yield found

    async def _new(self, desk: Desk, signals: Sequence[Signal]) -> list[list[News] | None]:
        """What is new in each of these signals; None for those of other rules."""
        asked = [(signal, desk.first_seen(signal)) for signal in signals]
        told = [[] if first is None else list(signal.told()) for signal, first in asked]
        sightings = [
            Sighting(
                (signal.project, signal.environment), signal.rule, each.who, each.what, each.evidence.id, at_ms, first.learn_ms
            )
            for (signal, first), its in zip(asked, told, strict=True)
            if first is not None
            for each in its
            for at_ms in [believed_ms(each.evidence.time_ms, signal.arrived_ms)]
        ]
        answers = iter(await self._patiently(partial(self._baselines.fresh, sightings)) if sightings else ())
        return [
            None if first is None else [each for each in its if next(answers)]
            for (_, first), its in zip(asked, told, strict=True)
        ]

    async def _remember(self, desk: Desk, found: Occurrence, now_ms: int) -> None:
        """An alert whose window ended before what was read again may be in the index already."""
        if desk.queue.knows(found.id) or now_ms - found.from_ms < self._horizon_ms() - LATE_MS:
            return
        signal = found.signal
        index = index_name("alerts", signal.project, signal.environment, found.from_ms, "month")
        document = await self._patiently(partial(self._store.read, index, found.id))
        if document is not None:
            desk.queue.adopt(read_back(document, index, found))

    def _count(self, signal: Signal, result: Result) -> None:
        for rule in result.suppressed:
            self._meters.add(metrics.ALERTS_SUPPRESSED, 1, (signal.project, signal.environment, rule.id))
        for alert in result.alerts:
            if alert.fresh:
                labels = (signal.project, signal.environment, alert.first.rule.id, alert.severity)
                self._meters.add(metrics.ALERTS_RAISED, 1, labels)

    def _start_flushing(self) -> None:
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())

    async def _flush(self) -> None:
        while self._batch.waiting or self._batch.alerts:
            await self._clock.sleep(PATIENCE)
            batch, self._batch = self._batch, Batch()
            try:
                await self._write(list(batch.alerts.values()), batch.gone)
            except Exception as error:  # noqa: BLE001 - each waiting task reports it, and the worker ends
                tell(batch.waiting, error)
            else:
                tell(batch.waiting, None)

    async def _write(self, alerts: list[Open], gone: list[tuple[Open, str]]) -> None:
        url = self._dashboards_url
        written = [Written(alert.index, alert.id, alert.document(url), alert.changes(url)) for alert in alerts]
        for alert, each in zip(alerts, written, strict=True):
            if alert.fresh:
                await self._notify(Notice(alert.index, alert.id, msgspec.json.encode(each.whole).decode(), self._clock.now_ms()))
        for alert, into in gone:
            whole = merge(alert.document(url), {"alert": {"status": "closed", "merged_into": into}})
            written.append(Written(alert.index, alert.id, whole, {}, merged_into=into))
        await self._patiently(partial(self._store.write, written))
        for alert in alerts:
            alert.fresh = False

    async def _patiently(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        def waits(attempts: int, reason: str) -> None:
            if attempts == 1:
                log.warning(events.ALERTS_WAIT, reason=reason)

        return await patiently(ask, self._clock, self._backoff, waits)


def _signals(values: Iterable[bytes]) -> Iterator[Signal]:
    for value in values:
        try:
            yield decode_signal(value)
        except msgspec.DecodeError:
            continue


async def _settled(done: asyncio.Future[None], ticket: Ticket) -> None:
    await done
    ticket.settle()
