"""A deployment of a test's own: real Kafka and OpenSearch, the Kinesis double, ``siem run`` and other verbs as processes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from opensearchpy import AsyncOpenSearch

from service.demo.api_calls import api_call
from service.demo.logs import flow, request
from service.demo.projects import PROJECTS
from service.demo.wire import broken, subscription
from service.local.kinesis import KinesisDouble
from tests.agents.conftest import CHECKOUT, Service
from tests.hits import hits_of

SHOP = PROJECTS[0]
AWS = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_EC2_METADATA_DISABLED": "true"}
_NO_EVENTS = "-siem-ledger-*,-siem-alerts-*,-siem-cadence-*,-siem-baselines-*,-siem-drift-*"
Documents = dict[tuple[str, str], dict[str, Any]]


@dataclass(slots=True)
class Deployment:
    """One project of its own in the shared cluster."""

    config: Path
    project: str
    kinesis: KinesisDouble
    client: AsyncOpenSearch
    service: Service
    rng: Random = field(default_factory=lambda: Random(3))

    async def siem(self, *arguments: str) -> tuple[int, str, str]:
        """Run a verb to its end: exit code, stdout, stderr."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "service", *arguments, "--config", str(self.config),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=CHECKOUT, env=os.environ | AWS,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), err.decode()

    async def replay(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """``siem replay … --json``: exit code and counts."""
        code, out, err = await self.siem("replay", *arguments, "--project", self.project, "--json")
        assert code in (0, 1), err
        return code, json.loads(out)

    def put(self, stream: str, data: bytes) -> None:
        """One record from a producer."""
        key = f"k{self.rng.getrandbits(64)}"
        self.kinesis.account.stream(stream).shard_for(key).put(data, key)

    def put_traffic(self, stream: str, records: int) -> int:
        """Records of every kind of identity, one in ten broken; how many events they hold, broken ones included."""
        rng, events, now = self.rng, 0, self.kinesis.account.clock.now_ms()
        for number in range(records):
            match number % 10:
                case 0:
                    data, held = broken(rng, SHOP, now), 1
                case 1 | 2 | 3:
                    lines = [request(rng, SHOP, now) for _ in range(5)]
                    data, held = "\n".join(lines).encode(), 5
                case 4 | 5 | 6:
                    data = subscription(rng, SHOP, "/vpcflow/x", "eni-0-all", [flow(rng, SHOP, now) for _ in range(5)], now)
                    held = 5
                case _:
                    calls = [api_call(rng, SHOP, now) for _ in range(5)]
                    data, held = subscription(rng, SHOP, "/cloudtrail/management", "trail", calls, now), 5
            self.put(stream, data)
            events += held
        return events

    async def documents(self) -> Documents:
        """Every event and dead letter of this project, by index and id, but for the moment it was ingested."""
        pattern = f"siem-*-{self.project}-*,{_NO_EVENTS}"
        documents: Documents = {}
        for hit in await hits_of(self.client, pattern):
            source = hit["_source"]
            source["event"].pop("ingested", None)
            documents[hit["_index"], hit["_id"]] = source
        return documents

    async def holds(self, count: int, seconds: float = 60) -> Documents:
        """The documents, once there are so many; fails when there are not in time."""
        documents: Documents = {}
        async with asyncio.timeout(seconds):
            while len(documents) < count:
                await asyncio.sleep(0.3)
                documents = await self.documents()
        assert len(documents) == count, Counter(index for index, _ in documents)
        return documents

    async def delete(self) -> None:
        """Lose every event of this project."""
        pattern = f"siem-*-{self.project}-*,{_NO_EVENTS}"
        await self.client.indices.delete(index=pattern, params={"ignore_unavailable": "true"})
