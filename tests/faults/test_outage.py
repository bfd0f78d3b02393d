"""OpenSearch is down for long while the input goes on: memory stays bounded, the reason is shown, all arrives once afterwards.

``SIEM_FAULT_OUTAGE_SECONDS`` (60) and ``SIEM_FAULT_OUTAGE_RATE`` (600 events a second) make it longer and harder;
``SIEM_FAULT_OUTAGE_JSON`` names a file for the samples.
"""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import aiohttp
import psutil
import pytest
import yaml

from service.clock import SystemClock
from tests.faults.stage import Options, Stage

SECONDS = float(os.environ.get("SIEM_FAULT_OUTAGE_SECONDS", "60"))
RATE = int(os.environ.get("SIEM_FAULT_OUTAGE_RATE", "600"))
MOST_MB = 400.0
"""Resident memory that no worker may exceed."""
_STEP = 1.0
_FLOOD = ("aws.vpcflow", "aws.cloudwatch")
_FIRST = "aws.cloudtrail"

pytestmark = [pytest.mark.faults, pytest.mark.stack, pytest.mark.timeout(SECONDS * 4 + 600)]


@dataclass(slots=True)
class Report:
    """What was seen, second by second."""

    seconds: float = SECONDS
    rate: int = RATE
    sent: int = 0
    peak_mb: dict[str, float] = field(default_factory=dict)
    memory: list[tuple[float, float, float]] = field(default_factory=list)
    """(second, collector MB, processor MB), the largest worker of each."""
    lag: list[tuple[float, int]] = field(default_factory=list)
    """(second, messages that wait in Kafka)."""
    holds: set[str] = field(default_factory=set)
    """Reasons the status page gave while nothing moved."""
    drained_seconds: dict[str, float] = field(default_factory=dict)
    """Seconds after OpenSearch was back until all that was sent before had arrived, by dataset."""

    def measure(self, second: float, stage: Stage) -> None:
        """Note the largest worker of each process."""
        collector, processor = _largest(stage.collector.workers()), _largest(stage.processor.workers())
        for name, resident in (("collector", collector), ("processor", processor)):
            self.peak_mb[name] = max(self.peak_mb.get(name, 0.0), resident)
        self.memory.append((round(second, 1), collector, processor))

    def said(self) -> str:
        """As JSON."""
        return json.dumps({**asdict(self), "holds": sorted(self.holds)})


def _largest(pids: list[int]) -> float:
    return max((round(psutil.Process(pid).memory_info().rss / 1e6, 1) for pid in pids), default=0.0)


async def _status(stage: Stage) -> dict[str, list[dict[str, object]]]:
    config = yaml.safe_load((stage.stack.folder / "processor" / "siem.yml").read_text())
    url = f"http://127.0.0.1:{config['admin']['port']}/status.json"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        found: dict[str, list[dict[str, object]]] = await answer.json()
    return found


async def _by_dataset(stage: Stage) -> dict[str, int]:
    await stage.client.indices.refresh(index="siem-*", params={"ignore_unavailable": "true"})
    body = {"size": 0, "aggs": {"by": {"terms": {"field": "event.dataset", "size": 50}}}}
    answer = await stage.client.search(index="siem-all", body=body, params={"request_timeout": 30})
    return {bucket["key"]: bucket["doc_count"] for bucket in answer["aggregations"]["by"]["buckets"]}


async def _outage(stage: Stage, report: Report) -> None:
    """Down for SECONDS; then back, while the samples go on until everything that was sent has arrived."""
    clock = SystemClock()
    began = clock.monotonic()
    stage.start_load()
    await clock.sleep(3)
    await stage.stack.kill("opensearch")
    while clock.monotonic() - began < SECONDS:
        await clock.sleep(_STEP)
        second = clock.monotonic() - began
        report.measure(second, stage)
        status = await _status(stage)
        report.lag.append((round(second, 1), sum(int(str(row["lag"])) for row in status["kafka"])))
        report.holds |= {str(hold["code"]) for hold in status["holds"]}
    await stage.pause_load()
    await _keep(report)
    report.sent = stage.producer.ledger.events
    sent: dict[str, int] = {}
    for one in stage.producer.ledger.records:
        if not one.codes:
            sent[one.dataset] = sent.get(one.dataset, 0) + one.count
    await stage.stack.revive("opensearch")
    back = clock.monotonic()
    while set(sent) - set(report.drained_seconds) and clock.monotonic() - back < SECONDS * 2 + 300:
        await clock.sleep(_STEP)
        report.measure(clock.monotonic() - began, stage)
        found = await _by_dataset(stage)
        for dataset, count in sent.items():
            if found.get(dataset, 0) >= count:
                report.drained_seconds.setdefault(dataset, round(clock.monotonic() - back, 1))


async def _letters_too(stage: Stage) -> None:
    """Dead letters wait in Kafka, try for themselves, half a minute apart by now: nothing is missing before they had time."""
    clock = SystemClock()
    until = clock.monotonic() + 240
    while (await stage.oracle.counts())[1] < stage.producer.ledger.letters and clock.monotonic() < until:
        await clock.sleep(_STEP)


async def _keep(report: Report) -> None:
    if file := os.environ.get("SIEM_FAULT_OUTAGE_JSON"):
        await asyncio.to_thread(Path(file).write_text, report.said())


async def test_an_outage_of_opensearch_costs_no_event_and_no_memory() -> None:
    report = Report()
    async with Stage(Options(seed=11, rate=RATE, workers=1)) as stage:
        await stage.warm_up()
        try:
            await _outage(stage, report)
            await _letters_too(stage)
            verdict = await stage.settled()
        finally:
            await _keep(report)
    assert verdict.exact, str(verdict)
    assert max(report.peak_mb.values()) < MOST_MB, report.peak_mb
    assert report.holds, "the status page gave no reason"
    assert report.lag[-1][1] > report.lag[0][1], "the lag was not seen to grow"
    slowest = max(report.drained_seconds.get(dataset, 0.0) for dataset in _FLOOD)
    assert report.drained_seconds[_FIRST] <= slowest, report.drained_seconds
