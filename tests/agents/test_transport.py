"""Every override of Faust's transport stands on something upstream does; these tests fail when it does otherwise."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.consumer.consumer import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.errors import KafkaError
from faust.app.base import App
from faust.transport import consumer as upstream
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from service.agents import transport
from service.agents.app import SiemApp, make_app
from service.agents.in_order import LostMessagesError
from service.agents.topics import MAX_MESSAGE_BYTES
from service.settings import Paths, Settings

P0 = TP("records", 0)


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[SiemApp]:
    made = make_app(Settings(paths=Paths(state=tmp_path)), "worker-0")
    made.finalize()
    yield made
    consumer_of(made)._thread.thread_loop.close()


def consumer_of(app: SiemApp) -> transport.Consumer:
    consumer = app.consumer
    assert isinstance(consumer, transport.Consumer), "the URL scheme no longer finds our transport"
    return consumer


def fetch(consumer: transport.Consumer, offset: int, tp: TP = P0) -> None:
    record = SimpleNamespace(
        topic=tp.topic, partition=tp.partition, offset=offset, timestamp=1, timestamp_type=0, headers=(), key=None,
        value=b"", checksum=None, serialized_key_size=0, serialized_value_size=0,
    )  # fmt: skip
    consumer._to_message(tp, record)


async def test_upstream_still_commits_past_a_message_that_is_not_acknowledged(app: SiemApp) -> None:
    """Issue 606, the reason for ``_new_offset``: when this fails, read what upstream does now."""
    consumer = consumer_of(app)
    consumer._acked[P0] = [6, 7, 8]
    committed_by_upstream = upstream.Consumer._new_offset(consumer, P0)
    assert committed_by_upstream == 9, "message 5 was read first and is still under way"


async def test_only_the_ledger_decides_what_is_committed(app: SiemApp) -> None:
    consumer = consumer_of(app)
    for offset in (5, 6, 7):
        fetch(consumer, offset)
    consumer._acked[P0] = [5, 6, 7]
    lane = app.ledger.lane(P0)
    lane.finish(6)
    assert consumer._filter_committable_offsets(consumer._filter_tps_with_pending_acks()) == {}
    lane.finish(5)
    assert consumer._filter_committable_offsets(consumer._filter_tps_with_pending_acks()) == {P0: 7}


async def test_partitions_with_anything_fetched_are_asked_about_at_every_commit(app: SiemApp) -> None:
    consumer = consumer_of(app)
    fetch(consumer, 0)
    fetch(consumer, 0, TP("raw.aws.vpcflow", 2))
    assert set(consumer._filter_tps_with_pending_acks()) == {P0, TP("raw.aws.vpcflow", 2)}
    assert set(consumer._filter_tps_with_pending_acks({"records"})) == {P0}


async def test_an_assignment_starts_every_lane_afresh(app: SiemApp, monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = consumer_of(app)
    fetch(consumer, 41)
    old = app.ledger.lane(P0)

    async def quiet(*_: Any, **__: Any) -> None: ...

    monkeypatch.setattr(consumer, "_on_partitions_assigned", quiet)
    monkeypatch.setattr(app, "on_rebalance_return", lambda: None)
    await consumer.on_partitions_assigned({P0}, 7)
    assert app.ledger.lane(P0) is not old
    old.finish(41)
    assert app.ledger.committable(P0) is None


async def test_what_kafka_no_longer_has_is_counted(app: SiemApp) -> None:
    consumer = consumer_of(app)
    consumer._read_offset[P0] = 40
    for offset in (43, 44, 45, 50):
        fetch(consumer, offset)
    assert app.gone == {"records": 3 + 4}


async def test_below_its_commit_a_partition_that_shrank_is_read_and_committed_again(app: SiemApp) -> None:
    consumer = consumer_of(app)
    consumer._read_offset[P0] = consumer._committed_offset[P0] = 40
    fetch(consumer, 7)
    assert consumer._read_offset[P0] == 7, "upstream drops what is below"
    app.ledger.lane(P0).finish(7)
    assert consumer._filter_committable_offsets({P0}) == {P0: 8}
    assert app.gone == {}


async def test_a_partition_that_goes_back_while_it_is_read_is_another_one(app: SiemApp) -> None:
    consumer = consumer_of(app)
    fetch(consumer, 40)
    with pytest.raises(LostMessagesError):
        fetch(consumer, 0)


async def test_waiting_for_agents_ends_at_the_deadline(app: SiemApp, monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = consumer_of(app)
    waited: list[float] = []
    committed: list[bool] = []

    async def never(seconds: float) -> bool:
        waited.append(seconds)
        return False

    async def commit() -> None:
        committed.append(True)

    monkeypatch.setattr(app, "idle", never)
    monkeypatch.setattr(consumer, "commit_and_end_transactions", commit)
    await consumer.wait_empty()
    assert waited == [transport.REVOKE_SECONDS]
    assert committed == [True], "what is done is committed all the same"


async def test_the_producer_is_idempotent_and_waits_for_all_replicas(app: SiemApp) -> None:
    producer = transport.producer_of(app)
    settings = {**producer._settings_default(), **producer._settings_auth(), **producer._settings_extra()}
    assert settings["enable_idempotence"] is True
    assert settings["acks"] == "all"
    assert settings["compression_type"] == "zstd"
    assert settings["max_request_size"] == MAX_MESSAGE_BYTES
    assert "_settings_extra" in inspect.getsource(driver.Producer._new_producer), "upstream asks for it no more"


def test_upstream_still_has_every_method_that_is_overridden() -> None:
    for ours in (transport.Consumer, transport.ConsumerThread, transport.Producer, transport.Transport):
        base = ours.__mro__[1]
        for name, member in vars(ours).items():
            if callable(member) and not name.startswith("__"):
                assert hasattr(base, name), f"{base.__name__} has no {name} any more"


@pytest.mark.parametrize(
    ("where", "says"),
    [
        (upstream.Consumer.getmany, "yield tp, to_message(tp, record)"),
        (upstream.Consumer._wait_next_records, "await self._getmany("),
        (upstream.Consumer.getmany, "or tp in active_partitions"),
        (upstream.Consumer._drain_messages, "offset >= r_offset"),
        (upstream.Consumer.perform_seek, "read_offset.update("),
        (upstream.Consumer.force_commit, "self._filter_tps_with_pending_acks(topics)"),
        (upstream.Consumer._filter_committable_offsets, "self._new_offset(tp)"),
        (upstream.Consumer.on_stop, "await self.wait_empty()"),
        (upstream.Consumer.__init__, "self.app.conf.broker_commit_interval"),
        (App._consumer_wait_empty, "await consumer.wait_empty()"),
        (App._stop_consumer, "self._consumer_wait_empty"),
        (App._on_partitions_revoked, "self._consumer_wait_empty"),
        (driver.Consumer._new_consumer_thread, "AIOKafkaConsumerThread(self"),
        (driver.AIOKafkaConsumerThread.on_start, "self._create_consumer"),
        (AIOKafkaConsumer.start, "fetch_max_bytes=self._fetch_max_bytes"),
        (AIOKafkaConsumer.start, "fetch_max_wait_ms=self._fetch_max_wait_ms"),
        (AIOKafkaConsumer.start, "max_poll_interval_ms=self._max_poll_interval_ms"),
        (AIOKafkaConsumer.start, "self._fetcher = Fetcher("),
        (Fetcher.__init__, "self._fetch_task = create_task(self._fetch_requests_routine())"),
    ],
)
def test_upstream_still_calls_what_is_overridden(where: Any, says: str) -> None:
    assert says in inspect.getsource(where)


async def test_a_fetch_is_bounded_in_size_and_in_time(app: SiemApp) -> None:
    thread = consumer_of(app)._thread
    created = thread._create_worker_consumer(cast("transport.Transport", app.transport))
    assert created._fetch_max_bytes == transport.FETCH_TOTAL_BYTES
    assert created._fetch_max_wait_ms == transport.FETCH_WAIT_MS
    assert created._group_instance_id == "worker-0"
    assert created._max_poll_interval_ms > 365 * 86_400_000
    created._closed = True  # never started: nothing to close, and it would say so


async def test_a_worker_that_can_fetch_no_more_ends(app: SiemApp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its supervisor starts another; going on, it would keep its partitions and read nothing."""
    thread = consumer_of(app)._thread
    reasons: list[BaseException] = []
    crashed = asyncio.Event()

    async def crash(reason: BaseException) -> None:
        reasons.append(reason)
        crashed.set()

    async def started(self: Any) -> None:
        self._consumer = SimpleNamespace(_fetcher=SimpleNamespace(_fetch_task=asyncio.ensure_future(fetching())))

    async def fetching() -> None:
        raise KafkaError("Unexpected error during data retrieval")

    monkeypatch.setattr(app, "crash", crash)
    monkeypatch.setattr(driver.AIOKafkaConsumerThread, "on_start", started)
    monkeypatch.setattr(thread, "parent_loop", asyncio.get_running_loop())
    await thread.on_start()
    await asyncio.wait_for(crashed.wait(), 10)
    assert [type(reason) for reason in reasons] == [KafkaError]
