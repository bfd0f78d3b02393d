"""Over a real broker: what is published is durable or still ours, large or small, and memory is bounded."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaConnectionError, NotEnoughReplicasError
from faust.exceptions import ProducerSendError

from service.agents.app import SiemApp, make_app
from service.agents.outlet import KafkaOutlet
from service.agents.publisher import MessageTooLargeError, Publisher
from service.agents.topics import MAX_MESSAGE_BYTES, TopicNames, create_topics
from service.clock import SystemClock
from service.event import RecordBatch, decode_as
from service.ledger.entry import MemoryLedger
from service.ledger.sheet import fold
from service.settings import Settings
from tests.agents.conftest import flow_record

pytestmark = pytest.mark.stack

MIB = 1024 * 1024


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[SiemApp]:
    made = make_app(settings, f"{settings.kafka.instance}-p", produce_only=True)
    await made.start()
    yield made
    await made.stop()
    made.consumer._thread.thread_loop.close()  # type: ignore[attr-defined]  # made with the app, never run


@pytest.fixture
async def publisher(app: SiemApp) -> AsyncIterator[Publisher]:
    made = Publisher(app, 64 * MIB, SystemClock(), random.Random(1))
    yield made
    await made.close()


async def everything_in(settings: Settings, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=settings.kafka.servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(30):
            return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()


async def test_the_collectors_batches_arrive_whole_and_spread_over_partitions(
    settings: Settings, app: SiemApp, publisher: Publisher
) -> None:
    topic = TopicNames(settings.kafka.topic_prefix).records
    ledger = MemoryLedger()
    outlet = KafkaOutlet(publisher, topic, ledger, SystemClock())
    batches = [RecordBatch("shop", "prod", "audit", "shardId-0", [flow_record(n, 3)]) for n in range(60)]
    await asyncio.gather(*[await outlet.send(batch) for batch in batches])
    found = [decode_as(RecordBatch, value) for value in await everything_in(settings, topic, len(batches))]
    assert sorted(batch.records[0].sequence for batch in found) == sorted(batch.records[0].sequence for batch in batches)
    assert publisher.gate.held == 0
    assert sum(sheet.records_in_flight for sheet in fold(ledger.pages).values()) == len(batches)


async def test_a_gap_before_a_batch_is_in_the_ledger_before_the_batch_is_safe(
    settings: Settings, app: SiemApp, publisher: Publisher
) -> None:
    ledger = MemoryLedger()
    outlet = KafkaOutlet(publisher, TopicNames(settings.kafka.topic_prefix).records, ledger, SystemClock())
    after = RecordBatch("shop", "prod", "audit", "shardId-0", [flow_record(1, 3)], "records_expired_unread")
    gone = RecordBatch("shop", "prod", "audit", "shardId-1", [], "shard_expired_unread")
    for batch in (after, gone, after):
        await (await outlet.send(batch))
    assert sum(len(sheet.gaps) for sheet in fold(ledger.pages).values()) == 2


async def test_a_record_of_10_mib_passes_and_one_beyond_the_limit_is_refused(settings: Settings, publisher: Publisher) -> None:
    topic = TopicNames(settings.kafka.topic_prefix).records
    noise = random.Random(2).randbytes
    large, beyond = noise(12 * MIB), noise(MAX_MESSAGE_BYTES + 1)
    await (await publisher.publish(topic, large))
    with pytest.raises(MessageTooLargeError):
        await (await publisher.publish(topic, beyond))
    assert await everything_in(settings, topic, 1) == [large]


async def test_publishing_waits_when_too_much_is_unacknowledged(settings: Settings, app: SiemApp) -> None:
    publisher = Publisher(app, 100, SystemClock(), random.Random(1))
    topic = TopicNames(settings.kafka.topic_prefix).records
    held = 0
    for _ in range(20):
        await publisher.publish(topic, b"x" * 60)
        held = max(held, publisher.gate.held)
    assert held <= 100
    await publisher.gate.idle(10)


class Unwilling:
    """A producer that fails in a given way before it works."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.sent: list[bytes] = []
        self.should_stop = False
        self.crashes: list[BaseException] = []
        self.producer = self

    async def send(self, topic: str, key: bytes | None, value: bytes, *_: object) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.errors:
            error = self.errors.pop(0)
            if isinstance(error, ProducerSendError):
                raise error from KafkaConnectionError("away")
            done.set_exception(error)
        else:
            self.sent.append(value)
            done.set_result(None)
        return done

    async def crash(self, error: BaseException) -> None:
        self.crashes.append(error)


class Impatient(SystemClock):
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


def publisher_over(app: Unwilling) -> Publisher:
    return Publisher(app, MIB, Impatient(), random.Random(1))  # type: ignore[arg-type]


async def test_an_outage_of_any_kind_is_waited_out_and_the_message_sent_again() -> None:
    app = Unwilling(NotEnoughReplicasError(), ProducerSendError("x"), KafkaConnectionError(), NotEnoughReplicasError())
    await (await publisher_over(app).publish("t", b"value"))
    assert app.sent == [b"value"]
    assert app.crashes == []


async def test_a_producer_beyond_repair_ends_the_worker_and_acknowledges_nothing() -> None:
    app = Unwilling(RuntimeError("out of order"))
    publisher = publisher_over(app)
    done = await publisher.publish("t", b"value")
    with pytest.raises(asyncio.CancelledError):
        await done
    assert [type(error) for error in app.crashes] == [RuntimeError]
    assert publisher.gate.held == 0


async def test_closing_gives_up_what_is_not_acknowledged() -> None:
    publisher = publisher_over(Unwilling(*[NotEnoughReplicasError() for _ in range(100_000)]))
    done = await publisher.publish("t", b"value")
    await asyncio.sleep(0.01)
    await publisher.close()
    assert done.cancelled()


async def test_topics_that_exist_are_left_alone(settings: Settings) -> None:
    names = TopicNames(settings.kafka.topic_prefix)
    assert await create_topics(settings.kafka, names.all(["aws.vpcflow"]), SystemClock()) == []
