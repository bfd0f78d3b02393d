"""From Kinesis to ``siem ledger``: workers killed in the middle, and every event still has one fate; a lost one is named."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from service.demo.logs import flow
from service.demo.wire import subscription
from service.settings import load_settings
from tests.agents.conftest import kill
from tests.replay.conftest import deployment as deployment
from tests.replay.deployment import SHOP, Deployment

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]


async def ledger(deployment: Deployment, *arguments: str) -> tuple[int, dict[str, Any]]:
    code, out, err = await deployment.siem("ledger", "--project", deployment.project, "--json", *arguments)
    assert out, err
    return code, json.loads(out)


def sums(told: dict[str, Any], name: str) -> int:
    return sum(line["sums"][name] for line in told["lines"])


async def test_killed_in_the_middle_and_still_every_event_has_one_fate(deployment: Deployment) -> None:
    events = 0
    await deployment.service.start()
    await deployment.service.ready()
    for _ in range(3):
        events += deployment.put_traffic("logs", 40)
        await asyncio.sleep(1.0)
        for pid in await deployment.service.worker_pids():
            kill(pid)
        await deployment.service.ready()
    await deployment.holds(events)
    code, told = await ledger(deployment, "--wait", "40")
    async with asyncio.timeout(60):  # a worker tells of a batch right after Kafka has it: a moment later, on a busy machine
        while sums(told, "events") < events:
            code, told = await ledger(deployment, "--wait", "40")
    assert (code, told["answer"]) == (0, "balanced"), told
    assert sums(told, "in_flight") == 0
    assert sums(told, "events") == sum(
        sums(told, fate) for fate in ("indexed", "already_there", "dropped_total", "dead_lettered")
    )
    # A batch that was read twice with other borders is found twice; nothing is found too few times.
    assert sums(told, "events") >= events
    assert sums(told, "indexed") + sums(told, "already_there") + sums(told, "dead_lettered") >= events
    _, out, _ = await deployment.siem("ledger", "--project", deployment.project)
    assert "balanced: everything that was read has its fate" in out


async def test_messages_that_vanish_from_kafka_are_named(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an operator's slip, a short retention or a fault of ours would do: announced, and then nobody has it."""
    monkeypatch.setenv("SIEM_OPENSEARCH_BULK_WAIT_SECONDS", "60")
    service, topic = deployment.service, f"{deployment.project}-raw.aws.vpcflow"
    await service.start()
    await service.ready()
    now = deployment.kinesis.account.clock.now_ms()
    lines = [flow(deployment.rng, SHOP, now) for _ in range(5)]
    deployment.put("logs", subscription(deployment.rng, SHOP, "/vpcflow/x", "eni-0-all", lines, now))
    told: dict[str, Any] = {}
    async with asyncio.timeout(60):
        while not told or sums(told, "in_flight") < 5:
            code, told = await ledger(deployment)
    assert (code, told["answer"]) == (0, "balanced"), "on its way is no loss"
    assert (await ledger(deployment, "--patience", "0"))[0] == 2
    await service.stop(signal.SIGKILL)
    admin = AIOKafkaAdminClient(bootstrap_servers=load_settings(deployment.config, {}).kafka.servers)
    await admin.start()
    everything = {TopicPartition(topic, partition): RecordsToDelete(before_offset=-1) for partition in range(2)}
    await admin.delete_records(everything)
    await admin.close()
    await service.start()
    await service.ready()
    async with asyncio.timeout(60):
        while code != 1:
            code, told = await ledger(deployment, "--dataset", "aws.vpcflow")
    assert (told["answer"], told["unaccounted"]) == ("unaccounted", 5)
    (sheet,) = told["unaccounted_for"]
    assert (sheet["dataset"], sheet["stream"], len(sheet["pending"])) == ("aws.vpcflow", "logs", 1)
    _, out, _ = await deployment.siem("ledger", "--project", deployment.project)
    assert "unaccounted for: 5 events of aws.vpcflow" in out
    assert "next: " in out


async def test_nothing_known_is_no_balance(deployment: Deployment) -> None:
    code, told = await ledger(deployment)
    assert (code, told["answer"]) == (2, "cannot tell")


async def test_without_opensearch_nobody_can_tell(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIEM_OPENSEARCH_URLS", "http://127.0.0.1:1")
    code, _, err = await deployment.siem("ledger")
    assert code == 2
    assert "OpenSearch does not say" in err


async def test_dead_letters_that_are_replayed_are_found_once_more(deployment: Deployment) -> None:
    await deployment.service.start()
    await deployment.service.ready()
    events = deployment.put_traffic("logs", 20)
    await deployment.holds(events)
    code, before = await ledger(deployment, "--wait", "40")
    assert (code, sums(before, "dead_lettered")) == (0, 2)
    for _ in range(2):
        await deployment.siem("replay", "dead-letters", "--project", deployment.project, "--again")
    code, after = await ledger(deployment, "--wait", "40")
    assert (code, after["answer"]) == (0, "balanced")
    replayed = [line["sums"] for line in after["lines"] if line["source"] == "replay"]
    assert sum(line["events"] for line in replayed) == sum(line["dead_lettered"] for line in replayed) == 4
    assert sums(after, "events") == sums(before, "events") + 4
