"""Who is behind a session, from Kinesis to the event and its alert: through kill -9, and when the answer comes late."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest

from service.demo.wire import subscription
from service.spans import moment
from tests.agents.conftest import kill
from tests.hits import hits_of
from tests.replay.conftest import deployment as deployment
from tests.replay.deployment import SHOP, Deployment

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

ALICE = f"arn:aws:iam::{SHOP.account}:user/alice"
RULES = """
title: A trail was read
id: 5f0e1c52-0000-4000-8000-000000000011
status: test
description: For this test.
tags: [attack.discovery]
logsource: { product: aws, service: cloudtrail }
detection:
  selection: { eventName: GetTrailStatus }
  condition: selection
falsepositives: [none]
level: low
"""


def role(name: str) -> str:
    return f"arn:aws:sts::{SHOP.account}:assumed-role/{name}/x"


def session(name: str, key: str) -> dict[str, Any]:
    issuer = {"type": "Role", "arn": f"arn:aws:iam::{SHOP.account}:role/{name}", "userName": name, "principalId": f"AROA{name}"}
    return {
        "type": "AssumedRole", "arn": role(name), "principalId": f"AROA{name}:x", "accountId": SHOP.account, "accessKeyId": key,
        "sessionContext": {"sessionIssuer": issuer},
    }  # fmt: skip


def call(name: str, who: dict[str, Any], at_ms: int, **more: Any) -> str:
    return json.dumps({
        "eventVersion": "1.09", "userIdentity": who, "eventTime": moment(at_ms)[:19] + "Z", "eventName": name,
        "eventSource": "cloudtrail.amazonaws.com", "awsRegion": "eu-west-1", "sourceIPAddress": "198.51.100.7",
        "eventID": str(uuid4()), "eventType": "AwsApiCall", "recipientAccountId": SHOP.account, **more,
    })  # fmt: skip


def assume(who: dict[str, Any], name: str, key: str, at_ms: int) -> str:
    given = {"credentials": {"accessKeyId": key}, "assumedRoleUser": {"arn": role(name), "assumedRoleId": f"AROA{name}:x"}}
    return call("AssumeRole", who, at_ms, eventSource="sts.amazonaws.com", responseElements=given)


def put(deployment: Deployment, *calls: str) -> None:
    now = deployment.kinesis.account.clock.now_ms()
    deployment.put("logs", subscription(deployment.rng, SHOP, "/cloudtrail/management", "trail", list(calls), now))


async def events(deployment: Deployment, count: int, dataset: str = "aws.cloudtrail") -> list[dict[str, Any]]:
    index, hits = f"siem-{dataset}-{deployment.project}-*", list[dict[str, Any]]()
    async with asyncio.timeout(60):
        while len(hits) < count:
            await asyncio.sleep(0.2)
            hits = await hits_of(deployment.client, index)
    return [hit["_source"] for hit in hits]


async def alerts(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """Principal → alert, as the index has them now."""
    hits = await hits_of(deployment.client, f"siem-alerts-{deployment.project}-*")
    read = [hit["_source"] for hit in hits if hit["_source"]["rule"]["name"] == "A trail was read"]
    return {one["alert"]["principal"]["name"]: one for one in read}


async def test_a_worker_that_was_killed_knows_again_who_is_behind_a_session(deployment: Deployment) -> None:
    folder = deployment.config.parent
    (folder / "rules").mkdir()
    (folder / "rules" / "own.yml").write_text(RULES)
    with deployment.config.open("a") as out:
        out.write('detect: { rules: ["rules"] }\n')
    service, now = deployment.service, deployment.kinesis.account.clock.now_ms()
    await service.start()
    await service.ready()
    alice = {"type": "IAMUser", "arn": ALICE, "accountId": SHOP.account, "userName": "alice", "accessKeyId": "AKIAALICE"}
    put(deployment, assume(alice, "Admin", "ASIAADMIN1", now - 5000))
    await events(deployment, 1)
    for pid in await service.worker_pids():
        kill(pid)
    await service.ready()
    put(deployment, assume(session("Admin", "ASIAADMIN1"), "Audit", "ASIAAUDIT1", now - 4000))
    put(deployment, call("GetTrailStatus", session("Audit", "ASIAAUDIT1"), now - 3000))
    found = await events(deployment, 3)
    chains = {each["event"]["action"]: each["identity"]["chain"] for each in found if each["user"]["name"] != "alice"}
    assert chains["AssumeRole"] == [ALICE, role("Admin")]
    assert chains["GetTrailStatus"][-1] == role("Audit"), "the two records may have been read in any order"

    async with asyncio.timeout(60):
        while (alert := (await alerts(deployment)).get("alice")) is None:
            await asyncio.sleep(0.3)
    assert alert["identity"]["chain"] == [ALICE, role("Admin"), role("Audit")]
    assert alert["user"]["effective"]["name"] == "Audit"
    put(deployment, call("GetTrailStatus", session("Late", "ASIALATE1"), now - 3000))
    async with asyncio.timeout(60):
        while "Late/x" not in await alerts(deployment):
            await asyncio.sleep(0.3)
    put(deployment, assume(alice, "Late", "ASIALATE1", now - 4000))
    async with asyncio.timeout(60):
        while (after := await alerts(deployment))["alice"]["alert"]["count"] < 2 or after["Late/x"]["alert"]["status"] == "new":
            await asyncio.sleep(0.3)
    assert after["Late/x"]["alert"]["merged_into"] == after["alice"]["event"]["id"], "one person, one alert, whatever came first"
