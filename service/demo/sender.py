"""Puts traffic on the projects' streams and keeps the ledger: for every record that Kinesis acknowledged, what is in it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from service.demo import attack, wire
from service.demo.logs import EVENTS
from service.demo.projects import PROJECTS, DemoProject

if TYPE_CHECKING:
    from types_aiobotocore_kinesis import KinesisClient
    from types_aiobotocore_kinesis.type_defs import PutRecordsRequestEntryTypeDef

TICK = 0.25
"""Seconds between two puts of a project."""
BROKEN = 0.004
"""Part of the records that nobody can use."""
DEAD = "dead letters"
"""Stands for a dataset in the ledger."""


@dataclass(slots=True)
class SentLedger:
    """What was acknowledged: (project name, dataset, sequence number) → events."""

    events: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    records: Counter[tuple[str, str]] = field(default_factory=Counter)

    def by_dataset(self) -> Counter[tuple[str, str]]:
        """(project name, dataset) → events."""
        totals: Counter[tuple[str, str]] = Counter()
        for (project, dataset, _), count in self.events.items():
            totals[project, dataset] += count
        return totals


class Sender:
    """Plays the show: ``rate`` events a second over all projects, for ``seconds``."""

    def __init__(
        self, endpoint: str, rng: Random, now_ms: Callable[[], int], tell: Callable[[str], None], *, rate: int, seconds: float
    ) -> None:
        """``tell`` gets a line for every move of the attack."""
        self.ledger = SentLedger()
        self.done = 0.0
        """Part of the show that is over."""
        self._endpoint = endpoint
        self._rng = rng
        self._now_ms = now_ms
        self._tell = tell
        self._rate = rate
        self._seconds = seconds
        self._moves = list(attack.MOVES)

    async def create_streams(self) -> None:
        """One stream for each project, two shards each."""
        async with self._client() as client:
            for project in PROJECTS:
                await client.create_stream(StreamName=project.stream, ShardCount=2)
            for project in PROJECTS:
                await client.get_waiter("stream_exists").wait(StreamName=project.stream, WaiterConfig={"Delay": 1})

    async def play(self) -> None:
        """Send until the show is over; a put that fails is tried again, as producers do."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with self._client() as client:
            while (passed := loop.time() - start) < self._seconds:
                self.done = passed / self._seconds
                for project in PROJECTS:
                    await self._put(client, project, self._batch(project))
                await asyncio.sleep(max(0.0, TICK - (loop.time() - start - passed)))
            for project in PROJECTS:
                await self._put(client, project, self._batch(project))
        self.done = 1.0

    def _client(self) -> AbstractAsyncContextManager[KinesisClient]:
        return get_session().create_client(
            "kinesis", region_name="eu-west-1", endpoint_url=self._endpoint, aws_access_key_id="demo", aws_secret_access_key="demo",
            config=AioConfig(retries={"max_attempts": 10, "mode": "standard"}),
        )  # fmt: skip

    def _batch(self, project: DemoProject) -> list[tuple[str, int, bytes]]:
        """(dataset, events, data) of the records of one tick."""
        now = self._now_ms()
        batch: list[tuple[str, int, bytes]] = []
        for dataset, (make, share) in EVENTS.items():
            wanted = self._rate * TICK * project.share * share
            count = int(wanted) + (self._rng.random() < wanted % 1)
            if dataset == "aws.guardduty":
                batch += [(dataset, 1, self._pack(project, dataset, [make(self._rng, project, now)])) for _ in range(count)]
            elif count:
                batch.append(
                    (dataset, count, self._pack(project, dataset, [make(self._rng, project, now) for _ in range(count)]))
                )
        if self._rng.random() < BROKEN * 10 * TICK:
            batch.append((DEAD, 1, wire.broken(self._rng, project, now)))
        if project is attack.VICTIM:
            while self._moves and self._moves[0].at <= self.done:
                move = self._moves.pop(0)
                self._tell(move.story)
                batch.append((move.dataset, 1, self._pack(project, move.dataset, [move.make(self._rng, project, now)])))
        return batch

    def _pack(self, project: DemoProject, dataset: str, events: list[str]) -> bytes:
        return wire.record_of(self._rng, project, dataset, events, self._now_ms())

    async def _put(self, client: KinesisClient, project: DemoProject, batch: list[tuple[str, int, bytes]]) -> None:
        left = batch
        while left:
            entries: list[PutRecordsRequestEntryTypeDef] = [
                {"Data": data, "PartitionKey": f"{self._rng.getrandbits(64):x}"} for _, _, data in left
            ]
            answer = await client.put_records(StreamName=project.stream, Records=entries)
            again = []
            for sent, result in zip(left, answer["Records"], strict=True):
                if "SequenceNumber" not in result:
                    again.append(sent)
                    continue
                dataset, events, _ = sent
                self.ledger.events[project.name, dataset, result["SequenceNumber"]] += events
                self.ledger.records[project.name, dataset] += 1
            left = again
            if left:
                await asyncio.sleep(0.2)
