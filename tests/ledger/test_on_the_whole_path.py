"""From Kinesis to ``siem ledger``: workers killed in the middle, and every event still has one fate; a lost one is named."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.agents.conftest import kill
from tests.replay.conftest import deployment as deployment
from tests.replay.deployment import Deployment

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
