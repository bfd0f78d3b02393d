"""The local stack: the servers that the service needs, real ones, started side by side on loopback."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from service.local.child import Child, free_port, open_way
from service.local.download import Notice
from service.local.dynamodb import start_dynamodb
from service.local.java import QUICK, Java, find
from service.local.kafka import start_kafka
from service.local.kinesis import KinesisDouble
from service.local.opensearch import start_opensearch

SERVERS = frozenset({"kafka", "opensearch", "dynamodb"})
EVERYTHING = SERVERS | {"kinesis"}


class LocalStack:
    """Servers that run while the context is open, with their data in a folder of their own.

    ``parts`` chooses from kafka, opensearch, dynamodb, kinesis. The Kinesis double runs in this process, as ``kinesis``;
    the others are processes that die with this one. ``folder`` keeps the data at that place (default: a temporary folder,
    removed at the end). ``heap`` is OpenSearch's; ``lasting`` servers compile as in production, which pays after half an
    hour or where their speed matters. ``kafka_advertised`` is the port of a proxy that Kafka's clients are sent to.
    ``notice`` gets a line when something takes long.
    """

    def __init__(
        self,
        parts: Iterable[str] = EVERYTHING,
        *,
        folder: Path | None = None,
        heap: str = "1g",
        lasting: bool = False,
        kinesis: KinesisDouble | None = None,
        kafka_advertised: int | None = None,
        notice: Notice = lambda _: None,
    ) -> None:
        self._parts = frozenset(parts)
        if unknown := self._parts - EVERYTHING:
            raise ValueError(f"unknown parts of the local stack: {sorted(unknown)}")
        self._keep = folder is not None
        self._folder = folder
        self._heap = heap
        self._compiler = () if lasting else QUICK
        self._kafka_advertised = kafka_advertised
        self._notice = notice
        self._java: Java | None = None
        self._ports: dict[str, int] = {}
        self._addresses: dict[str, str] = {}
        self._children: dict[str, Child] = {}
        self.kinesis = kinesis or KinesisDouble()

    @property
    def folder(self) -> Path:
        """Where the servers keep their data; raises RuntimeError before the start."""
        if self._folder is None:
            raise RuntimeError("the stack was not started")
        return self._folder

    @property
    def kafka_bootstrap(self) -> str:
        """``host:port`` of the broker, "" when it is not part of this stack."""
        return self._addresses.get("kafka", "")

    @property
    def opensearch_url(self) -> str:
        """URL of the node, "" when it is not part of this stack."""
        return self._addresses.get("opensearch", "")

    @property
    def dynamodb_url(self) -> str:
        """Endpoint of DynamoDB Local, "" when it is not part of this stack."""
        return self._addresses.get("dynamodb", "")

    @property
    def kinesis_url(self) -> str:
        """Endpoint of the double, "" when it is not part of this stack."""
        return self.kinesis.url if "kinesis" in self._parts else ""

    @property
    def pids(self) -> dict[str, int]:
        """Process id by part; the double has none of its own."""
        return {name: child.pid for name, child in self._children.items()}

    async def start(self) -> None:
        """Start all parts at once; returns when every one answers. Raises PartMissing or ServerFailed."""
        folder = self._folder = self._folder or Path(tempfile.mkdtemp(prefix="kinesiem-"))
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        try:
            open_way(folder)
            async with asyncio.TaskGroup() as group:
                if "kinesis" in self._parts:
                    group.create_task(self.kinesis.start())
                servers = sorted(self._parts & SERVERS)
                if servers:
                    self._java = await asyncio.to_thread(find, self._notice)
                for part in servers:
                    group.create_task(self.revive(part))
        except BaseExceptionGroup as group:
            await self.stop()
            raise group.exceptions[0] from None
        except BaseException:
            await self.stop()
            raise

    async def revive(self, part: str) -> None:
        """Start a server, on the port and with the data it had before if it was ``kill``ed; returns when it answers."""
        folder, java = self.folder, self._java
        if java is None:
            raise RuntimeError("the stack was started without servers")
        port = self._ports.setdefault(part, free_port())
        match part:
            case "kafka":
                address, child = await start_kafka(
                    folder, java, self._notice, port, self._kafka_advertised or port, self._compiler
                )
            case "opensearch":
                address, child = await start_opensearch(folder, java, self._notice, port, self._heap, self._compiler)
            case _:
                address, child = await start_dynamodb(folder, java, self._notice, port)
        self._addresses[part] = address
        self._children[part] = child

    async def kill(self, part: str) -> None:
        """End a server at once, as a crash would; ``revive`` brings it back."""
        child = self._children.pop(part)
        child.signal(signal.SIGKILL)
        await asyncio.to_thread(child.process.wait)

    def pause(self, part: str) -> None:
        """Freeze a server: its connections stay, nothing answers."""
        self._children[part].signal(signal.SIGSTOP)

    def resume(self, part: str) -> None:
        """Let a frozen server go on."""
        self._children[part].signal(signal.SIGCONT)

    async def stop(self) -> None:
        """Stop every part; removes the data unless a folder was given."""
        await self.kinesis.stop()
        for child in self._children.values():
            if child.process.poll() is None:
                child.signal(signal.SIGCONT)
        await asyncio.gather(*(child.stop() for child in self._children.values()))
        self._children.clear()
        if self._folder is not None and not self._keep:
            await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()
