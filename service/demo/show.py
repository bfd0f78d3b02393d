"""The demo from start to end: servers, service, traffic, attack, and the reckoning."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
from opensearchpy import AsyncOpenSearch

from service.clock import Clock
from service.demo.alarms import Alarms, sound
from service.demo.screen import Screen
from service.demo.sender import Sender
from service.demo.stage import Service, write_configuration
from service.demo.verify import Verdict, count_all, verify
from service.local.stack import LocalStack

READY = 60.0
"""Seconds the service gets to become ready."""
PATIENCE = 90.0
"""Seconds without progress after the last put until what is missing counts as missing."""


@dataclass(frozen=True, slots=True)
class Options:
    """How the demo is played."""

    rate: int = 400
    """Events a second, all projects together."""
    seconds: float = 60.0
    """Length of the show."""
    workers: int = 1
    seed: int = 1
    folder: Path | None = None
    """Where its files go; default: a temporary folder."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    verdict: Verdict
    alarms: Alarms
    restarts: int
    opensearch_url: str
    status_url: str
    folder: Path


class Show:
    """Plays the demo; ``watch`` is called a few times a second with the screen's picture."""

    def __init__(self, options: Options, clock: Clock, say: Callable[[str], None], watch: Callable[[Any], None]) -> None:
        """``say`` gets a line for each stage of the start-up."""
        self._options = options
        self._clock = clock
        self._say = say
        self._watch = watch

    async def run(self, after: Callable[[Outcome], Any]) -> Outcome:
        """Play; ``after(outcome)`` is awaited while everything is still up. Raises ServerFailed or RuntimeError."""
        folder = self._options.folder or Path(tempfile.mkdtemp(prefix="kinesiem-demo-"))
        folder.mkdir(parents=True, exist_ok=True)
        self._say("starting Kafka, OpenSearch and the Kinesis double")
        async with LocalStack({"kafka", "opensearch", "kinesis"}, folder=folder / "servers", notice=self._say) as stack:
            service = Service(write_configuration(folder, stack, workers=self._options.workers, dashboards_url=None))
            sender = Sender(
                stack.kinesis_url, Random(self._options.seed), self._clock.now_ms, lambda line: screen.story.append(line),
                rate=self._options.rate, seconds=self._options.seconds,
            )  # fmt: skip
            screen = Screen(service.url)
            self._say("creating streams, applying templates")
            await asyncio.gather(sender.create_streams(), service.apply())
            self._say("starting the service")
            await service.start()
            await self._until_ready(service)
            client = AsyncOpenSearch([stack.opensearch_url], timeout=60)
            try:
                await self._play(sender, service, screen, client)
                verdict = await verify(client, sender.ledger)
                self._say("waiting for the alerts")
                outcome = Outcome(verdict, await sound(client), service.starts - 1, stack.opensearch_url, service.url, folder)
                await after(outcome)
            finally:
                await client.close()
                self._say("stopping the service")
                await service.stop()
        return outcome

    async def _until_ready(self, service: Service) -> None:
        """The show begins when the service reads; it need not, for nothing would be lost, but people want to see it work."""
        deadline = self._clock.monotonic() + READY
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http:
            while self._clock.monotonic() < deadline:
                try:
                    async with http.get(f"{service.url}health/ready") as answer:
                        if answer.status == 200:
                            return
                except (aiohttp.ClientError, TimeoutError):
                    pass
                await self._clock.sleep(0.2)

    async def _play(self, sender: Sender, service: Service, screen: Screen, client: AsyncOpenSearch) -> None:
        playing = asyncio.create_task(sender.play())
        loop = asyncio.get_running_loop()
        found, since = -1, loop.time()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as http:
            while True:
                status = await _status(http, service.url)
                screen.note = "" if service.starts == 1 else f"service restarted {service.starts - 1} times"
                self._watch(screen.picture(sender.ledger, status, sender.done))
                if playing.done():
                    playing.result()
                    count = await count_all(client)
                    sent = sender.ledger.by_dataset().total()
                    if count != found:
                        found, since = count, loop.time()
                    if count >= sent or loop.time() - since > PATIENCE:
                        return
                    screen.note = f"draining: {count:,} of {sent:,}"
                await asyncio.sleep(0.5)


async def _status(http: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    try:
        async with http.get(f"{url}status.json") as answer:
            status: dict[str, Any] = await answer.json()
            return status
    except (aiohttp.ClientError, TimeoutError):
        return {}
