"""Kafka: gone, frozen, slow, refusing; the group rebalancing; its memory lost."""

from __future__ import annotations

import asyncio

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import DeleteGroupsRequest

from tests.faults.catalogue.fault import Fault, moment
from tests.faults.producer import LANES
from tests.faults.stage import Stage


async def killed(stage: Stage) -> None:
    await moment(stage)
    await stage.stack.kill("kafka")
    await asyncio.sleep(stage.rng.uniform(0.5, 2.0))
    await stage.stack.revive("kafka")


async def frozen(stage: Stage) -> None:
    await moment(stage)
    stage.stack.pause("kafka")
    await asyncio.sleep(stage.options.outage_seconds)
    stage.stack.resume("kafka")


async def unreachable(stage: Stage) -> None:
    await moment(stage)
    await stage.kafka.refuse()
    await asyncio.sleep(stage.options.outage_seconds)
    await stage.kafka.accept()


async def black_hole(stage: Stage) -> None:
    """Connections stay, nothing gets through, then they are cut."""
    await moment(stage)
    stage.kafka.stall()
    await asyncio.sleep(stage.options.outage_seconds)
    stage.kafka.cut()
    stage.kafka.flow()


async def cut_again_and_again(stage: Stage) -> None:
    for _ in range(5):
        await moment(stage, 1.0)
        stage.kafka.cut()


async def slow(stage: Stage) -> None:
    await moment(stage)
    stage.kafka.delay = 0.25
    await asyncio.sleep(stage.options.outage_seconds)
    stage.kafka.flow()


async def rebalance_storm(stage: Stage) -> None:
    """Processors come and go while bulks are in flight."""
    for turn in range(2):
        other = stage.process(f"guest{turn}", "process", 1)
        other.start()
        await asyncio.sleep(stage.rng.uniform(4.0, 7.0))
        if turn:
            await other.killed()
        await other.stop()


async def offsets_deleted(stage: Stage) -> None:
    """The group's commits are gone: everything is read again from the beginning, and nothing doubles."""
    await moment(stage)
    await stage.processor.stop()
    admin = AIOKafkaAdminClient(bootstrap_servers=f"127.0.0.1:{stage.kafka.port}")
    await admin.start()
    try:
        async with asyncio.timeout(60):
            while await _delete_group(admin, "siem"):
                await asyncio.sleep(0.5)  # static members keep the group for a session
    finally:
        await admin.close()
    stage.processor.start()


async def _delete_group(admin: AIOKafkaAdminClient, group: str) -> int:
    """Kafka's error code, 0 when the group and its offsets are gone."""
    coordinator = await admin.find_coordinator(group)
    answer = await admin._send_request(DeleteGroupsRequest([group]), coordinator)
    return int(answer.results[0][1])


async def message_too_large(stage: Stage) -> None:
    """A record of three megabytes: many times what one message holds."""
    await moment(stage)
    now = asyncio.get_running_loop().time()
    lane = LANES[0]
    stage.kinesis.account.stream(lane.stream).admit(10 << 20)
    stage.producer.put(lane, "aws.cloudtrail", 5000, now)


FAULTS = (
    Fault("Kafka killed and restarted", "kafka", killed),
    Fault("Kafka frozen", "kafka", frozen),
    Fault("Kafka refuses connections", "kafka", unreachable),
    Fault("Kafka's network a black hole", "kafka", black_hole),
    Fault("Kafka's connections cut five times", "kafka", cut_again_and_again),
    Fault("Kafka slow (250 ms an answer)", "kafka", slow),
    Fault("rebalances while bulks are in flight", "kafka", rebalance_storm),
    Fault("committed offsets deleted: everything replays", "kafka", offsets_deleted, soak=False),
    Fault("a record larger than a message", "kafka", message_too_large),
)
