"""The local stack: the servers that the service needs, real ones, started side by side on loopback."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from service.local.child import Child, open_way
from service.local.download import Notice
from service.local.dynamodb import start_dynamodb
from service.local.java import find
from service.local.kafka import start_kafka
from service.local.kinesis import KinesisDouble
from service.local.opensearch import start_opensearch

EVERYTHING = frozenset({"kafka", "opensearch", "dynamodb", "kinesis"})


class LocalStack:
    """Servers that run while the context is open, with their data in a folder of their own.

    ``parts`` chooses from kafka, opensearch, dynamodb, kinesis. The Kinesis double runs in this process, as ``kinesis``;
    the others are processes that die with this one. ``folder`` keeps the data at that place (default: a temporary folder,
    removed at the end). ``heap`` is OpenSearch's. ``notice`` gets a line when something takes long.
    """

    def __init__(
        self,
        parts: Iterable[str] = EVERYTHING,
        *,
        folder: Path | None = None,
        heap: str = "1g",
        kinesis: KinesisDouble | None = None,
        notice: Notice = lambda _: None,
    ) -> None:
        self._parts = frozenset(parts)
        if unknown := self._parts - EVERYTHING:
            raise ValueError(f"unknown parts of the local stack: {sorted(unknown)}")
        self._keep = folder is not None
        self._folder = folder
        self._heap = heap
        self._notice = notice
        self._children: list[Child] = []
        self.kinesis = kinesis or KinesisDouble()
        self.kafka_bootstrap = ""
        self.opensearch_url = ""
        self.dynamodb_url = ""

    @property
    def kinesis_url(self) -> str:
        """Endpoint of the double, "" when it is not part of this stack."""
        return self.kinesis.url if "kinesis" in self._parts else ""

    @property
    def pids(self) -> dict[str, int]:
        """Process id by part; the double has none of its own."""
        return {child.name: child.pid for child in self._children}

    async def start(self) -> None:
        """Start all parts at once; returns when every one answers. Raises PartMissing or ServerFailed."""
        folder = self._folder = self._folder or Path(tempfile.mkdtemp(prefix="kinesiem-"))
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        open_way(folder)
        try:
            async with asyncio.TaskGroup() as group:
                if "kinesis" in self._parts:
                    group.create_task(self.kinesis.start())
                if self._parts - {"kinesis"}:
                    java = await asyncio.to_thread(find, self._notice)
                    starters: dict[str, Callable[[], Awaitable[tuple[str, Child]]]] = {
                        "kafka": lambda: start_kafka(folder, java, self._notice),
                        "opensearch": lambda: start_opensearch(folder, java, self._notice, self._heap),
                        "dynamodb": lambda: start_dynamodb(folder, java, self._notice),
                    }
                    for part in sorted(self._parts & starters.keys()):
                        group.create_task(self._start_part(part, starters[part]))
        except BaseException:
            await self.stop()
            raise

    async def _start_part(self, part: str, starter: Callable[[], Awaitable[tuple[str, Child]]]) -> None:
        address, child = await starter()
        self._children.append(child)
        match part:
            case "kafka":
                self.kafka_bootstrap = address
            case "opensearch":
                self.opensearch_url = address
            case _:
                self.dynamodb_url = address

    async def stop(self) -> None:
        """Stop every part; removes the data unless a folder was given."""
        await self.kinesis.stop()
        await asyncio.gather(*(child.stop() for child in self._children))
        self._children.clear()
        if self._folder is not None and not self._keep:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()
