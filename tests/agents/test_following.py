"""Over a real broker: a worker that starts knows at once what others told of sessions, and hears what they tell from then on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from service.agents.sessions import Following
from service.agents.topics import create_topics
from service.clock import SystemClock
from service.settings import Settings

pytestmark = pytest.mark.stack


@pytest.fixture
async def tell(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka.servers)
    await producer.start()
    yield producer
    await producer.stop()


@asynccontextmanager
async def following(settings: Settings, topic: str, hear: Callable[[Sequence[bytes]], None]) -> AsyncIterator[Following]:
    made = Following(settings.kafka, topic, hear, SystemClock())
    running = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until(heard: list[bytes], count: int) -> set[bytes]:
    async with asyncio.timeout(30):
        while len(heard) < count:
            await asyncio.sleep(0.05)
    return set(heard)


async def led(settings: Settings, topic: str) -> None:
    """Wait until a broker leads every partition of a topic that was just made: that is no part of a start."""
    async with AIOKafkaConsumer(topic, bootstrap_servers=settings.kafka.servers) as consumer, asyncio.timeout(60):
        await consumer.end_offsets(consumer.assignment())


async def test_everything_that_was_told_is_heard_before_the_start_is_over(
    settings: Settings, tell: AIOKafkaProducer, unique: str
) -> None:
    topic = f"{unique}-identities"
    await create_topics(settings.kafka, [topic], SystemClock())
    before = {b"grant %d" % number for number in range(20)}
    for value in before:
        await tell.send_and_wait(topic, value, key=value)
    heard: list[bytes] = []
    async with following(settings, topic, heard.extend) as follower, asyncio.timeout(30):
        await follower.caught_up.wait()
        assert set(heard) == before
        assert len(heard) == 20
        await tell.send_and_wait(topic, b"later")
        assert await until(heard, 21) == before | {b"later"}


async def test_a_topic_of_which_nobody_told_yet_holds_up_no_start(settings: Settings, unique: str) -> None:
    topic = f"{unique}-identities"
    await create_topics(settings.kafka, [topic], SystemClock())
    await led(settings, topic)
    async with following(settings, topic, lambda _: None) as follower, asyncio.timeout(5):
        await follower.caught_up.wait()
