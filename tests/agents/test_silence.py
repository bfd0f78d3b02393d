"""The watch in a real service: beats over Kafka, the judge in a worker, the alert in OpenSearch, the verb."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiokafka import AIOKafkaProducer
from opensearchpy import AsyncOpenSearch

from service.agents.beats import KEY, Beat, Read
from service.agents.topics import TopicNames
from service.build.templates import components, own_indices, own_template
from service.clock import SystemClock
from service.content import find_content
from service.settings import OpenSearch, load_settings
from service.silence.arrivals import Heard
from service.sink.opensearch.client import connect
from tests.agents.conftest import CHECKOUT, Service

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]  # beats come every 15 s, and silence takes its time


@pytest.fixture
async def client(opensearch: str) -> AsyncIterator[AsyncOpenSearch]:
    client = connect(OpenSearch(urls=[opensearch]))
    content = find_content()
    for name, body in components(content).items():
        await client.cluster.put_component_template(name=name, body=body)
    for name in ("alerts", "cadence"):
        body = own_template(name, own_indices(content)[name], content)
        await client.indices.put_index_template(name=f"siem-{name}", body=body)
    yield client
    await client.close()


@pytest.fixture
async def hook() -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook's address, and what it is told."""
    told: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        told.append(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/hook", told
    await runner.cleanup()


@pytest.fixture
def watched(config: Path, opensearch: str, hook: tuple[str, list[dict[str, Any]]], tmp_path: Path) -> Path:
    """The settings with a real OpenSearch, rules of silence and a channel."""
    alerts = tmp_path / "alerts.yml"
    alerts.write_text(f'channels: {{ hook: {{ webhook: {{ url: "{hook[0]}" }}, least: medium }} }}\n')
    rules = tmp_path / "silence.yml"
    rules.write_text("overrides: [{ dataset: aws.vpcflow, within: 30s }]\n")
    text = [line for line in config.read_text().splitlines() if not line.startswith("opensearch:")]
    text += [f'opensearch: {{ urls: ["{opensearch}"] }}', f'silence: {{ rules: "{rules}" }}', f'detect: {{ alerts: "{alerts}" }}']
    config.write_text("\n".join(text))
    return config


async def beat(path: Path, *heard: Heard, project: str) -> None:
    """Say what a collector and a worker elsewhere say."""
    settings, now_ms = load_settings(path, {}), SystemClock().now_ms()
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka.servers)
    await producer.start()
    told = Beat("elsewhere", now_ms, list(heard), [Read((project, "prod", "audit"), now_ms, 1, 1)])
    await producer.send_and_wait(TopicNames(settings.kafka.topic_prefix).beats, msgspec.msgpack.encode(told), key=KEY)
    await producer.stop()


async def sources(path: Path) -> tuple[int | None, list[dict[str, object]]]:
    """What ``siem sources --json`` says, with its exit code."""
    arguments = [sys.executable, "-m", "service", "sources", "--config", str(path), "--json"]
    process = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE, cwd=CHECKOUT)
    out, _ = await process.communicate()
    return process.returncode, [json.loads(line) for line in out.splitlines()]


async def test_a_source_falls_silent_in_a_real_service_and_somebody_is_told(
    watched: Path, hook: tuple[str, list[dict[str, Any]]], client: AsyncOpenSearch, unique: str, tmp_path: Path
) -> None:
    service = Service(watched, "--role", "process", log=tmp_path / "log")
    await service.start()
    try:
        await service.ready(90)
        heard = Heard((unique, "prod", "audit", "aws.vpcflow"), SystemClock().now_ms(), set())
        await beat(watched, heard, project=unique)
        async with asyncio.timeout(240):
            while True:
                status = (await service.status())["sources"]
                assert isinstance(status, list)
                if any(line["dataset"] == "aws.vpcflow" and line["state"] == "silent" for line in status):
                    break
                await asyncio.sleep(5)
                await beat(watched, project=unique)
        async with asyncio.timeout(60):
            while not hook[1]:
                await asyncio.sleep(0.2)
        [told] = hook[1]
        assert told["title"] == f"[medium] Source fell silent · {unique}/prod"
        assert "aws.vpcflow on stream audit fell silent" in told["text"]
        async with asyncio.timeout(60):
            while True:
                await client.indices.refresh(index=f"siem-alerts-{unique}-*")
                [hit] = (await client.search(index=f"siem-alerts-{unique}-*"))["hits"]["hits"]
                if hit["_source"]["alert"].get("told") == ["hook"]:
                    break
                await asyncio.sleep(0.2)
        assert hit["_source"]["silence"]["dataset"] == ["aws.vpcflow"]
        await asyncio.sleep(1)
        code, [line] = await sources(watched)
        assert code == 1
        assert (line["dataset"], line["state"], line["patience_seconds"]) == ("aws.vpcflow", "silent", 30)
        assert line["alert"] == {"index": hit["_index"], "id": hit["_id"]}
    finally:
        await service.stop()
        await client.indices.delete(
            index=f"siem-cadence-{unique}-*,siem-alerts-{unique}-*", params={"ignore_unavailable": "true"}
        )
