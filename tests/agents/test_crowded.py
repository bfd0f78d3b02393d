"""An agent that waits, for however long, holds up no other: its messages stay in Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from service.agents.app import POLL_MESSAGES, Agent, SiemApp, Ticket, attach, make_app
from service.agents.gate import Gate
from service.settings import Kafka, Paths, Settings

PARTITIONS = 4
MANY = 30 * PARTITIONS
"""Messages of the one that waits: several times what may be in front of it."""

pytestmark = pytest.mark.stack


@pytest.fixture
async def app(kafka: str, unique: str, tmp_path: Path) -> AsyncIterator[SiemApp]:
    settings = Settings(
        kafka=Kafka(servers=[kafka], group=unique, partitions=PARTITIONS, replication=1), paths=Paths(state=tmp_path)
    )
    topics = [f"{unique}-waits", f"{unique}-goes-on"]
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in topics])
    yield make_app(settings, unique)
    await admin.delete_topics(topics)
    await admin.close()


async def put(kafka: str, topic: str, messages: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all")
    await producer.start()
    for number in range(messages):
        await producer.send_and_wait(topic, str(number).encode(), partition=number % PARTITIONS)
    await producer.stop()


async def until(wanted: int, handled: list[bytes]) -> None:
    async with asyncio.timeout(60):
        while len(handled) < wanted:
            await asyncio.sleep(0.05)


async def test_an_agent_that_waits_holds_up_no_other(app: SiemApp, kafka: str, unique: str) -> None:
    released = asyncio.Event()
    waited: list[bytes] = []
    went_on: list[bytes] = []

    async def waits(value: bytes, ticket: Ticket) -> None:
        await released.wait()
        waited.append(value)
        ticket.settle()

    async def goes_on(value: bytes, ticket: Ticket) -> None:
        went_on.append(value)
        ticket.settle()

    attach(app, Agent(f"{unique}-waits", waits, Gate(1000)))
    attach(app, Agent(f"{unique}-goes-on", goes_on, Gate(1000)))
    await put(kafka, f"{unique}-waits", MANY)
    await app.start()
    try:
        async with asyncio.timeout(60):
            while sum(messages for _, messages in app.ledger.ahead()) < app.most_ahead:
                await asyncio.sleep(0.05)
        await put(kafka, f"{unique}-goes-on", 100)
        await until(100, went_on)
        ahead = sum(messages for _, messages in app.ledger.ahead())
        assert app.most_ahead <= ahead < app.most_ahead + POLL_MESSAGES, "bounded"
        assert not waited
        released.set()
        await until(MANY, waited)
    finally:
        await app.stop()
    assert sorted(waited) == sorted(str(number).encode() for number in range(MANY)), "each once"
