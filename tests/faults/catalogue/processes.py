"""Processes that are killed, stopped, frozen; at random moments and at named points."""

from __future__ import annotations

import asyncio
import os
import signal

from tests.faults.catalogue.fault import Fault, Inject, gone, moment
from tests.faults.stage import Stage

FROZEN_SECONDS = 9.0
"""Longer than the lease (3 s) and the group's session (6 s)."""


def _signal(pid: int, sign: signal.Signals) -> None:
    try:
        os.kill(pid, sign)
    except ProcessLookupError:
        return


async def kill_collector(stage: Stage) -> None:
    await moment(stage)
    for pid in stage.collector.workers():
        _signal(pid, signal.SIGKILL)


async def kill_one_processor(stage: Stage) -> None:
    await moment(stage)
    workers = stage.processor.workers()
    if workers:
        _signal(stage.rng.choice(workers), signal.SIGKILL)


async def kill_everything(stage: Stage) -> None:
    await moment(stage)
    await asyncio.gather(stage.collector.killed(), stage.processor.killed())


async def kill_supervisor(stage: Stage) -> None:
    await moment(stage)
    _signal(stage.processor.pid, signal.SIGKILL)


async def terminate_collector(stage: Stage) -> None:
    await moment(stage)
    await stage.collector.stop()
    assert stage.collector.exits[-1] == 0, f"exit code {stage.collector.exits[-1]} after SIGTERM"
    stage.collector.start()


async def terminate_processor(stage: Stage) -> None:
    await moment(stage)
    await stage.processor.stop()
    assert stage.processor.exits[-1] == 0, f"exit code {stage.processor.exits[-1]} after SIGTERM"
    stage.processor.start()


async def terminate_one_worker(stage: Stage) -> None:
    await moment(stage)
    workers = stage.processor.workers()
    if workers:
        _signal(stage.rng.choice(workers), signal.SIGTERM)


async def terminate_twice(stage: Stage) -> None:
    """The second SIGTERM means at once."""
    await moment(stage)
    pid = stage.processor.pid
    _signal(pid, signal.SIGTERM)
    await asyncio.sleep(stage.rng.uniform(0.0, 0.4))
    _signal(pid, signal.SIGTERM)


async def freeze_collector(stage: Stage) -> None:
    await moment(stage)
    workers = stage.collector.workers()
    for pid in workers:
        _signal(pid, signal.SIGSTOP)
    # Another collector takes the leases meanwhile; the frozen one wakes up as an owner that no longer is one.
    rescuer = stage.process("rescuer", "collect", 1)
    rescuer.start()
    try:
        await asyncio.sleep(FROZEN_SECONDS)
        for pid in workers:
            _signal(pid, signal.SIGCONT)
        await asyncio.sleep(2.0)
    finally:
        await rescuer.stop()


async def freeze_one_processor(stage: Stage) -> None:
    await moment(stage)
    workers = stage.processor.workers()
    if not workers:
        return
    pid = stage.rng.choice(workers)
    _signal(pid, signal.SIGSTOP)
    await asyncio.sleep(FROZEN_SECONDS)
    _signal(pid, signal.SIGCONT)


def at_point(name: str) -> Inject:
    async def inject(stage: Stage) -> None:
        await moment(stage)
        await gone(stage.point(name))

    return inject


async def at_shard_end(stage: Stage) -> None:
    """Die between making the children's leases and ending the parent."""
    file = stage.point("after_children_before_shard_end")
    stream = stage.kinesis.account.stream("shop-prod-security")
    shard = stream.open_shards[0]
    stream.split(shard.shard_id, (shard.hash_range[0] + shard.hash_range[1]) // 2 + 1)
    await gone(file)


async def torn_journal(stage: Stage) -> None:
    """Everything is killed, and the local state file is found torn."""
    await moment(stage)
    await stage.processor.killed()
    for file in (stage.stack.folder / "processor" / "state").glob("*.journal"):
        size = file.stat().st_size
        with file.open("r+b") as torn:
            torn.write(stage.rng.randbytes(size // 2))


FAULTS = (
    Fault("collector killed (kill -9)", "processes", kill_collector),
    Fault("one of two processors killed (kill -9)", "processes", kill_one_processor),
    Fault("all processes killed at once", "processes", kill_everything),
    Fault("supervisor killed (kill -9)", "processes", kill_supervisor),
    Fault("local state file torn after a kill", "processes", torn_journal),
    Fault("collector stopped (SIGTERM)", "processes", terminate_collector),
    Fault("processor stopped (SIGTERM)", "processes", terminate_processor),
    Fault("one worker stopped (SIGTERM)", "processes", terminate_one_worker),
    Fault("SIGTERM twice", "processes", terminate_twice),
    Fault("collector frozen beyond its leases, another takes over", "processes", freeze_collector),
    Fault("processor frozen beyond its session", "processes", freeze_one_processor),
    Fault("killed after GetRecords", "processes", at_point("after_get_records")),
    Fault("killed after produce, before the checkpoint", "processes", at_point("after_produce_before_checkpoint"), quick=True),
    Fault("killed right after the checkpoint", "processes", at_point("after_checkpoint")),
    Fault("killed before routing a message", "processes", at_point("before_route")),
    Fault("killed in the middle of a bulk", "processes", at_point("mid_bulk")),
    Fault("killed after the bulk, before the commit", "processes", at_point("after_bulk_before_commit"), quick=True),
    Fault("killed in the middle of a dead letter", "processes", at_point("mid_dead_letter_write")),
    Fault("killed after a dead letter, before the commit", "processes", at_point("after_dead_letter_write")),
    Fault("killed after a dead letter was indexed", "processes", at_point("after_dead_letter_index")),
    Fault("killed between a shard's end and its children", "processes", at_shard_end),
)
