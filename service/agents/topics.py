"""Topics: their names, and creating them before anything subscribes (one created later gets no partitions)."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from service.agents.connection import client_arguments
from service.clock import Clock
from service.settings import Kafka
from service.telemetry import events

log = structlog.get_logger()

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""Largest message: a record may be 10 MiB, an event of it no larger; the rest is room for the envelope."""
FETCH_BYTES = 1024 * 1024
"""Asked for from one partition at once; Kafka gives a larger message all the same, alone."""


class TopicNames:
    """Names under the deployment's prefix."""

    def __init__(self, prefix: str) -> None:
        """Put ``prefix`` before every name."""
        self._prefix = prefix

    @property
    def records(self) -> str:
        """Record batches from the collectors."""
        return f"{self._prefix}records"

    @property
    def dead_letters(self) -> str:
        """What could not be used."""
        return f"{self._prefix}dead-letters"

    @property
    def ledger(self) -> str:
        """What was read and what became of it."""
        return f"{self._prefix}ledger"

    @property
    def beats(self) -> str:
        """What workers heard of each source, for the one that judges silence."""
        return f"{self._prefix}beats"

    @property
    def signals(self) -> str:
        """What detections found, for the one that makes alerts of it."""
        return f"{self._prefix}signals"

    @property
    def notices(self) -> str:
        """New alerts, for those who want to be told."""
        return f"{self._prefix}notices"

    @property
    def identities(self) -> str:
        """Who was given which session, for all workers."""
        return f"{self._prefix}identities"

    def raw(self, dataset: str) -> str:
        """Raw events of one dataset."""
        return f"{self._prefix}raw.{dataset}"

    def all(self, datasets: Iterable[str]) -> list[str]:
        """Every topic of a deployment with these datasets."""
        own = [self.dead_letters, self.ledger, self.beats, self.signals, self.notices, self.identities]
        return [self.records, *(self.raw(dataset) for dataset in sorted(datasets)), *own]


async def create_topics(kafka: Kafka, names: Iterable[str], clock: Clock) -> list[str]:
    """Create what is missing and return it; waits, with a log line, for as long as no broker answers.

    Existing topics are left as they are. Raises KafkaError when the cluster refuses (authorisation, replication).
    """
    delay = 0.5
    wanted = list(names)
    while True:
        try:
            return await _ask_for(kafka, wanted)
        except KafkaError as error:
            if not error.retriable:
                raise
            log.warning(events.KAFKA_WAITING, servers=kafka.servers, reason=repr(error), retry_seconds=delay)
        await clock.sleep(delay)
        delay = min(delay * 2, 10.0)


async def restore_topics(kafka: Kafka, names: list[str]) -> None:
    """Create again what somebody deleted meanwhile; a broker that creates topics by itself may have been quicker."""
    try:
        created = await _ask_for(kafka, names)
    except (KafkaError, OSError):
        return  # those who need the brokers say so
    if created:
        log.warning(events.TOPICS_CREATED, topics=created)


async def _ask_for(kafka: Kafka, names: list[str]) -> list[str]:
    client = AIOKafkaAdminClient(**client_arguments(kafka), request_timeout_ms=10_000)
    try:
        await client.start()
        return await _create_missing(client, kafka, names)
    finally:
        await client.close()


async def _create_missing(client: AIOKafkaAdminClient, kafka: Kafka, names: list[str]) -> list[str]:
    existing = set(await client.list_topics())
    missing = [name for name in names if name not in existing]
    if not missing:
        return []
    config = {
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
        "retention.ms": str(kafka.retention_hours * 3_600_000),
        # The producer's zstd stays as it is: the broker must not spend its CPU on another codec.
        "compression.type": "producer",
    }
    topics = [NewTopic(name, kafka.partitions, kafka.replication, topic_configs=config) for name in missing]
    answer = await client.create_topics(topics, timeout_ms=10_000)
    created = []
    for name, code, *_ in answer.topic_errors:
        if code == TopicAlreadyExistsError.errno:  # another worker was quicker
            continue
        if code:
            raise for_code(code)(f"topic {name}")
        created.append(name)
    return created
