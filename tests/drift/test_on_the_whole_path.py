"""From Kinesis to ``siem drift``: a column that nobody knows is found, named with a document that has it, and can be taken in."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from service.demo.logs import flow
from service.demo.wire import subscription
from tests.replay.conftest import deployment as deployment
from tests.replay.deployment import SHOP, Deployment

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]


async def drift(deployment: Deployment) -> dict[tuple[str, str, str], dict[str, Any]]:
    code, out, err = await deployment.siem("drift", "--project", deployment.project, "--json")
    assert code in (0, 2), err  # 2: an index has just come into being, and OpenSearch cannot search it yet
    told = [json.loads(line) for line in out.splitlines()]
    return {(each["kind"], each["path"], each["value"]): each for each in told}


async def test_what_no_pipeline_knows_is_counted_and_named(deployment: Deployment) -> None:
    now = deployment.kinesis.account.clock.now_ms()
    plain = [flow(deployment.rng, SHOP, now) for _ in range(5)]
    lines = [f"{line} surprise" for line in plain]
    lines += [flow(deployment.rng, SHOP, now).replace("ACCEPT", "MAYBE").replace("REJECT", "MAYBE")]
    deployment.put("logs", subscription(deployment.rng, SHOP, "/vpcflow/x", "eni-0-all", lines, now))
    await deployment.service.start()
    await deployment.service.ready()
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    async with asyncio.timeout(60):
        while len(found) < 2:
            found = await drift(deployment)
    documents = await deployment.holds(6)
    column, value = found["column", "extra[1]", ""], found["value", "event.action", "MAYBE"]
    assert (column["dataset"], column["environment"]) == ("aws.vpcflow", "prod")
    assert (column["count"], column["example"]) == (5, "surprise")
    assert (value["count"], value["pipeline_version"]) == (1, column["pipeline_version"])
    for each in (column, value):
        assert (each["document"]["index"], each["document"]["id"]) in documents
    assert "aws.vpcflow.column_15: { type: keyword" in column["fields_yml"][0]
    assert [line["section"] for line in column["pipeline_yml"]] == ["columns", "move"]
    assert {line["section"] for line in value["pipeline_yml"]} == {"translate", "classify"}
    # Drained and started anew, another process adds to what the first one told.
    await deployment.service.stop()
    deployment.put("logs", subscription(deployment.rng, SHOP, "/vpcflow/x", "eni-0-all", lines[:1], now))
    await deployment.service.start()
    await deployment.service.ready()
    async with asyncio.timeout(60):
        while found["column", "extra[1]", ""]["count"] < 6:
            found = await drift(deployment) or found
    assert found["column", "extra[1]", ""]["count"] == 6
    code, out, _ = await deployment.siem("drift", "--project", deployment.project, "--dataset", "aws.vpcflow", "--fail")
    assert code == 1
    assert "extra[1]" in out
