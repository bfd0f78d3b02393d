"""How much waits in Kafka: for each topic of the group, messages written and not committed."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError

from service.agents.connection import client_arguments
from service.clock import Clock
from service.settings import Kafka

_ELECTIONS = 3
_ELECTION_SECONDS = 1.0


class PartitionLag(msgspec.Struct, frozen=True):
    """One partition; ``committed`` is None when the group never committed there: then everything waits."""

    topic: str
    partition: int
    committed: int | None
    end: int
    beginning: int

    @property
    def behind(self) -> int:
        """Messages that wait."""
        start = self.beginning if self.committed is None else max(self.committed, self.beginning)
        return max(0, self.end - start)


class KafkaAwayError(OSError):
    """No broker answered."""


class LagMeter:
    """Asks the brokers; connects on first use and again after a failure."""

    def __init__(self, kafka: Kafka, clock: Clock) -> None:
        """Ask about the group and topics of these settings."""
        self._kafka = kafka
        self._clock = clock
        self._admin: AIOKafkaAdminClient | None = None
        self._consumer: AIOKafkaConsumer | None = None

    async def __aenter__(self) -> Self:
        """Connect to nothing yet."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Hang up."""
        await self.close()

    async def close(self) -> None:
        """Hang up; the next question connects again."""
        admin, self._admin = self._admin, None
        consumer, self._consumer = self._consumer, None
        if admin is not None:
            await admin.close()
        if consumer is not None:
            await consumer.stop()

    async def partitions(self) -> list[PartitionLag]:
        """Return every partition of our topics; raises KafkaAwayError when no broker answers."""
        try:
            return await self._ask_patiently()
        except (KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise KafkaAwayError(repr(error)) from error

    async def topics(self) -> dict[str, int]:
        """Return messages behind by topic (those that a group of ours reads)."""
        lag: dict[str, int] = {}
        for partition in await self.partitions():
            lag[partition.topic] = lag.get(partition.topic, 0) + partition.behind
        return lag

    async def _ask_patiently(self) -> list[PartitionLag]:
        for _ in range(_ELECTIONS):
            try:
                return await self._ask()
            except KafkaConnectionError:
                raise
            except KafkaError as error:
                # A topic that was just made, or whose broker just went, has no leader for a moment.
                if not (error.retriable or isinstance(error, KafkaTimeoutError)):
                    raise
                await self._clock.sleep(_ELECTION_SECONDS)
        return await self._ask()

    async def done_before(self, topic: str, when_ms: int) -> bool:
        """Whether the group has committed everything published to a topic before then; True where there is no such topic.

        Raises KafkaAwayError when no broker answers.
        """
        try:
            admin, consumer = await self._connected()
            if topic not in await admin.list_topics():
                return True
            (described,) = await admin.describe_topics([topic])
            wanted = [TopicPartition(topic, partition["partition"]) for partition in described["partitions"]]
            newer = await consumer.offsets_for_times(dict.fromkeys(wanted, when_ms))
            end = await consumer.end_offsets(wanted)
            beginning = await consumer.beginning_offsets(wanted)
            committed = await admin.list_consumer_group_offsets(self._kafka.group)
        except (KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise KafkaAwayError(repr(error)) from error
        return all(
            max(committed[tp].offset if tp in committed else 0, beginning[tp])
            >= (found.offset if (found := newer.get(tp)) is not None else end[tp])
            for tp in wanted
        )

    async def _ask(self) -> list[PartitionLag]:
        admin, consumer = await self._connected()
        prefix = self._kafka.topic_prefix
        read = (f"{prefix}raw.", f"{prefix}records")
        names = sorted(name for name in await admin.list_topics() if name.startswith(read))
        described = await admin.describe_topics(names) if names else []
        wanted = [
            TopicPartition(topic["topic"], partition["partition"]) for topic in described for partition in topic["partitions"]
        ]
        committed = await admin.list_consumer_group_offsets(self._kafka.group)
        beginning = await consumer.beginning_offsets(wanted)
        end = await consumer.end_offsets(wanted)
        return [
            PartitionLag(
                tp.topic,
                tp.partition,
                committed[tp].offset if tp in committed and committed[tp].offset >= 0 else None,
                end[tp],
                beginning[tp],
            )
            for tp in wanted
        ]

    async def _connected(self) -> tuple[AIOKafkaAdminClient, AIOKafkaConsumer]:
        arguments = client_arguments(self._kafka)
        if self._admin is None or self._consumer is None:
            self._admin = AIOKafkaAdminClient(**arguments, request_timeout_ms=10_000)
            await self._admin.start()
            self._consumer = AIOKafkaConsumer(**arguments, request_timeout_ms=10_000, enable_auto_commit=False)
            await self._consumer.start()
        return self._admin, self._consumer
