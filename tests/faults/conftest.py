"""The whole path on servers of its own, with traffic running, for tests that break something underneath it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest_asyncio
from opensearchpy import AsyncOpenSearch

from service.clock import SystemClock
from service.demo.sender import Sender
from service.demo.stage import Service, write_configuration
from service.demo.verify import Verdict, count_all, verify
from service.local.stack import LocalStack

PATIENCE = 120.0


@dataclass(slots=True)
class Running:
    """Servers, the service as a process that is restarted when it dies, and a sender that keeps a ledger."""

    stack: LocalStack
    service: Service
    sender: Sender
    client: AsyncOpenSearch
    playing: asyncio.Task[None]

    async def settled(self) -> Verdict:
        """The verdict after the sender is done and nothing more arrives."""
        await self.playing
        sent = self.sender.ledger.by_dataset().total()
        loop = asyncio.get_running_loop()
        found, since = -1, loop.time()
        while loop.time() - since < PATIENCE:
            count = await count_all(self.client)
            if count >= sent:
                break
            if count != found:
                found, since = count, loop.time()
            await asyncio.sleep(0.5)
        return await verify(self.client, self.sender.ledger)


@pytest_asyncio.fixture
async def running() -> AsyncIterator[Running]:
    """Everything up, events flowing for about 25 seconds."""
    async with LocalStack({"kafka", "opensearch", "kinesis"}) as stack:
        folder = stack.folder / "service"
        folder.mkdir()
        service = Service(write_configuration(folder, stack, workers=1, dashboards_url=None))
        sender = Sender(stack.kinesis_url, Random(7), SystemClock().now_ms, lambda _: None, rate=400, seconds=25)
        client = AsyncOpenSearch([stack.opensearch_url], timeout=60, max_retries=10, retry_on_timeout=True)
        await asyncio.gather(sender.create_streams(), service.apply())
        await service.start()
        playing = asyncio.create_task(sender.play())
        try:
            yield Running(stack, service, sender, client, playing)
        finally:
            playing.cancel()
            await client.close()
            await service.stop()
            tail(folder / "service.log")


def tail(log: Path) -> None:
    """Print the end of a log: pytest shows it when the test failed."""
    sys.stdout.write(log.read_text(errors="replace")[-6000:])
