"""The forward role as a Lambda function behind an SQS trigger: ``service.forward.on_lambda.handler``.

The trigger needs ``ReportBatchItemFailures``. The function's environment says what ``forward.yml`` says elsewhere:

FORWARD_STREAM                name or ARN of the stream
FORWARD_BUCKETS               buckets that are meant, separated by commas (``*`` and ``?``)
FORWARD_KEYS, FORWARD_IGNORE  keys that are meant, keys that are passed over; as in forward.yml, which has the defaults
FORWARD_OBJECTS_AT_ONCE       default 4
FORWARD_RECORD_BYTES, FORWARD_UNIT_BYTES, FORWARD_OBJECT_BYTES   as in siem.yml
FORWARD_KINESIS_ENDPOINT_URL, FORWARD_S3_ENDPOINT_URL   other endpoints than AWS's
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import structlog

from service.clock import Clock, SystemClock
from service.errors import Backpressure
from service.forward.connecting import Clients
from service.forward.forwarder import Forwarder
from service.forward.headers import known_tables
from service.forward.producer import Producer
from service.forward.role import bounds_of, put_limits_of
from service.settings import Forward
from service.source.forwarding import ForwardProject, ForwardQueue, Meant
from service.telemetry import events
from service.telemetry.log import configure
from service.telemetry.meters import Meters
from service.telemetry.problems import Problems

log = structlog.get_logger()

PREFIX = "FORWARD_"
_MARGIN = 8.0
"""Seconds before the function's end at which what is not done is given back."""
_SETTINGS = ("objects_at_once", "record_bytes", "unit_bytes", "object_bytes")
_LISTS = ("buckets", "keys", "ignore")


class Context(Protocol):
    """What Lambda says of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Time until the function is ended."""
        ...


def handler(event: Mapping[str, Any], context: Context) -> dict[str, list[dict[str, str]]]:
    """Forward what a batch of messages announces; gives the messages that must come again."""
    seconds = context.get_remaining_time_in_millis() / 1000 - _MARGIN
    failed = _warm().run(list(event.get("Records", ())), max(1.0, seconds))
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}


_kept: list[Warm] = []
"""What an invocation leaves for the next: connections, and the loop they live in."""


def _warm() -> Warm:
    if not _kept:
        _kept.append(Warm(os.environ, SystemClock()))
    return _kept[0]


class Warm:
    """One function's connections; from invocation to invocation, unless one of them ran out of time."""

    def __init__(self, environment: Mapping[str, str], clock: Clock) -> None:
        """Connect to nothing yet. Raises pydantic's ValidationError for an environment that says nonsense."""
        configure(level="info", form="json", secrets=(), clock=clock, meters=Meters(), problems=Problems(clock))
        self._clock = clock
        self._tables = known_tables(Path(environment.get("SIEM_PATHS_PIPELINES", "pipelines")))
        self._settings = Forward.model_validate(
            {name: environment[key] for name in _SETTINGS if (key := PREFIX + name.upper()) in environment}
        )
        named = {name: environment[key].split(",") for name in _LISTS if (key := PREFIX + name.upper()) in environment}
        region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or ""
        # The trigger reads the queue; the model asks for one all the same.
        self._queue = ForwardQueue.model_validate({"url": "https://sqs.invalid/trigger", "region": region, **named})
        self._project = ForwardProject(
            id="lambda", environment="lambda", stream=environment.get(PREFIX + "STREAM", ""), region=region, queues=[self._queue],
            endpoint_url=environment.get(PREFIX + "KINESIS_ENDPOINT_URL"),
            s3_endpoint_url=environment.get(PREFIX + "S3_ENDPOINT_URL"),
        )  # fmt: skip
        self._loop = asyncio.new_event_loop()
        self._threads = ThreadPoolExecutor(self._settings.objects_at_once)
        self._clients: Clients | None = None
        self._producer: Producer | None = None
        self._forwarder: Forwarder | None = None

    def run(self, records: list[Mapping[str, Any]], seconds: float) -> list[str]:
        """Ids of the messages that were not worked off in time, or could not be."""
        return self._loop.run_until_complete(self._run(records, seconds))

    def close(self) -> None:
        """End all connections."""
        self._loop.run_until_complete(self._drop())
        self._threads.shutdown()
        self._loop.close()

    async def _run(self, records: list[Mapping[str, Any]], seconds: float) -> list[str]:
        forwarder = self._forwarder or await self._connected()
        slots = asyncio.Semaphore(self._settings.objects_at_once)
        tasks = {asyncio.create_task(_one(forwarder, record, slots)): str(record.get("messageId")) for record in records}
        if not tasks:
            return []
        _, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if late:
            log.error(events.FORWARD_LATER, reason="the function's time was not enough", messages=len(late))
            await self._drop()
        return [message for task, message in tasks.items() if task in late or not task.result()]

    async def _connected(self) -> Forwarder:
        rng = random.Random()  # noqa: S311 - jitter and partition keys, no secrets
        self._clients = await Clients(self._settings.objects_at_once).__aenter__()
        self._producer = Producer(
            self._clients.kinesis(self._project), self._project.stream, self._clock, rng, put_limits_of(self._settings)
        )
        self._forwarder = Forwarder(
            await self._clients.s3(self._project, self._queue), self._producer,
            Meant(self._queue.buckets, self._queue.keys, self._queue.ignore), clock=self._clock, rng=rng, threads=self._threads,
            bounds=bounds_of(self._settings), tables=self._tables,
        )  # fmt: skip
        return self._forwarder

    async def _drop(self) -> None:
        """End what is on its way, and the connections: the next invocation begins anew."""
        if self._producer is not None:
            await self._producer.abandon()
        if self._clients is not None:
            await self._clients.__aexit__(None, None, None)
        self._clients = self._producer = self._forwarder = None


async def _one(forwarder: Forwarder, record: Mapping[str, Any], slots: asyncio.Semaphore) -> bool:
    """Whether the message was worked off."""
    message = str(record.get("messageId"))
    async with slots:
        try:
            await forwarder.forward(str(record["body"]), message, int(record.get("attributes", {}).get("SentTimestamp", 0)))
        except Backpressure as busy:
            log.error(events.FORWARD_LATER, message=message, reason=busy.reason[:500])  # noqa: TRY400 - a trace says nothing more
        except Exception:
            log.exception(events.FORWARD_FAILED, message=message)
        else:
            return True
    return False
