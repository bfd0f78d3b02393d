"""Notices out of their topic to the channels of ``alerts.yml``: each channel once, patiently, and never in silence.

What a channel does not take within ``PATIENCE_SECONDS`` is a dead letter (stage ``notify``) that holds the alert.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

import msgspec
import structlog

from service.agents.app import Ticket
from service.agents.tasks import Tasks
from service.alerts.channels import Channel
from service.alerts.notice import Notice, decode_notice
from service.clock import Clock
from service.event import DeadLetter
from service.notify.quota import Quota
from service.notify.text import body_of, title_of
from service.notify.ways import NotTold, Way, way_of
from service.sink.dead_letter import DeadLetters
from service.sink.opensearch.patience import patiently
from service.sink.opensearch.retry import Backoff
from service.telemetry import events, metrics
from service.telemetry.meters import Meters

log = structlog.get_logger()

PATIENCE_SECONDS = 6 * 3600.0
LONGEST_WAIT = 300.0


class Told(Protocol):
    """Who was told of an alert; raises Backpressure while that cannot be asked."""

    async def told(self, index: str, identity: str) -> frozenset[str]:
        """Names of the channels."""
        ...

    async def tell(self, index: str, identity: str, channels: list[str], alert: Mapping[str, Any]) -> None:
        """Note them."""
        ...


class NoticeAgent:
    """Handles messages of the topic ``notices``."""

    def __init__(
        self,
        channels: Callable[[], Mapping[str, Channel]],
        quota: Quota,
        store: Told,
        letters: DeadLetters,
        meters: Meters,
        clock: Clock,
        tasks: Tasks,
        backoff: Backoff,
    ) -> None:
        """``channels`` is asked for each notice; ``quota`` says what is too much for one channel."""
        self._channels = channels
        self._quota = quota
        self._store = store
        self._letters = letters
        self._meters = meters
        self._clock = clock
        self._tasks = tasks
        self._backoff = backoff
        self._ways: dict[str, tuple[Channel, Way]] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    async def handle(self, value: bytes, ticket: Ticket) -> None:
        """Tell every channel that wants it; the ticket is settled once all were told or have given up."""
        try:
            notice = decode_notice(value)
            alert: dict[str, Any] = msgspec.json.decode(notice.alert)
        except msgspec.DecodeError:
            log.exception(events.MESSAGE_NOT_OURS, topic=ticket.topic, partition=ticket.partition)
            ticket.settle()
            return
        facts = {
            "severity": alert["alert"]["severity"],
            "sample": alert["alert"]["sample"],
            "project": alert["project"]["id"],
            "environment": alert["project"]["environment"],
        }
        wanted = [name for name, channel in self._channels().items() if channel.wants(facts)]
        if not wanted:
            ticket.settle()
            return
        self._tasks.start(self._tell_all(notice, alert, wanted, ticket), ticket)

    async def _tell_all(self, notice: Notice, alert: dict[str, Any], wanted: list[str], ticket: Ticket) -> None:
        ask = partial(self._store.told, notice.index, notice.id)
        told = await patiently(ask, self._clock, self._backoff)
        await asyncio.gather(*(self._tell(notice, alert, name) for name in wanted if name not in told))
        note = partial(self._store.tell, notice.index, notice.id, sorted({*told, *wanted}), alert)
        await patiently(note, self._clock, self._backoff)
        ticket.settle()

    async def _tell(self, notice: Notice, alert: dict[str, Any], name: str) -> None:
        labels = (name,)
        admission = self._quota.ask(name, alert["project"]["id"], self._clock.now_ms())
        if not admission.admitted:
            self._meters.add(metrics.NOTICES_HELD, 1, labels)
            return
        attempts = 0
        began = self._clock.monotonic()
        while (channel := self._channels().get(name)) is not None:
            try:
                # One after the other: a channel that is slow or away is not asked by many at once.
                async with self._turns.setdefault(name, asyncio.Lock()):
                    body = "\n\n".join(filter(None, (body_of(channel.body, alert), admission.words)))
                    await self._way(name, channel).tell(title_of(channel.title, alert), body, alert)
            except NotTold as refused:
                attempts += 1
                self._meters.add(metrics.NOTICES_FAILED, 1, labels)
                if self._clock.monotonic() - began > PATIENCE_SECONDS:
                    await self._give_up(notice, alert, name, str(refused))
                    return
                if attempts == 1:
                    log.warning(events.NOTICE_NOT_TOLD, channel=name, alert=notice.id, reason=str(refused))
                await self._clock.sleep(min(LONGEST_WAIT, self._backoff.delay(attempts)))
            else:
                self._meters.add(metrics.NOTICES, 1, labels)
                return

    def _way(self, name: str, channel: Channel) -> Way:
        known = self._ways.get(name)
        if known is None or known[0] != channel:
            known = self._ways[name] = (channel, way_of(channel))
        return known[1]

    async def _give_up(self, notice: Notice, alert: Mapping[str, Any], name: str, reason: str) -> None:
        project = alert["project"]
        letter = DeadLetter(
            project=project["id"],
            environment=project["environment"],
            stream=alert.get("siem", {}).get("stream", "alerts"),
            shard="notify",
            sequence=notice.id,
            subsequence=0,
            index=-1,
            arrival_ms=notice.raised_ms,
            stage="notify",
            code="not_told",
            reason=f"channel {name}: {reason}",
            data=notice.alert.encode(),
            dataset="alerts",
            document_id=notice.id,
            document_index=notice.index,
        )
        log.error(events.NOTICE_GIVEN_UP, channel=name, alert=notice.id, reason=reason)
        await self._letters.send([letter])
