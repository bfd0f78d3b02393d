"""Whatever breaks underneath, every event that Kinesis acknowledged ends in OpenSearch exactly once."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from service.demo.projects import PROJECTS
from tests.faults.conftest import Running

pytestmark = [pytest.mark.faults, pytest.mark.stack, pytest.mark.timeout(600)]


async def test_the_service_is_killed_three_times(running: Running) -> None:
    for _ in range(3):
        await asyncio.sleep(6)
        os.kill(running.service.pid, signal.SIGKILL)
    verdict = await running.settled()
    assert running.service.starts == 4
    assert verdict.exact, verdict


async def test_kafka_crashes_and_comes_back(running: Running) -> None:
    await asyncio.sleep(8)
    await running.stack.kill("kafka")
    await asyncio.sleep(5)
    await running.stack.revive("kafka")
    verdict = await running.settled()
    assert verdict.exact, verdict


async def test_opensearch_crashes_and_comes_back(running: Running) -> None:
    await asyncio.sleep(8)
    await running.stack.kill("opensearch")
    await asyncio.sleep(5)
    await running.stack.revive("opensearch")
    verdict = await running.settled()
    assert verdict.exact, verdict


async def test_opensearch_freezes_for_a_while(running: Running) -> None:
    await asyncio.sleep(8)
    running.stack.pause("opensearch")
    await asyncio.sleep(10)
    running.stack.resume("opensearch")
    verdict = await running.settled()
    assert verdict.exact, verdict


async def test_kafka_freezes_for_a_while(running: Running) -> None:
    await asyncio.sleep(8)
    running.stack.pause("kafka")
    await asyncio.sleep(10)
    running.stack.resume("kafka")
    verdict = await running.settled()
    assert verdict.exact, verdict


async def test_kinesis_reshards_throttles_fails_and_drops_connections(running: Running) -> None:
    faults = running.stack.kinesis.faults
    streams = [running.stack.kinesis.account.stream(project.stream) for project in PROJECTS]
    await asyncio.sleep(6)
    for stream in streams:
        stream.rescale(4)
    planned = [
        faults.throttle("GetRecords", times=10),
        faults.fail("GetShardIterator", times=3),
        faults.drop("GetRecords", times=5),
        faults.fail("SubscribeToShard", times=3),
        faults.end_subscription(times=4),
        faults.duplicate_event(times=4),
        faults.corrupt_event(times=2),
        faults.half_open(times=1),
    ]
    await asyncio.sleep(8)
    for stream in streams:
        stream.rescale(2)
    running.stack.kinesis.account.expire_iterators()
    verdict = await running.settled()
    assert sum(fault.hits for fault in planned) > 0
    assert verdict.exact, verdict


async def test_everything_is_killed_at_once(running: Running) -> None:
    await asyncio.sleep(8)
    os.kill(running.service.pid, signal.SIGKILL)
    await asyncio.gather(running.stack.kill("kafka"), running.stack.kill("opensearch"))
    await asyncio.gather(running.stack.revive("kafka"), running.stack.revive("opensearch"))
    verdict = await running.settled()
    assert verdict.exact, verdict
