"""The Faust application: one consumer group, all agents of a worker, settings that keep our promise."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import faust
import structlog
from faust.auth import OAuthCredentials, SASLCredentials, SSLCredentials
from faust.types import TP
from faust.types.auth import CredentialsT

from service.agents.connection import MskToken, tls_context
from service.agents.gate import Gate
from service.agents.in_order import InOrder, Lane, LostMessagesError, Taken
from service.agents.topics import FETCH_BYTES, MAX_MESSAGE_BYTES
from service.agents.transport import broker_urls
from service.clock import Clock
from service.settings import Kafka, Settings
from service.telemetry import events

log = structlog.get_logger()

FOREVER_SECONDS = 10 * 365 * 86_400.0
"""broker_max_poll_interval: past it the client leaves the group for good and Faust never polls again."""
POLL_MESSAGES = 16
"""Messages of one poll. An agent's queue has room for them beyond what it may have in front of it: what finds a full queue
would hold up the agents of all topics."""
PRODUCER_BATCH_BYTES = 1024 * 1024
MESSAGE_BYTES = 4096
"""What a message under way takes besides its bytes: task, ticket, future, what Faust keeps of it. Notes of the ledger have
200 bytes, and thousands of them wait while OpenSearch is away."""
LOST_SECONDS = 60.0


class Ticket:
    """A message in an agent's hand: its place in the order of its partition, and its room in the gate."""

    __slots__ = ("_gate", "_lane", "_open", "_size", "offset", "partition", "topic")

    def __init__(self, tp: TP, lane: Lane, offset: int, gate: Gate, size: int) -> None:
        """Hold the lane the message was taken from and the room it takes."""
        self.topic: str = tp.topic
        self.partition: int = tp.partition
        self._lane = lane
        self.offset: int = offset
        self._gate = gate
        self._size = size
        self._open = True

    def grow(self, size: int) -> None:
        """The message takes this much more room than its bytes said: it was packed."""
        if self._open:
            self._gate.grow(size)
            self._size += size

    def settle(self) -> None:
        """Every event of the message is accounted for: its offset may be committed once those before it are."""
        if self._open:
            self._lane.finish(self.offset)
            self.drop()

    def drop(self) -> None:
        """Give up the message without accounting for it: it will be read again."""
        if self._open:
            self._open = False
            self._gate.leave(self._size)


Handler = Callable[[bytes, Ticket], Awaitable[None]]
"""What an agent does with a message: sees to it that all of it is accounted for, then settles the ticket. Bad input is
its business; anything it raises ends the worker with nothing committed."""


class SiemApp(faust.App):
    """Faust's app with our ledger of offsets and a bounded drain."""

    ledger: InOrder[TP]
    busy: set[str]
    """Topics whose agent handles a message now, or waits for room to: however long that takes, nothing is lost there."""
    gates: list[Gate]
    gone: Counter[str]
    """Messages that Kafka no longer had when they should have been read, by topic."""
    drain_seconds: float
    most_ahead: int
    """Messages in front of an agent, of all partitions of its topic, from which on no more are fetched."""

    async def idle(self, timeout_seconds: float) -> bool:
        """Wait until agents have nothing in hand; False when the time is up first."""
        deadline = self.loop.time() + timeout_seconds
        return all([await gate.idle(max(0.0, deadline - self.loop.time())) for gate in self.gates])

    async def until_crashed(self) -> None:
        """Return when something unexpected ended the app; ``crash_reason`` says what."""
        await self._crashed.wait()

    def in_hand(self) -> int:
        """Messages agents took and have not accounted for."""
        return sum(gate.count for gate in self.gates)


@dataclass(frozen=True, slots=True)
class Agent:
    """One topic and what is done with its messages; ``gate`` bounds what is under way and may be shared."""

    topic: str
    handle: Handler
    gate: Gate


