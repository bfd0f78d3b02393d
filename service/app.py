"""The composition root: the only module that knows everyone. Puts one worker together from the settings and runs it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import structlog

from service.agents.app import Agent, SiemApp, attach, make_app, watch_for_lost
from service.agents.bookkeeping import LEDGER_BYTES, attach_ledger, audit
from service.agents.carrier import Carrier
from service.agents.dataset_agent import DatasetAgent
from service.agents.dead_letter_agent import DeadLetterAgent
from service.agents.gate import Gate
from service.agents.journal import Journal
from service.agents.judge import Judge
from service.agents.ledger_writer import KafkaLedger
from service.agents.outlet import KafkaOutlet
from service.agents.publisher import Publisher
from service.agents.route_agent import RouteAgent
from service.agents.sessions import follow_sessions
from service.agents.signal_agent import SignalAgent
from service.agents.tasks import Tasks
from service.agents.topics import TopicNames, create_topics, restore_topics
from service.background import background, every
from service.clock import Clock
from service.detection import Detections, attach_alerts, notices, signalling
from service.drifting import follow_drift
from service.enrich import Enrichers
from service.ledger.book import Book
from service.ledger.entry import Ledger
from service.loading import Content, Role
from service.normalise.grants import DATASET as CLOUDTRAIL
from service.settings import Settings
from service.silence.arrivals import Arrivals
from service.silence.rules import SilenceRules
from service.sink.dead_letter import DeadLetters, IndexDeadLetters, KafkaDeadLetters
from service.sink.opensearch.bulk import BulkSink
from service.sink.opensearch.client import connect, machine_keys
from service.sink.opensearch.endpoint import Endpoint
from service.sink.opensearch.indices import TemplateKeeper
from service.sink.opensearch.limits import BulkLimits
from service.sink.opensearch.retry import Backoff
from service.source.kinesis.collector import CollectOptions, Collector
from service.source.kinesis.coordinator import LeaseTimes
from service.source.kinesis.lease_kinds import lease_table
from service.source.kinesis.surroundings import ShardOptions
from service.source.streams import Streams
from service.telemetry import events
from service.telemetry.meters import Meters
from service.watch import attach_judge, start_beats

log = structlog.get_logger()

TOPICS_SECONDS = 30.0
"""How often topics are looked after."""
ROUTED_BYTES = 16 * 1024 * 1024
"""Raw events on their way to their topics, unacknowledged."""
LETTER_BYTES = 4 * 1024 * 1024
"""Dead letters likewise; a larger one goes alone, and each takes five times as much on its way into its index."""


@dataclass(slots=True)
class Parts:
    """A running worker, for whoever watches it."""

    app: SiemApp
    sink: BulkSink | None = None
    collector: Collector | None = None
    route: RouteAgent | None = None
    datasets: dict[str, DatasetAgent] | None = None
    gates: dict[str, Gate] | None = None
    enrichers: Enrichers | None = None
    silence: SilenceRules = field(default_factory=SilenceRules)
    """What this deployment wants to hear of quiet sources; replaced when its file changes."""
    arrivals: Arrivals | None = None
    judge: Judge | None = None
    detections: Detections = field(default_factory=Detections)
    """Rules and what becomes of their matches; replaced when one of their files changes."""
    signals: SignalAgent | None = None


@asynccontextmanager
async def running(
    settings: Settings, content: Content, role: Role, instance: str, meters: Meters, clock: Clock
) -> AsyncIterator[Parts]:
    """Start a worker's parts and yield them; leaving drains: the source first, then the agents, then the sink."""
    rng = random.Random()  # noqa: S311 - jitter, not a secret
    names = TopicNames(settings.kafka.topic_prefix)
    topics = names.all(content.pipelines)
    created = await create_topics(settings.kafka, topics, clock)
    if created:
        log.info(events.TOPICS_CREATED, topics=created)
    async with AsyncExitStack() as stack:
        app = make_app(settings, instance, produce_only=role == "collect")
        parts = Parts(app, gates={}, enrichers=content.enrichers, silence=content.silence)
        parts.detections = content.detections
        parts.arrivals = Arrivals() if settings.silence.enabled else None
        ledger_publisher = Publisher(app, LEDGER_BYTES, clock, rng)
        stack.push_async_callback(ledger_publisher.close)
        ledger = KafkaLedger(ledger_publisher, names.ledger, clock)
        stack.push_async_callback(ledger.close)
        if role != "collect":
            await _attach_agents(stack, parts, settings, content, names, ledger, meters, clock, rng)
        outlet = Publisher(app, settings.collect.buffer_bytes, clock, rng)
        _name_gate(parts, "outlet", outlet.gate)
        await app.start()
        stack.push_async_callback(app.stop)
        stack.push_async_callback(outlet.close)
        background(stack, every(TOPICS_SECONDS, partial(restore_topics, settings.kafka, topics), clock))
        if role != "process" and content.streams is not None:
            await _start_collector(
                stack, parts, settings, content.streams, KafkaOutlet(outlet, names.records, ledger, clock), clock
            )
        if parts.arrivals is not None:
            start_beats(
                stack, app, names, parts.arrivals, instance, lambda: parts.collector.status() if parts.collector else None, clock
            )
        yield parts


