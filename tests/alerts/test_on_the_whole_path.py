"""From Kinesis to the alert and whoever is told of it: rules, correlations and first-seen, through kill -9."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from service.demo.wire import subscription
from service.spans import moment
from tests.agents.conftest import kill
from tests.hits import hits_of
from tests.replay.conftest import deployment as deployment
from tests.replay.deployment import SHOP, Deployment

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

RULES = """
title: Denied call
id: 5f0e1c52-0000-4000-8000-000000000001
name: denied_call
status: test
description: A call was refused.
tags: [attack.discovery]
logsource: { product: aws, service: cloudtrail }
detection:
  selection: { errorCode: AccessDenied }
  condition: selection
falsepositives: [a script without its rights]
level: low
---
title: Many denied calls of one user
id: 5f0e1c52-0000-4000-8000-000000000002
status: test
description: Somebody tries doors.
tags: [attack.discovery, attack.t1580]
correlation:
  type: event_count
  rules: [denied_call]
  group-by: [user.name]
  timespan: 10m
  condition: { gte: 4 }
falsepositives: [a script without its rights]
level: high
---
title: A country that is new for a user
id: 5f0e1c52-0000-4000-8000-000000000003
status: test
description: Never seen with this user.
tags: [attack.initial-access]
logsource: { product: aws, service: cloudtrail }
detection:
  selection: { eventName: GetCallerIdentity }
  condition: selection
falsepositives: [travel]
level: medium
first_seen: { who: [user.name], what: [source.ip], learn: 1h }
---
title: A user that is new in the account
id: 5f0e1c52-0000-4000-8000-000000000004
name: new_user
status: test
description: Never seen in this account.
tags: [attack.initial-access]
logsource: { product: aws, service: cloudtrail }
detection:
  selection: { eventName: ListQueues }
  condition: selection
falsepositives: [new people]
level: low
first_seen: { who: [cloud.account.id], what: [user.name], learn: 1h }
---
title: Many users that are new in the account
id: 5f0e1c52-0000-4000-8000-000000000005
status: test
description: A party.
tags: [attack.initial-access]
correlation:
  type: value_count
  rules: [new_user]
  group-by: [cloud.account.id]
  timespan: 10m
  condition: { field: user.name, gte: 3 }
falsepositives: [a company that was bought]
level: high
"""
ALERTS = """
channels:
  hook: { webhook: { url: "%s" }, least: high }
suppress:
  - { rule: "AWS Root User Acted", when: { source.ip: 192.0.2.99 }, until: "2036-01-01", reason: "the office" }
"""


@dataclass(slots=True)
class Hook:
    """A webhook; it refuses the first call."""

    url: str = ""
    told: list[dict[str, Any]] = field(default_factory=list)
    refused: int = 0

    async def take(self, request: web.Request) -> web.Response:
        """Keep what is posted."""
        if not self.refused:
            self.refused += 1
            return web.Response(status=503)
        self.told.append(await request.json())
        return web.Response()


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    found = Hook()
    app = web.Application()
    app.router.add_post("/hook", found.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield found
    await runner.cleanup()


@pytest.fixture
def watched(deployment: Deployment, hook: Hook) -> Deployment:
    """A deployment with rules of its own."""
    folder = deployment.config.parent
    (folder / "rules").mkdir()
    (folder / "rules" / "own.yml").write_text(RULES)
    (folder / "alerts.yml").write_text(ALERTS % hook.url)
    with deployment.config.open("a") as out:
        out.write('detect: { rules: ["rules"], alerts: alerts.yml }\n')
    return deployment


def call(name: str, user: str, at_ms: int, address: str = "198.51.100.7", **more: Any) -> str:
    identity = {"type": "IAMUser", "principalId": f"AIDA{user.upper()}", "accountId": SHOP.account, "userName": user}
    return json.dumps({
        "eventVersion": "1.09", "userIdentity": identity, "eventTime": moment(at_ms)[:19] + "Z", "eventName": name,
        "eventSource": "sts.amazonaws.com", "awsRegion": "eu-west-1", "sourceIPAddress": address, "userAgent": "aws-cli/2.15",
        "eventID": str(uuid4()), "eventType": "AwsApiCall", "recipientAccountId": SHOP.account, "readOnly": True, **more,
    })  # fmt: skip


def root(at_ms: int, address: str) -> str:
    identity = {
        "type": "Root",
        "principalId": SHOP.account,
        "arn": f"arn:aws:iam::{SHOP.account}:root",
        "accountId": SHOP.account,
    }
    return call("ListBuckets", "root", at_ms, address, userIdentity=identity, eventSource="s3.amazonaws.com")


def put(deployment: Deployment, *calls: str) -> None:
    now = deployment.kinesis.account.clock.now_ms()
    deployment.put("logs", subscription(deployment.rng, SHOP, "/cloudtrail/management", "trail", list(calls), now))


async def alerts(deployment: Deployment, count: int, seconds: float = 60) -> dict[str, dict[str, Any]]:
    """Rule's name → alert, once there are so many."""
    index = f"siem-alerts-{deployment.project}-*"
    hits: list[dict[str, Any]] = []
    async with asyncio.timeout(seconds):
        while len(hits) < count:
            await asyncio.sleep(0.3)
            hits = await hits_of(deployment.client, index)
    assert len(hits) == count, [hit["_source"]["message"] for hit in hits]
    return {hit["_source"]["rule"]["name"]: hit["_source"] for hit in hits}


