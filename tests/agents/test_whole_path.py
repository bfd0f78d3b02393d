"""From the stream to the index with both roles apart: killed in the middle, and still everything exactly once."""

from __future__ import annotations

import asyncio
import random
import signal
from pathlib import Path

import pytest

from service.local.kinesis import KinesisDouble
from tests.agents.bulk_double import BulkDouble
from tests.agents.conftest import Service, flow_record, until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

RECORDS, EVENTS = 150, 50


@pytest.fixture
def streams(config: Path, kinesis: KinesisDouble) -> Path:
    """``streams.yml`` beside the configuration: one project, one stream of the double."""
    kinesis.account.create("audit", 2)
    path = config.parent / "streams.yml"
    path.write_text(
        f"""
projects:
  - id: shop
    environment: prod
    region: eu-central-1
    endpoint_url: {kinesis.url}
    streams: [{{ name: audit }}]
""",
        encoding="utf-8",
    )
    return path


async def test_killing_collector_and_processor_loses_and_doubles_nothing(
    config: Path,
    streams: Path,
    kinesis: KinesisDouble,
    bulk: BulkDouble,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in (("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x"), ("SIEM_LEASES_DURATION_SECONDS", "2")):
        monkeypatch.setenv(name, value)
    rng = random.Random(11)
    collector = Service(config, "--role", "collect", log=tmp_path / "collect.log")
    processor = Service(config, "--role", "process", log=tmp_path / "process.log")
    await asyncio.gather(collector.start(), processor.start())

    async def produce() -> None:
        stream = kinesis.account.stream("audit")
        for number in range(RECORDS):
            stream.shard_for(key := f"k{number}").put(flow_record(number, EVENTS).data, key)
            await asyncio.sleep(0.02)

    producing = asyncio.create_task(produce())
    for victim in (collector, processor, collector):
        await until(lambda: bulk.ids)
        await asyncio.sleep(rng.uniform(0.5, 2.0))
        await victim.stop(signal.SIGKILL)
        await victim.start()
    await producing
    await until(lambda: len(bulk.ids) >= RECORDS * EVENTS, 120)
    assert len(bulk.ids) == RECORDS * EVENTS
    assert await collector.stop() == 0
    assert await processor.stop() == 0
    statuses = [line["event"] for line in collector.lines()]
    assert "worker_crashed" not in statuses
