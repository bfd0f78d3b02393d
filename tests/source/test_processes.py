"""Real processes, killed and paused at random: every record arrives, checkpoints never go back."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

import pytest

from service.local.kinesis import KinesisDouble
from service.source.kinesis.lease import Lease
from tests.source.running import MODES, SWIFT, leases, put, until


async def start(url: str, mode: str, folder: Path) -> asyncio.subprocess.Process:
    log = (folder / "log").open("ab")
    with log:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.source.worker_process", url, mode, str(folder), stdout=log, stderr=log
        )


def got(folder: Path) -> set[bytes]:
    return {line for path in folder.glob("*.got") for line in path.read_bytes().splitlines()}


def check_forward(before: dict[str, Lease], after: dict[str, Lease]) -> None:
    for shard, lease in before.items():
        if shard in after:
            assert after[shard].checkpoint.rank >= lease.checkpoint.rank


@pytest.mark.parametrize("mode", MODES)
async def test_workers_that_are_killed_and_paused_lose_nothing(mode: str, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(10_000)
    print(f"seed {seed}")  # noqa: T201 -- shown when it fails, to play it again
    rng = random.Random(seed)
    async with KinesisDouble(limits=SWIFT) as double:
        stream = double.account.create("logs", 3)
        workers = [await start(double.url, mode, tmp_path) for _ in range(2)]
        sent: set[bytes] = set()
        known: dict[str, Lease] = {}
        try:
            await until(lambda: (tmp_path / "leases").exists(), 30)
            for step in range(5):
                sent |= {line.strip() for line in put(stream, 60, f"step {step}")}
                await asyncio.sleep(rng.uniform(0.3, 0.9))
                victim = rng.randrange(2)
                if rng.random() < 0.5:
                    os.kill(workers[victim].pid, signal.SIGKILL)
                    await workers[victim].wait()
                    workers[victim] = await start(double.url, mode, tmp_path)
                else:
                    os.kill(workers[victim].pid, signal.SIGSTOP)
                    await asyncio.sleep(rng.uniform(1.6, 2.5))
                    os.kill(workers[victim].pid, signal.SIGCONT)
                if step == 2:
                    stream.rescale(4)
                now = await leases(tmp_path / "leases")
                check_forward(known, now)
                known |= now
            await until(lambda: {line.strip() for line in got(tmp_path)} == sent, 40)
        finally:
            for worker in workers:
                if worker.returncode is None:
                    worker.kill()
                    await worker.wait()
