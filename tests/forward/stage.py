"""A bucket, a queue that its notifications reach, a stream, and the forwarder between them."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any, Self

from aiobotocore.session import get_session

from service.clock import SystemClock
from service.decode import decode_record
from service.event import DeadLetter, Record, RecordBatch
from service.forward.queue import QueueTimes
from service.forward.role import ProjectForward, connected
from service.local.kinesis import KinesisDouble
from service.pipeline.runtime import facts_of
from service.settings import Forward
from service.source.forwarding import ForwardProject, ForwardQueue, ForwardRules
from service.source.kinesis.deaggregate import deaggregate, is_aggregate

REGION = "eu-central-1"
_numbers = itertools.count(1)


class Stage:
    """Entered: everything is there, nothing is forwarded yet."""

    def __init__(self, moto_url: str) -> None:
        self.url = moto_url
        self.name = f"siem-{next(_numbers)}"
        self.bucket = f"{self.name}-logs"
        self.double = KinesisDouble()
        self.s3: Any = None
        self.sqs: Any = None
        self.sns: Any = None
        self.queue = ""
        self._exit = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        session: Any = get_session()
        self.double.account.create("audit", 2)
        await self._exit.enter_async_context(self.double)
        for name in ("s3", "sqs", "sns"):
            client = session.create_client(name, region_name=REGION, endpoint_url=self.url)
            setattr(self, name, await self._exit.enter_async_context(client))
        await self.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.queue = (await self.sqs.create_queue(QueueName=self.name))["QueueUrl"]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exit.aclose()

    @property
    def queue_arn(self) -> str:
        return f"arn:aws:sqs:{REGION}:123456789012:{self.name}"

    async def announce(self) -> None:
        """Let the bucket write its own notifications."""
        wanted = {"QueueConfigurations": [{"QueueArn": self.queue_arn, "Events": ["s3:ObjectCreated:*"]}]}
        await self.s3.put_bucket_notification_configuration(Bucket=self.bucket, NotificationConfiguration=wanted)

    async def put(self, key: str, data: bytes) -> str:
        """Write an object; gives its ETag."""
        reply = await self.s3.put_object(Bucket=self.bucket, Key=key, Body=data)
        return str(reply["ETag"]).strip('"')

    def notification(self, key: str, **more: Any) -> str:
        thing = {"key": key, "size": 1, **more}
        record = {
            "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": "2026-11-21T10:00:00.000Z",
            "s3": {"bucket": {"name": self.bucket}, "object": thing},
        }  # fmt: skip
        return json.dumps({"Records": [record]})

    async def send(self, body: str) -> None:
        await self.sqs.send_message(QueueUrl=self.queue, MessageBody=body)

    def rules(self, **queue: Any) -> ForwardRules:
        read = ForwardQueue(**{"url": self.queue, "buckets": [f"{self.name}-*"], **queue})
        project = ForwardProject(
            id="shop", environment="prod", stream="audit", region=REGION, queues=[read], endpoint_url=self.double.url,
            s3_endpoint_url=self.url, sqs_endpoint_url=self.url, sts_endpoint_url=self.url,
        )  # fmt: skip
        return ForwardRules(projects=[project])

    @contextlib.asynccontextmanager
    async def forwarding(self, settings: Forward | None = None, **queue: Any) -> AsyncIterator[ProjectForward]:
        """The role at work; leaving stops it as SIGTERM does."""
        settings = settings or Forward(drain_seconds=10)
        async with connected(settings, self.rules(**queue), SystemClock()) as (project,):
            stop = asyncio.Event()
            for reader in project.readers:
                reader._times = QueueTimes(settings.visibility_seconds, 1, 0.0, 0.0)
            tasks = [asyncio.create_task(reader.run(stop, settings.drain_seconds)) for reader in project.readers]
            try:
                yield project
            finally:
                stop.set()
                await asyncio.gather(*tasks)
                if not project.producer.trouble:
                    await project.producer.close()

    async def until_empty(self, project: ProjectForward, done: int) -> None:
        """Return when so many messages were worked off and none is left."""
        async with asyncio.timeout(60):
            while sum(reader.done for reader in project.readers) < done:
                await asyncio.sleep(0.02)
        wanted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        left = (await self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=wanted))["Attributes"]
        assert set(left.values()) == {"0"}

    def records(self) -> list[bytes]:
        """The user records on the stream."""
        found: list[bytes] = []
        for data in self.kinesis_records():
            found += [each.data for each in deaggregate(data)] if is_aggregate(data) else [data]
        return found

    def kinesis_records(self) -> list[bytes]:
        """The records on the stream, as Kinesis holds them."""
        shards = self.double.account.streams["audit"].shards.values()
        return [base64.b64decode(json.loads(record)["Data"]) for shard in shards for record in shard._rendered]

    def received(self) -> tuple[dict[str, str], list[DeadLetter]]:
        """``_id`` → event of what is on the stream, as the consumer will see it, and the dead letters."""
        ids: dict[str, str] = {}
        dead: list[DeadLetter] = []
        for number, data in enumerate(self.records()):
            batch = RecordBatch("shop", "prod", "audit", "shardId-0", [])
            decoded = decode_record(batch, Record(data, "k", str(number), 0, SystemClock().now_ms()))
            dead += decoded.dead
            for piece in decoded.slices:
                facts = facts_of(piece)
                for at, event in enumerate(piece.events):
                    name = facts.position + (facts.ids[at] if facts.ids is not None else str(piece.first + at))
                    assert ids.setdefault(name, event) == event
        return ids, dead
