"""What workers tell each other of sessions: every grant on one topic, all of which every worker follows.

There is no consumer group: each worker reads the last 36 hours once when it starts, and then whatever comes. So a look-up
needs nobody, a rebalance moves nothing, and a worker that was killed knows again what it knew.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from service.agents.app import SiemApp
from service.agents.connection import client_arguments
from service.agents.publisher import Publisher
from service.agents.topics import FETCH_BYTES
from service.background import background
from service.clock import Clock
from service.enrich.grant import Told, decode_told, encode_told
from service.enrich.identities import AGE_MS, MOST, Identities
from service.event import Slice
from service.normalise.grants import grants_in
from service.settings import Kafka
from service.telemetry import events

log = structlog.get_logger()

_TOLD_BYTES = 4 * 1024 * 1024
_START_SECONDS = 15.0
"""How long a start waits to know what others know: chains on events are as good as that, alerts are put right later."""
_POLL_MS = 500
_RETRY_SECONDS = 2.0


class Sessions:
    """Learns from this worker's events and from what other workers tell."""

    def __init__(self, identities: Identities, publisher: Publisher, topic: str, clock: Clock) -> None:
        """Keep what is learnt in ``identities``; tell others on ``topic``."""
        self.identities = identities
        self._publisher = publisher
        self._topic = topic
        self._clock = clock
        self._listeners: list[Callable[[], None]] = []

    def listen(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` whenever something new was learnt."""
        self._listeners.append(listener)

    def learn(self, slices: Sequence[Slice]) -> list[Told]:
        """What raw CloudTrail events tell that was not known: to be told on before their offset may move."""
        now_ms = self._clock.now_ms()
        news = [told for each in slices for told in grants_in(each, now_ms) if self.identities.learn(told, now_ms)]
        self._announce(news)
        return news

    async def send(self, news: Sequence[Told]) -> None:
        """Return when the brokers have it."""
        sent = [await self._publisher.publish(self._topic, encode_told(told), told.name.encode()) for told in news]
        await asyncio.gather(*sent)

    def hear(self, values: Sequence[bytes]) -> None:
        """Take in what was told; what is no grant tells nothing."""
        now_ms = self._clock.now_ms()
        news = []
        for value in values:
            try:
                told = decode_told(value)
            except msgspec.DecodeError as error:
                log.warning(events.MESSAGE_NOT_OURS, topic=self._topic, reason=type(error).__name__)
                continue
            if self.identities.learn(told, now_ms):
                news.append(told)
        self._announce(news)

    def _announce(self, news: Sequence[Told]) -> None:
        for listener in self._listeners if news else ():
            listener()


class Following:
    """Reads all of a topic from ``AGE_MS`` ago, and goes on."""

    def __init__(self, kafka: Kafka, topic: str, hear: Callable[[Sequence[bytes]], None], clock: Clock) -> None:
        """Give whatever comes to ``hear``."""
        self._kafka = kafka
        self._topic = topic
        self._hear = hear
        self._clock = clock
        self._next: dict[TopicPartition, int] = {}
        self.caught_up = asyncio.Event()
        """All that was there at the start is read."""

    async def run(self) -> None:
        """Follow until cancelled; waits for brokers."""
        while True:
            # Without a group a subscription is all partitions; of a topic that nobody subscribed to, the client knows none.
            consumer = AIOKafkaConsumer(
                self._topic, **client_arguments(self._kafka), group_id=None, enable_auto_commit=False,
                auto_offset_reset="earliest", max_partition_fetch_bytes=FETCH_BYTES,
            )  # fmt: skip
            try:
                await consumer.start()
                await self._follow(consumer)
            except KafkaError as error:
                log.warning(events.REREADING_WAITS, topic=self._topic, reason=type(error).__name__)
            finally:
                await consumer.stop()
            await self._clock.sleep(_RETRY_SECONDS)

    async def _follow(self, consumer: AIOKafkaConsumer) -> None:
        places = sorted(consumer.assignment())
        if not places:
            return
        ends = await consumer.end_offsets(places)
        begun = await consumer.beginning_offsets(places)
        found = await consumer.offsets_for_times(dict.fromkeys(places, self._clock.now_ms() - AGE_MS))
        for place in places:
            recent = found.get(place)
            since = ends[place] if recent is None else recent.offset
            start = self._next.get(place, max(begun[place], since, ends[place] - 2 * MOST // len(places)))
            consumer.seek(place, max(start, begun[place]))
        while True:
            for place, messages in (await consumer.getmany(timeout_ms=_POLL_MS)).items():
                self._hear([message.value for message in messages if message.value is not None])
                self._next[place] = messages[-1].offset + 1
            if not self.caught_up.is_set() and await self._is_past(consumer, ends):
                self.caught_up.set()

    @staticmethod
    async def _is_past(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> bool:
        return all([await consumer.position(place) >= end for place, end in ends.items()])


async def follow_sessions(
    stack: AsyncExitStack, app: SiemApp, kafka: Kafka, topic: str, identities: Identities, clock: Clock, rng: random.Random
) -> Sessions:
    """Begin to follow, and know what is known before anything is indexed; ends with ``stack``."""
    publisher = Publisher(app, _TOLD_BYTES, clock, rng)
    stack.push_async_callback(publisher.close)
    sessions = Sessions(identities, publisher, topic, clock)
    following = Following(kafka, topic, sessions.hear, clock)
    background(stack, following.run())
    try:
        async with asyncio.timeout(_START_SECONDS):
            await following.caught_up.wait()
    except TimeoutError:
        log.warning(events.SESSIONS_UNKNOWN, seconds=_START_SECONDS)
    else:
        log.info(events.SESSIONS_KNOWN, sessions=len(identities))
    return sessions
