"""A broker that lost messages, at either end of a partition: it is said, counted, and nothing stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import CommitFailedError

from service.agents.topics import TopicNames, restore_topics
from service.settings import Settings
from tests.agents.bulk_double import BulkDouble
from tests.agents.conftest import Service, flow_record, publish, until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

EVENTS = 10


async def committed(settings: Settings, topic: str) -> dict[TopicPartition, int]:
    """The group's commits; those of partitions that never had a message are left out."""
    async with AIOKafkaConsumer(bootstrap_servers=settings.kafka.servers, group_id=settings.kafka.group) as consumer:
        places = [TopicPartition(topic, number) for number in range(settings.kafka.partitions)]
        found = {place: await consumer.committed(place) for place in places}
    return {place: offset for place, offset in found.items() if offset}


async def ends(settings: Settings, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    async with AIOKafkaConsumer(bootstrap_servers=settings.kafka.servers) as consumer:
        found: dict[TopicPartition, int] = await consumer.end_offsets(list(places))
    return found


def said(service: Service, event: str) -> list[dict[str, str]]:
    return [line for line in service.lines() if line["event"] == event]


async def served(service: Service, settings: Settings, bulk: BulkDouble, first: int, *, many: int = 8) -> None:
    """Publish messages to a running service and wait until their events are stored."""
    expected = len(bulk.ids) + many * EVENTS
    await publish(settings, (flow_record(number, EVENTS) for number in range(first, first + many)), together=1)
    await until(lambda: len(bulk.ids) >= expected, 90)


async def test_messages_that_expired_unread_are_counted(service: Service, settings: Settings, bulk: BulkDouble) -> None:
    topic = TopicNames(settings.kafka.topic_prefix).records
    await service.start()
    await service.ready()
    await served(service, settings, bulk, 0)
    assert await service.stop() == 0
    before = await committed(settings, topic)
    await publish(settings, (flow_record(number, EVENTS) for number in range(8, 24)), together=1)
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka.servers)
    await admin.start()
    left = await ends(settings, before)
    await admin.delete_records({place: RecordsToDelete(before_offset=end) for place, end in left.items()})
    await admin.close()
    await service.start()
    await service.ready()
    await served(service, settings, bulk, 24)
    # It is noticed when the next message comes, and not in every partition one came.
    gone = sum(left[place] - before[place] for place, end in (await ends(settings, before)).items() if end > left[place])
    assert gone > 0
    told = said(service, "kafka_messages_gone")
    assert sum(int(line["found"]) - int(line["expected"]) for line in told) == gone
    async with asyncio.timeout(30):  # the worker's next report
        while "kafka_messages_gone" not in str((await service.status())["problems"]):
            await asyncio.sleep(0.2)
    assert await service.stop() == 0


async def test_what_is_written_to_a_topic_after_it_was_deleted_is_stored(
    service: Service, settings: Settings, bulk: BulkDouble
) -> None:
    names = TopicNames(settings.kafka.topic_prefix)
    await service.start()
    await service.ready()
    await served(service, settings, bulk, 0)
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka.servers)
    await admin.start()
    await admin.delete_topics([names.raw("aws.vpcflow")])
    await served(service, settings, bulk, 8)
    await admin.close()
    assert await service.stop() == 0


async def test_a_topic_that_is_gone_comes_back_as_it_was_wanted(settings: Settings, unique: str) -> None:
    wanted = settings.kafka.model_copy(update={"partitions": 3})  # not what the broker itself would make
    await restore_topics(wanted, [unique])
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka.servers)
    await admin.start()
    async with asyncio.timeout(30):  # the broker learns of it a moment later
        while not (partitions := (await admin.describe_topics([unique]))[0]["partitions"]):
            await asyncio.sleep(0.1)
    await admin.close()
    assert len(partitions) == 3


async def test_a_partition_that_lost_its_end_is_read_from_what_is_left(
    service: Service, settings: Settings, bulk: BulkDouble
) -> None:
    topic = TopicNames(settings.kafka.topic_prefix).records
    await service.start()
    await service.ready()
    await served(service, settings, bulk, 0)
    assert await service.stop() == 0
    # As after the election of a replica that lags: what was committed lies beyond the end.
    beyond = {place: offset + 50 for place, offset in (await committed(settings, topic)).items()}
    servers, group = settings.kafka.servers, settings.kafka.group
    async with AIOKafkaConsumer(bootstrap_servers=servers, group_id=group, enable_auto_commit=False) as consumer:
        consumer.assign(list(beyond))
        async with asyncio.timeout(60):
            while True:
                try:
                    await consumer.commit(beyond)
                    break
                except CommitFailedError:  # the group keeps its static member for a session
                    await asyncio.sleep(1)
    await service.start()
    await service.ready()
    await served(service, settings, bulk, 8)
    assert {line["partition"] for line in said(service, "kafka_partition_shrank")} == {place.partition for place in beyond}
    async with asyncio.timeout(30):
        while any(
            offset >= beyond.get(place, 0) for place, offset in (await committed(settings, topic)).items() if place in beyond
        ):
            await asyncio.sleep(0.5)
    assert await service.stop() == 0
    assert not said(service, "partition_stalled")