async def _attach_agents(
    stack: AsyncExitStack,
    parts: Parts,
    settings: Settings,
    content: Content,
    names: TopicNames,
    ledger: Ledger,
    meters: Meters,
    clock: Clock,
    rng: random.Random,
) -> None:
    app, process = parts.app, settings.process
    keys = await asyncio.to_thread(machine_keys, settings.opensearch)
    client = connect(settings.opensearch, keys=keys)
    stack.push_async_callback(client.close)
    endpoint = Endpoint(client, timeout=settings.opensearch.request_timeout_seconds, compress=settings.opensearch.compress)
    letter_publisher = Publisher(app, LETTER_BYTES, clock, rng)
    stack.push_async_callback(letter_publisher.close)
    indices = TemplateKeeper(client)
    letters = _dead_letters(letter_publisher, names.dead_letters)
    limits = BulkLimits(
        bulk_bytes=settings.opensearch.bulk_bytes,
        longest_wait=settings.opensearch.bulk_wait_seconds,
        requests=settings.opensearch.requests_in_flight,
    )
    journal = Journal(settings.paths.state / f"{app.conf.consumer_group_instance_id}.journal")
    stack.callback(journal.close)
    tasks = Tasks(app.crash)
    stack.push_async_callback(tasks.close)
    parts.sink = await stack.enter_async_context(BulkSink(endpoint, letters, indices, limits=limits, clock=clock, rng=rng))
    routed = Publisher(app, ROUTED_BYTES, clock, rng)
    stack.push_async_callback(routed.close)
    route_gate, gate = Gate(ROUTED_BYTES), Gate(process.in_flight_bytes)
    _name_gate(parts, "route", route_gate)
    _name_gate(parts, "routed", routed.gate)
    _name_gate(parts, "datasets", gate)
    parts.route = RouteAgent(
        content.router, routed, names, letters, meters, clock, tasks, journal, ledger, message_bytes=process.message_bytes
    )
    attach(app, Agent(names.records, parts.route.handle, route_gate))
    parts.datasets = {}
    found = signalling(stack, app, names, lambda: parts.detections, meters, clock, rng) if settings.detect.enabled else None
    sessions = await follow_sessions(stack, app, settings.kafka, names.identities, content.enrichers.identities, clock, rng)
    # A processor without streams.yml cannot know: then one project's bad input must not stop what may be another's.
    shared = content.streams is None or len(content.streams.projects) > 1
    drift = follow_drift(stack, client, indices, meters, clock)
    for dataset, pipeline in content.pipelines.items():
        agent = parts.datasets[dataset] = DatasetAgent(
            Carrier(pipeline, journal), parts.sink, letters, parts.route, meters, clock, tasks, ledger, shared=shared,
            arrivals=parts.arrivals, signalling=found, sessions=sessions if dataset == CLOUDTRAIL else None, drift=drift,
        )  # fmt: skip
        attach(app, Agent(names.raw(dataset), agent.handle, gate))
    index = IndexDeadLetters(endpoint, indices, clock.now_ms)
    dead = DeadLetterAgent(index, clock, tasks, Backoff(cap=10.0, rng=rng))
    attach(app, Agent(names.dead_letters, dead.handle, Gate(LETTER_BYTES)))
    attach_ledger(app, names, Book(endpoint, indices, clock.now_ms), tasks, clock, rng)
    background(stack, audit(app, settings.kafka, client, meters, clock))
    notify = notices(stack, app, names, clock, rng) if settings.detect.enabled else None
    if parts.arrivals is not None:
        parts.judge = attach_judge(stack, app, settings, names, client, indices, lambda: parts.silence, notify, meters, clock)
    if notify is not None:
        parts.signals = attach_alerts(
            stack, app, settings, names, client, indices, letters, lambda: parts.detections, sessions, notify, meters, clock,
            tasks, rng,
        )  # fmt: skip
    if keys is not None:
        background(stack, every(60.0, keys.refresh, clock))
    background(stack, watch_for_lost(app, clock))


def _dead_letters(publisher: Publisher, topic: str) -> DeadLetters:
    async def produce(key: bytes, value: bytes) -> None:
        await publisher.produce(topic, key, value)

    return KafkaDeadLetters(produce)


async def _start_collector(
    stack: AsyncExitStack, parts: Parts, settings: Settings, streams: Streams, outlet: KafkaOutlet, clock: Clock
) -> None:
    collector = Collector(
        streams,
        lease_table(settings.leases),
        outlet,
        clock,
        options=CollectOptions(
            times=LeaseTimes(failover=settings.leases.duration_seconds),
            shard=ShardOptions(
                batch_bytes=settings.collect.batch_bytes, finish_seconds=max(1.0, settings.process.drain_seconds - 3.0)
            ),
            buffer_bytes=settings.collect.buffer_bytes,
        ),
    )
    stop = asyncio.Event()
    task = asyncio.create_task(_collect(collector, stop, parts.app))

    async def finish() -> None:
        stop.set()
        done, _ = await asyncio.wait([task], timeout=settings.process.drain_seconds)
        if not done:
            task.cancel()
            await asyncio.wait([task])

    stack.push_async_callback(finish)
    parts.collector = collector


async def _collect(collector: Collector, stop: asyncio.Event, app: SiemApp) -> None:
    try:
        await collector.run(stop)
    except Exception as error:  # noqa: BLE001 - reading has ended for a reason nobody foresaw: start over
        await app.crash(error)


def _name_gate(parts: Parts, name: str, gate: Gate) -> None:
    if parts.gates is not None:
        parts.gates[name] = gate
