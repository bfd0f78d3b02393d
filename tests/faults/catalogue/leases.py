"""The lease table (DynamoDB): throttled, cut off, lying; and wall clocks that jump."""

from __future__ import annotations

import asyncio

from tests.faults.bulk_proxy import Trick
from tests.faults.catalogue.fault import Fault, moment, until
from tests.faults.stage import Stage

THROTTLED = '{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}'
FAILED = '{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"injected"}'
HOUR_MS = 3_600_000


async def throttled(stage: Stage) -> None:
    await moment(stage)
    trick = stage.leases.play(Trick("answer", times=25, path="/", status=400, body=THROTTLED))
    await until(lambda: trick.hits >= 25, "the table was hardly asked")


async def failing(stage: Stage) -> None:
    await moment(stage)
    trick = stage.leases.play(Trick("answer", times=15, path="/", status=500, body=FAILED))
    await until(lambda: trick.hits >= 15, "the table was hardly asked")


async def answers_lost(stage: Stage) -> None:
    """Writes that happened, and whose answers never came."""
    await moment(stage)
    trick = stage.leases.play(Trick("reset_after", times=10, path="/"))
    await until(lambda: trick.hits >= 10, "the table was hardly asked")


async def away(stage: Stage) -> None:
    """Longer than a lease lives: nobody may act on what it cannot renew."""
    await moment(stage)
    await stage.leases.close()
    await asyncio.sleep(stage.options.outage_seconds)
    await stage.leases.listen()


async def clocks_jump(stage: Stage) -> None:
    for hours in (1, -1, 0):
        await moment(stage)
        stage.turn_clocks(hours * HOUR_MS)
        await asyncio.sleep(1.5)


FAULTS = (
    Fault("lease table throttled", "leases", throttled),
    Fault("lease table fails (500)", "leases", failing),
    Fault("lease table's answers lost after the write", "leases", answers_lost),
    Fault("lease table unreachable beyond the leases' life", "leases", away),
    Fault("wall clocks jump an hour ahead, then back", "leases", clocks_jump),
)