def make_app(settings: Settings, instance: str, *, produce_only: bool = False) -> SiemApp:
    """Return an app that is not started; ``instance`` is this worker's name in the group, unlike any other's."""
    kafka, process = settings.kafka, settings.process
    folder = settings.paths.state / "faust"
    folder.mkdir(parents=True, exist_ok=True)
    app = SiemApp(
        kafka.group,
        broker=broker_urls(kafka.servers),
        broker_credentials=credentials(kafka),
        broker_client_id=f"siem-{instance}",
        broker_commit_interval=1.0,
        broker_max_poll_interval=FOREVER_SECONDS,
        broker_max_poll_records=POLL_MESSAGES,
        broker_session_timeout=kafka.session_timeout_seconds,
        broker_heartbeat_interval=kafka.session_timeout_seconds / 5,
        broker_request_timeout=90.0,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=instance,
        consumer_max_fetch_size=FETCH_BYTES,
        producer_acks=-1,
        producer_compression_type="zstd",
        producer_linger=0.005,
        producer_max_batch_size=PRODUCER_BATCH_BYTES,
        producer_max_request_size=MAX_MESSAGE_BYTES,
        producer_request_timeout=30.0,
        stream_buffer_maxsize=process.stream_buffer + POLL_MESSAGES,
        stream_wait_empty=True,
        stream_processing_timeout=FOREVER_SECONDS,
        broker_commit_livelock_soft_timeout=FOREVER_SECONDS,
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=kafka.partitions,
        topic_replication_factor=kafka.replication,
        key_serializer="raw",
        value_serializer="raw",
        datadir=folder,
        web_enabled=False,
        logging_config=None,
        autodiscover=False,
        debug=False,
    )
    app.ledger = InOrder()
    app.busy = set()
    app.gates = []
    app.gone = Counter()
    app.drain_seconds = process.drain_seconds
    app.most_ahead = process.stream_buffer
    app.producer_only = produce_only
    return app


def credentials(kafka: Kafka) -> CredentialsT | None:
    """Return Faust's way to log in with these settings; None for plain text."""
    context = tls_context(kafka)
    if not kafka.security.startswith("sasl"):
        return SSLCredentials(context) if context else None
    if kafka.sasl_mechanism == "AWS_MSK_IAM":
        return OAuthCredentials(oauth_cb=MskToken(kafka.region or "us-east-1"), ssl_context=context)
    return SASLCredentials(
        username=kafka.username,
        password=kafka.password.get_secret_value(),
        ssl_context=context,
        mechanism=kafka.sasl_mechanism,
    )


def attach(app: SiemApp, agent: Agent) -> None:
    """Add an agent before the app starts."""
    app.gone[agent.topic] = 0  # said from the start: an increase is seen only of what was there before
    topic = app.topic(agent.topic, key_type=bytes, value_type=bytes, acks=False)
    if agent.gate not in app.gates:
        app.gates.append(agent.gate)

    async def run(stream: Any) -> None:
        async for event in stream.noack().events():
            app.busy.add(agent.topic)
            try:
                await _take(app, agent, event)
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, nothing behind it may be committed
                # Upstream restarts an agent that raised and goes on behind the message: never let it.
                await app.crash(error)
            finally:
                app.busy.discard(agent.topic)

    app.agent(topic, name=f"agent.{agent.topic}")(run)


async def _take(app: SiemApp, agent: Agent, event: Any) -> None:
    message = event.message
    value: bytes = event.value or b""
    size = len(value) + MESSAGE_BYTES
    epoch = app.ledger.epoch
    await agent.gate.enter(size)
    lane = app.ledger.lane(message.tp)
    taken = lane.take(message.offset) if app.ledger.epoch == epoch else Taken.AGAIN
    if taken is Taken.NEXT:
        ticket = Ticket(message.tp, lane, message.offset, agent.gate, size)
        try:
            await agent.handle(value, ticket)
        except BaseException:
            ticket.drop()
            raise
        return
    agent.gate.leave(size)
    if taken is Taken.LOST:
        raise LostMessagesError(f"{message.tp} jumped to {message.offset}, {lane.untaken[0]} never arrived")


def reads(app: SiemApp, topic: str, partition: int) -> bool:
    """Whether this worker has a partition now."""
    return TP(topic, partition) in app.consumer.assignment()


async def watch_for_lost(app: SiemApp, clock: Clock) -> None:
    """Crash the app when a fetched message stays away from an agent that waits for one; runs until cancelled."""
    before: dict[TP, int] = {}
    while True:
        await clock.sleep(LOST_SECONDS)
        now = {tp: offset for tp, offset in app.ledger.untaken().items() if tp.topic not in app.busy}
        stuck = {tp: offset for tp, offset in now.items() if before.get(tp) == offset}
        if stuck and not app.rebalancing:
            log.error(events.PARTITION_STALLED, partitions=[f"{tp.topic}-{tp.partition}" for tp in stuck])
            await app.crash(LostMessagesError(f"{len(stuck)} partitions stand still"))
            return
        before = now
