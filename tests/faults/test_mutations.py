"""The oracle itself is tested: each of four deliberate bugs, switched into the running service, must turn it red."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from tests.faults.bulk_proxy import Trick, item_error
from tests.faults.catalogue.fault import until
from tests.faults.catalogue.operations import all_hostile
from tests.faults.oracle import Verdict
from tests.faults.stage import Options, Stage

pytestmark = [pytest.mark.faults, pytest.mark.stack, pytest.mark.timeout(1800)]


async def kill_during_slow_bulks(stage: Stage) -> None:
    trick = stage.search.play(Trick("slow", times=-1, seconds=3.0))
    await until(lambda: trick.hits >= 2, "no bulk came")
    await asyncio.sleep(1.5)  # commits are made once a second
    await stage.processor.killed()
    stage.search.behave()


async def refuse_half_for_now(stage: Stage) -> None:
    busy = item_error(429, "rejected_execution_exception", "injected")
    trick = stage.search.play(Trick("items", times=4, refuse=lambda *_: busy if stage.rng.random() < 0.5 else None))
    await until(lambda: trick.hits >= 4, "no bulk came")


async def reset_after_storing(stage: Stage) -> None:
    trick = stage.search.play(Trick("reset_after", times=3))
    await until(lambda: trick.hits >= 3, "no bulk came")


@dataclass(frozen=True)
class Mutation:
    """A bug, what brings it to light, and what the oracle must then say."""

    name: str
    trigger: Callable[[Stage], Awaitable[None]]
    shows: Callable[[Verdict], int]


MUTATIONS = (
    Mutation("commit_before_bulk", kill_during_slow_bulks, lambda verdict: len(verdict.missing)),
    Mutation("drop_429_items", refuse_half_for_now, lambda verdict: len(verdict.missing)),
    Mutation("auto_generated_id", reset_after_storing, lambda verdict: len(verdict.doubled)),
    Mutation("swallow_parse_error", all_hostile, lambda verdict: verdict.letters_missing.total()),
)


async def observed(stage: Stage, mutation: str, *triggers: Callable[[Stage], Awaitable[None]]) -> Verdict:
    """The verdict about a fresh load, with a bug in the processor ("" for none) while the triggers do their work."""
    await stage.begin_anew(mutation)
    await stage.flowing()
    stage.start_load()
    for trigger in triggers:
        await asyncio.sleep(2.0)
        await trigger(stage)
    await asyncio.sleep(2.0)
    await stage.pause_load()
    return await stage.settled()


async def test_each_deliberate_bug_turns_the_oracle_red_and_none_leaves_it_green() -> None:
    async with Stage(Options(seed=3, workers=1)) as stage:
        await stage.warm_up()
        healthy = await observed(stage, "", *(mutation.trigger for mutation in MUTATIONS))
        assert healthy.exact, healthy
        for mutation in MUTATIONS:
            verdict = await observed(stage, mutation.name, mutation.trigger)
            assert not verdict.exact, mutation.name
            assert mutation.shows(verdict) > 0, f"{mutation.name}: {verdict}"
