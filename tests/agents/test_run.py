"""``siem run`` over a real broker: whatever happens to it, every event is stored, and committed only then."""

from __future__ import annotations

import asyncio
import random
import signal

import pytest

from service.agents.lag import LagMeter
from service.clock import SystemClock
from service.settings import Settings
from tests.agents.bulk_double import BulkDouble
from tests.agents.conftest import Service, flow_record, kill, publish, until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

RECORDS, EVENTS = 200, 100
ALL = RECORDS * EVENTS


async def lag_of(settings: Settings) -> int:
    async with LagMeter(settings.kafka, SystemClock()) as meter:
        return sum((await meter.topics()).values())


async def until_no_lag(settings: Settings) -> None:
    async with asyncio.timeout(60):
        while await lag_of(settings):
            await asyncio.sleep(0.5)


async def test_everything_is_stored_after_workers_were_killed_at_random(
    service: Service, settings: Settings, bulk: BulkDouble
) -> None:
    rng = random.Random(6)
    await service.start()
    await service.ready()
    publishing = asyncio.create_task(publish(settings, (flow_record(n, EVENTS) for n in range(RECORDS))))
    for _ in range(3):
        await until(lambda: bulk.ids or publishing.done())
        await asyncio.sleep(rng.uniform(0.2, 1.0))
        for pid in await service.worker_pids():
            kill(pid)
        await asyncio.sleep(0.2)
        await service.ready()
    await publishing
    await until(lambda: len(bulk.ids) == ALL)
    await until_no_lag(settings)
    assert len(bulk.ids) == ALL
    totals = (await service.status())["totals"]
    assert isinstance(totals, dict)
    assert totals["unaccounted"] == 0
    assert await service.stop() == 0


async def test_sigterm_finishes_what_is_under_way_commits_it_and_exits_0(
    service: Service, settings: Settings, bulk: BulkDouble
) -> None:
    await service.start()
    await service.ready()
    await publish(settings, (flow_record(n, EVENTS) for n in range(RECORDS)))
    await until(lambda: bulk.bodies > 0)
    assert await service.stop() == 0
    stored = set(bulk.ids)
    assert all(count == 1 for count in bulk.ids.values())
    await service.start()
    await until(lambda: len(bulk.ids) == ALL)
    assert all(count == 1 for count in bulk.ids.values()), "nothing that was stored before was not committed"
    assert stored <= set(bulk.ids)
    assert await service.stop() == 0


async def test_while_opensearch_is_down_nothing_is_committed_and_sigterm_still_ends(
    service: Service, settings: Settings, bulk: BulkDouble
) -> None:
    bulk.down = True
    await service.start()
    await service.ready()
    await publish(settings, (flow_record(n, EVENTS) for n in range(20)), together=1)
    async with asyncio.timeout(60):
        while not ((await service.status())["holds"]):
            await asyncio.sleep(0.2)
    assert (await service.status())["state"] == "waiting"
    began = asyncio.get_running_loop().time()
    assert await service.stop() == 0
    assert asyncio.get_running_loop().time() - began < 40
    assert not bulk.ids
    bulk.down = False
    await service.start()
    await until(lambda: len(bulk.ids) == 20 * EVENTS)
    await until_no_lag(settings)
    assert await service.stop() == 0


async def test_a_second_sigterm_stops_at_once(service: Service, settings: Settings, bulk: BulkDouble) -> None:
    bulk.down = True
    await service.start()
    await service.ready()
    await publish(settings, (flow_record(n, EVENTS) for n in range(20)), together=1)
    async with asyncio.timeout(60):
        while not ((await service.status())["holds"]):
            await asyncio.sleep(0.2)
    assert service.process is not None
    service.process.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.5)
    began = asyncio.get_running_loop().time()
    assert await service.stop() != 0
    assert asyncio.get_running_loop().time() - began < 5


async def test_workers_do_not_outlive_their_supervisor(service: Service, settings: Settings, bulk: BulkDouble) -> None:
    await service.start()
    await service.ready()
    (worker,) = await service.worker_pids()
    await service.stop(signal.SIGKILL)
    await until(lambda: not alive(worker), 15)


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False
