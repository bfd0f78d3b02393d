"""``siem replay stream``: a range of the stream once more restores what was lost and doubles nothing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from tests.replay.deployment import Deployment

pytestmark = [pytest.mark.stack, pytest.mark.timeout(500)]


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


async def test_a_range_restores_exactly_what_was_deleted_and_twice_changes_nothing(deployment: Deployment) -> None:
    events = deployment.put_traffic("logs", 40)
    deployment.kinesis.account.stream("logs").rescale(3)
    events += deployment.put_traffic("logs", 40)
    await deployment.service.start()
    before = await deployment.holds(events)
    await deployment.delete()

    code, dry = await deployment.replay("stream", "--since", "1h", "--dry-run")
    letters = dry["dead_lettered"]
    assert (code, letters) == (1, 8)
    assert (dry["records"], dry["events"], dry["unseen"], dry["already_there"]) == (80, events, events - letters, 0)
    assert await deployment.documents() == {}

    code, counts = await deployment.replay("stream", "--stream", "logs", "--since", "1h")
    assert counts["indexed"] == events - letters, counts
    assert (code, counts["unseen"], counts["dead_lettered"]) == (1, 0, letters)
    after = await deployment.holds(events)
    assert after == before

    _, counts = await deployment.replay("stream", "--since", "1h")
    assert (counts["already_there"], counts["indexed"], counts["unseen"]) == (events - letters, 0, 0)
    assert await deployment.documents() == before
    code, out, _ = await deployment.siem("ledger", "--project", deployment.project, "--wait", "30", "--json")
    assert code == 0, out


async def test_a_replay_beside_live_traffic_loses_and_doubles_nothing(deployment: Deployment) -> None:
    events = deployment.put_traffic("logs", 60)
    await deployment.service.start()
    before = await deployment.holds(events)
    await deployment.delete()
    live = 0

    async def go_on() -> None:
        nonlocal live
        while True:
            live += deployment.put_traffic("logs", 10)
            await asyncio.sleep(0.3)

    producing = asyncio.create_task(go_on())
    started = deployment.kinesis.account.clock.now_ms()
    _, counts = await deployment.replay("stream", "--since", "1h", "--until", iso(started))
    producing.cancel()
    assert counts["records"] == 60
    assert (counts["unseen"], counts["indexed"]) == (0, events - counts["dead_lettered"]), counts
    after = await deployment.holds(events + live)
    assert {place: after[place] for place in before} == before
