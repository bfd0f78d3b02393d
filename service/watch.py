"""Puts the watch over silent sources together: beats out of every worker, and the judge in whichever one they reach."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection
from contextlib import AsyncExitStack

from opensearchpy import AsyncOpenSearch

from service.agents.app import Agent, SiemApp, attach
from service.agents.beats import BeatAgent, BeatSender
from service.agents.gate import Gate
from service.agents.judge import Judge
from service.agents.lag import LagMeter
from service.agents.publisher import Publisher
from service.agents.topics import TopicNames
from service.alerts.notice import Notice
from service.clock import Clock
from service.settings import Settings
from service.silence.arrivals import Arrivals
from service.silence.causes import load_causes
from service.silence.passage import Passage
from service.silence.rules import SilenceRules, load_rules
from service.sink.cadence import CadenceStore, cadence_index
from service.sink.opensearch.indices import IndexKeeper
from service.source.kinesis.status import CollectorStatus
from service.source.streams import Streams
from service.telemetry.meters import Meters

BEAT_BYTES = 4 * 1024 * 1024


def silence_rules(settings: Settings, datasets: Collection[str], streams: Streams | None) -> SilenceRules:
    """Read what the deployment wants to hear of quiet sources; raises ContentErrors, also for names that do not exist."""
    path = settings.silence.rules
    if path is None:
        return SilenceRules()
    return load_rules(path, datasets, {project.id for project in streams.projects} if streams else ())


def attach_judge(
    stack: AsyncExitStack,
    app: SiemApp,
    settings: Settings,
    names: TopicNames,
    client: AsyncOpenSearch,
    indices: IndexKeeper,
    rules: Callable[[], SilenceRules],
    notify: Callable[[Notice], Awaitable[None]] | None,
    meters: Meters,
    clock: Clock,
) -> Judge:
    """Add the judge to an app that is not started; it sleeps until beats reach this worker."""
    lag = LagMeter(settings.kafka, clock)
    stack.push_async_callback(lag.close)
    judge = Judge(
        CadenceStore(client, indices, cadence_index(settings.kafka)),
        lag.partitions,
        lambda: Passage(names.records, names.raw("")),
        rules,
        load_causes(),
        notify,
        meters,
        clock,
    )
    agent = BeatAgent(judge)
    stack.push_async_callback(agent.close)
    attach(app, Agent(names.beats, agent.handle, Gate(BEAT_BYTES)))
    return judge


def start_beats(
    stack: AsyncExitStack,
    app: SiemApp,
    names: TopicNames,
    arrivals: Arrivals,
    worker: str,
    reading: Callable[[], CollectorStatus | None],
    clock: Clock,
) -> None:
    """Begin to tell what this worker hears and reads, until the stack is left."""
    publisher = Publisher(app, BEAT_BYTES, clock, random.Random())  # noqa: S311 - jitter, not a secret
    sender = BeatSender(worker, publisher, names.beats, arrivals, reading, clock)
    task = asyncio.create_task(sender.run())

    async def end() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await publisher.close()

    stack.push_async_callback(end)
