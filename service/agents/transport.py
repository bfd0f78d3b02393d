"""Faust's Kafka transport with what it lacks for our promise; registered under its own URL scheme.

Each override says what upstream does instead; ``tests/agents/test_transport.py`` fails when upstream changes under one.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import structlog
from aiokafka import AIOKafkaConsumer
from faust.transport.drivers import TRANSPORTS
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from service.agents.in_order import LostMessagesError
from service.telemetry import events

if TYPE_CHECKING:
    from service.agents.app import SiemApp

SCHEME = "siem"
REVOKE_SECONDS = 3.0
"""How long a rebalance waits for bulks under way; what is not done by then is done again by the next owner."""
FETCH_TOTAL_BYTES = 4 * 1024 * 1024
"""Compressed; while an answer is read the client holds it three times."""
FETCH_WAIT_MS = 100
"""How long a broker keeps a fetch that finds nothing. Partitions with messages still in hand are not in it, and the client
has one fetch at a time under way for each broker: once they are empty, they wait until it is over."""
CROWDED_SECONDS = 0.1
"""How long is polled without a topic whose agent is busy, before it is looked whether it is still."""

log = structlog.get_logger()


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Upstream offers no setting for the size of a whole fetch (50 MiB by default): memory, times the brokers.

    Its fetches wait 1.5 s, during which a busy partition stands still because idle ones have nothing. And when the task
    that fetches has died, nobody looks: the heartbeats go on, and its partitions stand still for ever.
    """

    async def on_start(self) -> None:
        """Start, and watch the task that fetches."""
        await super().on_start()

        def ended(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                asyncio.run_coroutine_threadsafe(self.app.crash(error), self.parent_loop)

        consumer = cast("AIOKafkaConsumer", self._consumer)
        consumer._fetcher._fetch_task.add_done_callback(ended)  # noqa: SLF001 - aiokafka has no public name for it

    def _create_worker_consumer(self, transport: Any) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Read by the Fetcher that start() makes from it.
        consumer._fetch_max_bytes = FETCH_TOTAL_BYTES  # noqa: SLF001 - aiokafka has no public name for it
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001 - nor for this once it is made
        return consumer


class Consumer(driver.Consumer):
    """Offsets are committed by our ledger alone; Faust's own acknowledgements are switched off (``acks=False``).

    Upstream acknowledges messages it skipped after a rebalance, is off by one where nothing was committed before (issue
    606), commits past an agent's exception, and waits for ever on a far side that is down. Where Kafka has lost what comes
    next, it goes on elsewhere and says nothing; and below the commit it reads nothing.
    """

    app: SiemApp

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        # The last step of a fetch: sees every message, in order, before any can be lost on the way to its agent.
        partition = TP(tp.topic, tp.partition)
        lane = self.app.ledger.lane(partition)
        expected = lane.highest + 1 if lane.highest >= 0 else self._read_offset.get(partition)
        if expected is not None and record.offset != expected:
            _tell_of_jump(self.app, partition, expected, record.offset)
            if record.offset < expected:
                if lane.highest >= 0:
                    raise LostMessagesError(f"{partition} is another one now: what comes would be taken for read")
                self._read_offset[partition], self._committed_offset[partition] = record.offset, None
        lane.enter(record.offset)
        return super()._to_message(tp, record)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Mapping[TP, list[Any]]:  # noqa: ASYNC109 - upstream passes it by this name
        """Leave out topics whose agent has enough in front of it.

        Upstream pauses partitions one by one, each by a message of its own that finds the queue nearly full, and waits for
        room when it is full: then nothing reaches any agent, for as long as one of them waits for its index.
        """
        ahead = Counter[str]()
        for tp, messages in self.app.ledger.ahead():
            ahead[tp.topic] += messages
        enough = {topic for topic, messages in ahead.items() if messages >= self.app.most_ahead}
        if not enough or active_partitions is None:
            return await super()._getmany(active_partitions, timeout)
        others = {tp for tp in active_partitions if tp.topic not in enough}
        if not others:
            await self.sleep(CROWDED_SECONDS)
            return {}
        return await super()._getmany(others, CROWDED_SECONDS)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (tp for tp in self.app.ledger.partitions() if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        return self.app.ledger.committable(tp)

    async def wait_empty(self) -> None:
        """Wait for what agents have in hand, never longer than the deadline, then commit what is accounted for."""
        deadline = self.app.drain_seconds if self.app.should_stop else REVOKE_SECONDS
        if not await self.app.idle(deadline):
            log.warning(events.DRAIN_INCOMPLETE, waited_seconds=deadline, messages=self.app.in_hand())
        await self.commit_and_end_transactions()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Commit what is done, then let go."""
        await super().on_partitions_revoked(revoked)
        self.app.ledger.forget(revoked)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Start every partition afresh: reading begins at its commit."""
        self.app.ledger.forget(self.app.ledger.partitions())
        await super().on_partitions_assigned(assigned, generation_id)
        log.info(events.PARTITIONS_ASSIGNED, partitions=len(assigned), generation=generation_id)


class Producer(driver.Producer):
    """Upstream's producer is idempotent only in exactly-once mode."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


class Transport(driver.Transport):
    """The transport of URLs ``siem://host:port``."""

    Consumer = Consumer
    Producer = Producer


def _tell_of_jump(app: SiemApp, partition: TP, expected: int, found: int) -> None:
    facts = {"topic": partition.topic, "partition": partition.partition, "expected": expected, "found": found}
    if found < expected:
        log.error(events.KAFKA_SHRANK, **facts)
        return
    app.gone[partition.topic] += found - expected
    log.error(events.KAFKA_GONE, **facts)


def broker_urls(servers: Iterable[str]) -> list[str]:
    """Return URLs with which Faust finds this transport."""
    TRANSPORTS.aliases[SCHEME] = f"{Transport.__module__}:{Transport.__qualname__}"
    return [f"{SCHEME}://{server}" for server in servers]


def producer_of(app: SiemApp) -> Producer:
    """Return the app's producer with its type."""
    return cast("Producer", app.producer)
