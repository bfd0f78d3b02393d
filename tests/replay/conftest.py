"""The deployment that replays are tried on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from opensearchpy import AsyncOpenSearch

from service.agents.topics import TopicNames, create_topics
from service.clock import SystemClock
from service.local.kinesis import KinesisDouble
from service.settings import load_settings
from tests.agents.conftest import Service
from tests.replay.deployment import AWS, SHOP, Deployment


@pytest.fixture
async def deployment(
    kafka: str, templates: str, kinesis: KinesisDouble, unique: str, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Deployment]:
    """Not running yet; streams ``logs`` (two shards) and templates are there."""
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
    kinesis.account.create("logs", 2)
    (tmp_path / "streams.yml").write_text(
        f"""
projects:
  - {{ id: {unique}, environment: prod, accounts: ["{SHOP.account}"], region: eu-west-1, endpoint_url: "{kinesis.url}",
      streams: [{{ name: logs }}] }}
""",
        encoding="utf-8",
    )
    config = tmp_path / "siem.yml"
    config.write_text(
        f"""
kafka: {{ servers: ["{kafka}"], group: {unique}, instance: {unique}, topic_prefix: "{unique}-", partitions: 2 }}
opensearch: {{ urls: ["{templates}"], bulk_wait_seconds: 0.2 }}
leases: {{ duration_seconds: 3 }}
process: {{ drain_seconds: 10 }}
admin: {{ port: 0 }}
paths: {{ pipelines: "{few}", state: "{tmp_path / "state"}" }}
""",
        encoding="utf-8",
    )
    settings = load_settings(config, {})
    topics = TopicNames(settings.kafka.topic_prefix).all(_datasets(few))
    await create_topics(settings.kafka, topics, SystemClock())
    client = AsyncOpenSearch([templates], timeout=60)
    service = Service(config, log=tmp_path / "log")
    made = Deployment(config, unique, kinesis, client, service)
    yield made
    if service.process is not None:
        await service.stop()
    await client.indices.delete(index=f"siem-*-{unique}-*", params={"ignore_unavailable": "true"})
    await client.close()
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.delete_topics(topics)
    await admin.close()


def _datasets(pipelines: Path) -> list[str]:
    return sorted(path.parent.name for path in pipelines.glob("*/pipeline.yml"))
