"""``make soak MINUTES=60``: a load at 80 % of what this machine takes, one random fault a minute, the same oracle at the end.

python -m tests.faults.soak --minutes 60 --document     … and docs/soak.json, docs/soak.svg, docs/reliability.md
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from tests.faults import table
from tests.faults.campaign import Campaign, Report
from tests.faults.catalogue import FAULTS
from tests.faults.oracle import dumps
from tests.faults.plot import Panel, svg
from tests.faults.stage import Options, Stage

SAMPLE_SECONDS = 5.0
FAULT_SECONDS = 60.0
SHARE = 0.8
BURST = 20_000
"""Events put at once to measure how many a second this machine takes."""
RETENTION_MS = 900_000
"""The double keeps its records in memory: a soak must not keep an hour of them."""
GROWTH = 1.35
"""Memory of the last quarter, at most so many times that of the second quarter, still counts as flat."""


@dataclass(slots=True)
class Sample:
    """One moment."""

    seconds: float
    sent: int
    found: int
    lag: int
    collector_mb: float
    processor_mb: float
    files: int


@dataclass(slots=True)
class Soak:
    """What the soak showed."""

    minutes: float
    capacity: int
    rate: int
    report: Report
    samples: list[Sample] = field(default_factory=list)
    marks: list[tuple[float, str]] = field(default_factory=list)

    def flat(self, name: str) -> float:
        """The median of the last quarter over that of the second; 1 is perfectly flat."""
        values = [float(getattr(sample, name)) for sample in self.samples if getattr(sample, name)]
        quarter = max(1, len(values) // 4)
        before = statistics.median(values[quarter : 2 * quarter] or [1.0])
        return statistics.median(values[-quarter:] or [1.0]) / max(before, 1e-9)

    @property
    def passed(self) -> bool:
        """The ledger is at zero, every fault was recovered from, memory and open files do not grow."""
        return self.report.passed and all(self.flat(name) <= GROWTH for name in ("collector_mb", "processor_mb", "files"))

    def data(self) -> dict[str, object]:
        """For JSON."""
        growth = {name: round(self.flat(name), 3) for name in ("collector_mb", "processor_mb", "files")}
        return {
            "minutes": self.minutes, "capacity": self.capacity, "rate": self.rate, "passed": self.passed, "growth": growth,
            "report": self.report.data(), "marks": self.marks, "samples": [asdict(sample) for sample in self.samples],
        }  # fmt: skip

    def svg(self) -> str:
        """Lag, memory and open files over time."""
        seconds = [sample.seconds for sample in self.samples]
        memory = {
            "collector": [sample.collector_mb for sample in self.samples],
            "processors": [sample.processor_mb for sample in self.samples],
        }
        rates = [0.0, *(
            max(0.0, (after.found - before.found) / max(0.1, after.seconds - before.seconds))
            for before, after in zip(self.samples, self.samples[1:], strict=False)
        )]  # fmt: skip
        panels = [
            Panel("events on their way (sent, not yet in OpenSearch)", {"lag": [sample.lag for sample in self.samples]}),
            Panel("indexed, events a second", {"rate": rates}),
            Panel("resident memory, MB, all workers", memory),
            Panel("open files, all workers", {"files": [sample.files for sample in self.samples]}),
        ]
        return svg(seconds, panels, self.marks)


async def capacity(stage: Stage) -> int:
    """Events a second that get through when more wait than can."""
    loop = asyncio.get_running_loop()
    ledger = stage.producer.ledger
    began, before = loop.time(), ledger.events
    while ledger.events - before < BURST:
        stage.producer.send_one(loop.time())
        if len(ledger.records) % 50 == 0:
            await asyncio.sleep(0)
    await stage.recovered()
    return int((ledger.events - before) / (loop.time() - began))


async def keep_sampling(stage: Stage, soak: Soak, began: float) -> None:
    """A sample every few seconds until cancelled; what cannot be asked right now keeps its last value."""
    loop, ledger, found = asyncio.get_running_loop(), stage.producer.ledger, 0
    while True:
        try:
            async with asyncio.timeout(4.0):
                found = sum(await stage.oracle.counts())
        except Exception:  # noqa: BLE001 - a node that is being killed answers in many ways
            pass
        sent = ledger.events + ledger.letters
        collector, more = _used(stage.collector.workers())
        processor, most = _used(stage.processor.workers())
        soak.samples.append(
            Sample(round(loop.time() - began, 1), sent, found, max(0, sent - found), collector, processor, more + most)
        )
        for stream in stage.kinesis.account.streams.values():
            for shard in stream.shards.values():
                shard.trim(stage.kinesis.account.clock.now_ms() - RETENTION_MS)
        await asyncio.sleep(SAMPLE_SECONDS)


def _used(pids: Sequence[int]) -> tuple[float, int]:
    """(resident MB, open files) of processes; of those that just ended, nothing."""
    memory, files = 0.0, 0
    for pid in pids:
        try:
            process = psutil.Process(pid)
            memory += process.memory_info().rss / 1e6
            files += process.num_fds()
        except psutil.Error:
            continue
    return round(memory, 1), files


async def run(minutes: float, seed: int, rate: int, most: int) -> Soak:
    async with Stage(Options(seed=seed, heap="2g", lasting=True)) as stage:
        campaign = Campaign(stage)
        await stage.warm_up()
        measured = await capacity(stage)
        stage.producer.rate = rate or min(most, int(measured * SHARE))
        soak = Soak(minutes, measured, stage.producer.rate, campaign.report)
        print(f"capacity {measured:,} events/s here and now; load {soak.rate:,} events/s", file=sys.stderr)  # noqa: T201 - a person waits
        loop = asyncio.get_running_loop()
        began = loop.time()
        stage.start_load()
        sampling = asyncio.create_task(keep_sampling(stage, soak, began))
        chosen = [fault for fault in FAULTS if fault.soak]
        try:
            while (passed := loop.time() - began) < minutes * 60:
                await asyncio.sleep(min(FAULT_SECONDS - passed % FAULT_SECONDS, minutes * 60 - passed))
                if loop.time() - began < minutes * 60 - FAULT_SECONDS / 2:
                    fault = stage.rng.choice(chosen)
                    soak.marks.append((round(loop.time() - began, 1), fault.name))
                    await campaign.one(fault)
            await campaign.check("the soak")
        finally:
            sampling.cancel()
            await asyncio.gather(sampling, return_exceptions=True)
            if not campaign.report.passed:
                stage.keep_logs(Path("run") / "soak")
        campaign.report.seconds = loop.time() - began
        return soak


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description="A steady load, one random fault a minute.")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--rate", type=int, default=0, help="events a second; default: 80 %% of what is measured first")
    parser.add_argument("--most", type=int, default=2000, help="events a second at most, so that the hour fits the disk")
    parser.add_argument("--json", type=Path, default=Path("run") / "soak.json")
    parser.add_argument("--document", action="store_true", help="write docs/soak.json, docs/soak.svg and docs/reliability.md")
    chosen = parser.parse_args()
    soak = asyncio.run(run(chosen.minutes, chosen.seed, chosen.rate, chosen.most))
    chosen.json.parent.mkdir(parents=True, exist_ok=True)
    chosen.json.write_text(dumps(soak.data()) + "\n")
    chosen.json.with_suffix(".svg").write_text(soak.svg())
    if chosen.document:
        table.write_soak(json.loads(dumps(soak.data())), soak.svg())
    print(table.show(soak.report))  # noqa: T201 - a command's answer
    print(table.soak_summary(json.loads(dumps(soak.data()))))  # noqa: T201 - as above
    return 0 if soak.passed else 1


if __name__ == "__main__":
    sys.exit(main())