async def test_a_killed_worker_neither_forgets_nor_doubles_what_it_was_about_to_find(watched: Deployment, hook: Hook) -> None:
    service = watched.service
    await service.start()
    await service.ready()
    now = watched.kinesis.account.clock.now_ms()
    put(watched, *(call("ListUsers", "mallory", now - 60_000 * n, errorCode="AccessDenied") for n in (4, 3)))
    put(watched, root(now, "198.51.100.7"), root(now - 1000, "198.51.100.7"), root(now, "192.0.2.99"))
    put(watched, call("GetCallerIdentity", "alice", now - 7_200_000, "203.0.113.5"))
    put(watched, *(call("ListQueues", user, now - ago) for user, ago in (("ann", 7_200_000), ("ann", 1000), ("u1", 900))))
    found = await alerts(watched, 1)
    alert = found["AWS Root User Acted"]
    assert alert["alert"]["count"] == 2, "one principal, one hour: one alert; the suppressed one is not in it"
    assert alert["event"]["kind"] == "signal"
    assert alert["alert"]["severity"] == "high"
    for pid in await service.worker_pids():
        kill(pid)
    await service.ready()
    put(watched, *(call("ListUsers", "mallory", now - 60_000 * n, errorCode="AccessDenied") for n in (2, 1)))
    put(watched, call("GetCallerIdentity", "alice", now, "203.0.113.99"), call("GetCallerIdentity", "bob", now, "203.0.113.99"))
    put(watched, *(call("ListQueues", user, now - ago) for user, ago in (("ann", 800), ("u1", 700), ("u2", 600))))
    found = await alerts(watched, 3)
    alert = found["Many denied calls of one user"]
    assert (alert["alert"]["count"], alert["alert"]["principal"]["name"]) == (4, "mallory")
    ids = alert["alert"]["evidence"]["id"]
    await watched.client.indices.refresh(index=f"siem-aws.cloudtrail-{watched.project}-*")
    evidence = await watched.client.search(
        index=",".join(alert["alert"]["evidence"]["index"]), body={"query": {"ids": {"values": ids}}}
    )
    assert evidence["hits"]["total"]["value"] == len(ids) == 4
    assert found["A country that is new for a user"]["user"]["name"] == "alice", "bob is new himself: there is no baseline yet"
    put(watched, call("ListQueues", "u3", now - 500))
    news = (await alerts(watched, 4))["Many users that are new in the account"]["alert"]
    assert news["count"] == 3, "those before the kill count, and nobody twice"
    put(watched, call("ListUsers", "mallory", now, errorCode="AccessDenied"))
    async with asyncio.timeout(60):
        while (await alerts(watched, 4))["Many denied calls of one user"]["alert"]["count"] < 5:
            await asyncio.sleep(0.3)
        severe = {"AWS Root User Acted", "Many denied calls of one user", "Many users that are new in the account"}
        while {one["alert"]["rule"]["name"] for one in hook.told} != severe:
            await asyncio.sleep(0.3)
    await asyncio.sleep(2)
    assert (hook.refused, len(hook.told)) == (1, 3), "each alert is told once, after a refusal too"
    assert hook.told[0]["alert"]["event"]["url"].startswith("/app/discover#/")
    code, out, err = await watched.siem("alerts", "list", "--project", watched.project, "--json")
    assert code == 0, err
    listed = {one["rule"]["name"]: one for one in map(json.loads, out.splitlines())}
    assert listed["AWS Root User Acted"]["alert"]["told"] == ["hook"]
