"""An SQS queue of notifications: each is worked on under a visibility that is extended, and deleted once its objects are safe."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from botocore.exceptions import BotoCoreError, ClientError

from service.clock import Clock
from service.errors import Backpressure
from service.forward.objects import Refused
from service.telemetry import events

log = structlog.get_logger()

_BUSY = (ClientError, BotoCoreError, aiohttp.ClientError, OSError, TimeoutError)
_MOST_MESSAGES = 10
_LONGEST_HOLD = 12 * 3600 - 600
"""Seconds that SQS lets a message stay invisible, whatever it is told."""
_DELETE_ATTEMPTS = 5

Work = Callable[[str, str, int], Awaitable[None]]
"""Body, id and time (ms) of a message; raises Backpressure when it must come again."""


@dataclass(frozen=True, slots=True)
class QueueTimes:
    """Seconds."""

    visibility: float = 120.0
    """A message is hidden for that long, and hidden anew after a third of it."""
    poll: int = 10
    """A request for messages waits that long for one."""
    first_return: float = 20.0
    """A message whose object cannot be read comes back after a random part of that, …"""
    longest_return: float = 900.0
    """… of twice that the next time, and so on up to this."""


class QueueReader:
    """Works on the messages of one queue, some at once, until told to stop. ``run`` once."""

    def __init__(
        self,
        client: Any,
        url: str,
        work: Work,
        *,
        at_once: int,
        clock: Clock,
        rng: random.Random,
        times: QueueTimes | None = None,
    ) -> None:
        """``client``: of aiobotocore. Asks for nothing yet."""
        self.url = url
        self.trouble = ""
        """Why no messages come, while they do not."""
        self.working = 0
        self.done = 0
        """Messages that were worked off."""
        self.failed = 0
        """Messages that must come again."""
        self._client = client
        self._work = work
        self._at_once = at_once
        self._clock = clock
        self._rng = rng
        self._times = times or QueueTimes()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event, drain_seconds: float) -> None:
        """Return when ``stop`` is set and what was begun is done; what is not after ``drain_seconds`` goes back to the queue.

        Raises what nobody foresaw.
        """
        reading = asyncio.create_task(self._read(stop))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((reading, stopping), return_when=asyncio.FIRST_COMPLETED)
            # A request for messages is not broken off: what it brings would stay hidden from everybody.
            await asyncio.wait((reading, *self._tasks), timeout=drain_seconds)
        finally:
            tasks = (reading, stopping, *self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if not reading.cancelled():
            reading.result()

    async def _read(self, stop: asyncio.Event) -> None:
        failures = 0
        while not stop.is_set():
            if self.working >= self._at_once:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
                continue
            try:
                reply = await self._client.receive_message(
                    QueueUrl=self.url,
                    MaxNumberOfMessages=min(_MOST_MESSAGES, self._at_once - self.working),
                    WaitTimeSeconds=self._times.poll,
                    VisibilityTimeout=int(self._times.visibility),
                    AttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
                )
            except _BUSY as fault:
                failures += 1
                await self._away(fault, failures)
                continue
            self.trouble, failures = "", 0
            for message in reply.get("Messages", ()):
                if stop.is_set():
                    await self._hide(message, 0)  # for the next forwarder
                    continue
                self.working += 1
                task = asyncio.create_task(self._handle(message))
                self._tasks.add(task)
                task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self.working -= 1
        self._tasks.discard(task)

    async def _away(self, fault: Exception, failures: int) -> None:
        self.trouble = _named(fault)
        if failures & (failures - 1) == 0:
            log.error(events.FORWARD_QUEUE, queue=self.url, reason=str(fault)[:500], attempts=failures)
        await self._clock.sleep(self._rng.uniform(0.0, min(30.0, 0.5 * 2.0 ** min(failures, 10))))

    async def _handle(self, message: dict[str, Any]) -> None:
        keeping = asyncio.create_task(self._keep(message))
        attributes = message.get("Attributes", {})
        wait = 0.0
        try:
            await self._work(message["Body"], message["MessageId"], int(attributes.get("SentTimestamp", 0)))
        except Backpressure as busy:
            wait = self._returns(int(attributes.get("ApproximateReceiveCount", 1)))
            self._complain(message["MessageId"], busy, wait)
        except Exception:  # a fault of ours: the message comes again, the others go on
            wait = self._returns(int(attributes.get("ApproximateReceiveCount", 1)))
            log.exception(events.FORWARD_FAILED, queue=self.url, message=message["MessageId"])
        except asyncio.CancelledError:
            keeping.cancel()
            await self._hide(message, 0)  # another forwarder may have it at once
            raise
        finally:
            keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        if wait:
            self.failed += 1
            await self._hide(message, wait)
        else:
            await self._delete(message)
            self.done += 1

    def _complain(self, message: str, busy: Backpressure, wait: float) -> None:
        about = {"queue": self.url, "message": message, "reason": busy.reason[:500], "again_seconds": round(wait)}
        if isinstance(busy, Refused) and busy.asks:
            log.error(events.FORWARD_LATER, **about)
        else:
            log.warning(events.FORWARD_LATER, **about)

    def _returns(self, received: int) -> float:
        times = self._times
        return 1.0 + self._rng.uniform(0.0, min(times.longest_return, times.first_return * 2.0 ** min(received - 1, 20)))

    async def _keep(self, message: dict[str, Any]) -> None:
        """Hide the message for as long as it is worked on."""
        began = self._clock.monotonic()
        while True:
            await self._clock.sleep(self._times.visibility / 3)
            left = _LONGEST_HOLD - (self._clock.monotonic() - began)
            if left <= 0 or not await self._hide(message, min(self._times.visibility, left)):
                log.warning(events.FORWARD_OVERDUE, queue=self.url, message=message["MessageId"])

    async def _hide(self, message: dict[str, Any], seconds: float) -> bool:
        handle = message["ReceiptHandle"]
        try:
            await self._client.change_message_visibility(QueueUrl=self.url, ReceiptHandle=handle, VisibilityTimeout=int(seconds))
        except _BUSY:
            return False
        return True

    async def _delete(self, message: dict[str, Any]) -> None:
        """Delete the message; where that fails it comes again, and doubles nothing."""
        for attempt in range(_DELETE_ATTEMPTS):
            try:
                await self._client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            except _BUSY as fault:
                self.trouble = _named(fault)
                await self._clock.sleep(self._rng.uniform(0.0, 0.2 * 2.0**attempt))
            else:
                return


def _named(fault: Exception) -> str:
    if isinstance(fault, ClientError):
        return str(fault.response.get("Error", {}).get("Code", "")) or "ClientError"
    return type(fault).__name__
