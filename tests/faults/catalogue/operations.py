"""What operators do on a working day: reload, scale, at a bad moment, with a bad file."""

from __future__ import annotations

import asyncio
import os
import signal

from tests.faults.catalogue.fault import Fault, moment, until
from tests.faults.hostile import KINDS
from tests.faults.producer import LANES
from tests.faults.stage import Stage


async def good_reload(stage: Stage) -> None:
    """Another retention, so another version of the pipeline, while events are under way."""
    await moment(stage)
    file, before = stage.tuning / "aws.vpcflow.yml", stage.processor.said("reloaded")
    days = [days for days in range(10, 90) if not file.exists() or f"retention: {days}d\n" not in file.read_text()]
    file.write_text(f"dataset: aws.vpcflow\nretention: {stage.rng.choice(days)}d\n")
    os.kill(stage.processor.pid, signal.SIGHUP)
    await until(lambda: stage.processor.said("reloaded") > before, "no worker took the new configuration")


async def bad_reload(stage: Stage) -> None:
    """A file that is no YAML, and a worker that dies meanwhile: the others go on with what they have until it is gone."""
    await moment(stage)
    file, before = stage.tuning / "aws.cloudtrail.yml", stage.processor.said("reload_refused")
    file.write_text("drop: [unclosed\n")
    try:
        os.kill(stage.processor.pid, signal.SIGHUP)
        await until(lambda: stage.processor.said("reload_refused") > before, "no worker refused the new configuration")
        refused, starts = stage.processor.said("configuration_refused"), stage.processor.starts
        os.kill(stage.rng.choice(stage.processor.workers()), signal.SIGKILL)
        await until(lambda: stage.processor.said("configuration_refused") > refused, "no worker started with a bad file")
        await stage.flowing()
        assert stage.processor.starts == starts, "one worker's bad start ended the service"
    finally:
        file.unlink()
    os.kill(stage.processor.pid, signal.SIGHUP)


async def scaled(stage: Stage) -> None:
    """From two workers to four and back: two containers join, then leave."""
    await moment(stage)
    more = [stage.process(f"scaled{number}", "both", 1) for number in range(2)]
    for process in more:
        process.start()
    await asyncio.sleep(10.0)
    for process in more:
        await process.stop()
        # On a busy machine a container may be told to end before it has begun anything.
        assert process.exits[-1] in (0, -signal.SIGTERM), f"exit code {process.exits[-1]} after SIGTERM"


async def all_hostile(stage: Stage) -> None:
    """Every kind of bad record at once, on every stream."""
    await moment(stage)
    now = asyncio.get_running_loop().time()
    for lane in LANES:
        for kind in stage.rng.sample(KINDS, len(KINDS)):
            stage.producer.put(lane, kind.dataset, kind.events, now, kind=kind)


FAULTS = (
    Fault("configuration reloaded", "operations", good_reload),
    Fault("bad configuration reloaded, then taken back", "operations", bad_reload),
    Fault("scaled from two workers to four and back", "operations", scaled),
    Fault("a burst of every kind of hostile record", "operations", all_hostile, quick=True),
)
