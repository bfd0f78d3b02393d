"""A batch of records is settled once everything in it is durable: in its dataset's topic or among the dead letters."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from faust.types import TP

from service.agents.app import Ticket
from service.agents.gate import Gate
from service.agents.in_order import Lane
from service.agents.journal import Journal
from service.agents.publisher import MessageTooLargeError
from service.agents.route_agent import RouteAgent
from service.agents.tasks import Tasks
from service.agents.topics import TopicNames
from service.clock import SystemClock
from service.event import Packed, RawBatch, Record, RecordBatch, Slice, decode_as, encode
from service.ledger.entry import MemoryLedger
from service.route.router import Routed
from service.sink.memory import MemoryDeadLetters
from service.telemetry import metrics
from service.telemetry.meters import Meters
from tests.agents.test_dataset_agent import settled

STREAM = ("shop", "prod", "audit")


class Halves:
    """Routes words of a record: even lengths are one dataset, odd ones the other, ``?`` nobody's; ``!`` may stay packed."""

    def route(self, batch: RecordBatch, pack_up_to: int = 0) -> Routed:
        routed = Routed(records=len(batch.records))
        for record in batch.records:
            if pack_up_to and record.data.startswith(b"!"):
                routed.packed.setdefault("aws.even", []).append(packed_of(record))
                continue
            words = record.data.decode().split()
            for dataset, wanted in (("aws.even", 0), ("aws.odd", 1)):
                events = [word for word in words if word != "?" and len(word) % 2 == wanted]
                if events:
                    piece = Slice(batch.project, batch.environment, batch.stream, batch.shard, record.sequence, 0, 5, events)
                    routed.by_dataset.setdefault(dataset, []).append(piece)
        return routed


def packed_of(record: Record) -> Packed:
    return Packed(*STREAM, "shardId-0", record, "g", "s", "1", None, len(record.data))


def came_packed(*records: Record) -> RawBatch:
    return RawBatch("aws.even", [], "batch.0.p1", 60_000, [packed_of(record) for record in records])


class HeldPublisher:
    """Keeps what is published; each is durable when its future is resolved."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, RawBatch, asyncio.Future[None]]] = []

    async def publish(self, topic: str, value: bytes, key: bytes | None = None) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.sent.append((topic, decode_as(RawBatch, value), done))
        return done


class Bench:
    def __init__(self, folder: Path) -> None:
        self.journal = Journal(folder / "journal")
        self.publisher, self.letters, self.meters, self.lane = HeldPublisher(), MemoryDeadLetters(), Meters(), Lane()
        self.ledger = MemoryLedger()
        self.crashes: list[BaseException] = []
        self.gate = Gate(1000)
        self.agent = RouteAgent(
            Halves(),
            self.publisher,
            TopicNames("t-"),
            self.letters,
            self.meters,
            SystemClock(),
            Tasks(self._crash),
            self.journal,
            self.ledger,
            500,
        )

    async def _crash(self, error: BaseException) -> None:
        self.crashes.append(error)

    async def ticket(self, value: bytes) -> Ticket:
        self.lane.enter(0)
        self.lane.take(0)
        await self.gate.enter(len(value))
        return Ticket(TP("t-records", 0), self.lane, 0, self.gate, len(value))

    async def give(self, value: bytes) -> None:
        await self.agent.handle(value, await self.ticket(value))


@pytest.fixture
async def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def batch(*payloads: str) -> bytes:
    records = [Record(text.encode(), "k", str(n), 0, 5) for n, text in enumerate(payloads)]
    return encode(RecordBatch(*STREAM, "shardId-0", records))


async def test_the_batch_is_settled_when_every_topic_has_its_part(bench: Bench) -> None:
    await bench.give(batch("aa b cc", "d"))
    (even_topic, even, even_done), (odd_topic, odd, odd_done) = bench.publisher.sent
    assert (even_topic, odd_topic) == ("t-raw.aws.even", "t-raw.aws.odd")
    assert [piece.events for piece in even.slices] == [["aa", "cc"]]
    assert [(piece.sequence, piece.events) for piece in odd.slices] == [("0", ["b"]), ("1", ["d"])]
    odd_done.set_result(None)
    await asyncio.sleep(0.01)
    assert bench.lane.next is None
    even_done.set_result(None)
    await settled(lambda: bench.lane.next == 1)
    assert bench.meters.value(metrics.RECORDS, STREAM) == 2
    assert bench.gate.count == 0


async def test_large_batches_are_cut_into_messages(bench: Bench) -> None:
    await bench.give(batch(" ".join(["x" * 99] * 20)))
    assert len(bench.publisher.sent) > 3
    for _, _, done in bench.publisher.sent:
        assert bench.lane.next is None
        done.set_result(None)
        await asyncio.sleep(0.001)
    await settled(lambda: bench.lane.next == 1)


async def test_an_event_no_broker_takes_is_a_dead_letter(bench: Bench) -> None:
    await bench.give(batch("huge"))
    bench.publisher.sent[0][2].set_exception(MessageTooLargeError("17 MB"))
    await settled(lambda: bench.lane.next == 1)
    (letter,) = bench.letters.letters.values()
    assert (letter.stage, letter.code, letter.data, letter.dataset) == ("route", "too_large", b"huge", "aws.even")
    assert bench.meters.value(metrics.UNROUTED, (*STREAM, "route", "too_large")) == 1


async def test_stopping_in_the_middle_commits_nothing(bench: Bench) -> None:
    await bench.give(batch("aa b"))
    bench.publisher.sent[0][2].cancel()
    await settled(lambda: bench.gate.count == 0)
    assert bench.lane.next is None
    assert bench.crashes == []


async def test_a_message_that_does_not_decode_is_a_dead_letter(bench: Bench) -> None:
    await bench.give(b"garbage")
    await settled(lambda: bench.lane.next == 1)
    (letter,) = bench.letters.letters.values()
    assert (letter.code, letter.stream, letter.data) == ("not_ours", "t-records", b"garbage")


async def test_an_empty_batch_is_settled(bench: Bench) -> None:
    await bench.give(batch())
    await settled(lambda: bench.lane.next == 1)


async def test_a_record_over_which_workers_died_is_set_apart_and_its_neighbours_go_on(tmp_path: Path) -> None:
    for event in (-1, -1, -1, 1, 1):
        journal = Journal(tmp_path / "journal")
        journal.carrying("t-records", 0, 0, event)
        journal.close()
    bench = Bench(tmp_path)
    await bench.give(batch("aa", "bb", "cc"))
    for _, _, done in bench.publisher.sent:
        done.set_result(None)
    await settled(lambda: bench.lane.next == 1)
    assert [raw.slices[0].events for _, raw, _ in bench.publisher.sent] == [["aa"], ["cc"]]
    (letter,) = bench.letters.letters.values()
    assert (letter.code, letter.sequence, letter.data) == ("killed_the_worker", "1", b"bb")
    assert bench.meters.value(metrics.RECORDS, STREAM) == 3


async def test_records_that_may_stay_packed_travel_as_they_came(bench: Bench) -> None:
    await bench.give(batch("!one", "aa", "!two"))
    (_, slices, _), (topic, raw, _) = bench.publisher.sent
    assert topic == "t-raw.aws.even"
    assert [piece.events for piece in slices.slices] == [["aa"]]
    assert [packed.record.data for packed in raw.packed] == [b"!one", b"!two"]
    for _, _, done in bench.publisher.sent:
        assert bench.lane.next is None
        done.set_result(None)
    await settled(lambda: bench.lane.next == 1)
    assert bench.meters.value(metrics.RECORDS, STREAM) == 3


async def test_a_packed_record_no_broker_takes_is_a_dead_letter_as_a_whole(bench: Bench) -> None:
    await bench.give(batch("!one"))
    bench.publisher.sent[0][2].set_exception(MessageTooLargeError("17 MB"))
    await settled(lambda: bench.lane.next == 1)
    (letter,) = bench.letters.letters.values()
    assert (letter.stage, letter.code, letter.index, letter.data) == ("route", "too_large", -1, b"!one")


async def test_a_record_that_comes_back_is_decoded_and_not_counted_again(bench: Bench) -> None:
    record = Record(b"!aa bbb", "k", "9", 0, 5)
    reading = await bench.agent.decode(came_packed(record), await bench.ticket(b""))
    waiting = asyncio.create_task(bench.agent.durable(reading))
    assert [raw.slices[0].events for _, raw, _ in bench.publisher.sent] == [["!aa", "bbb"]]
    await asyncio.sleep(0.01)
    assert not waiting.done()
    for _, _, done in bench.publisher.sent:
        done.set_result(None)
    await waiting
    assert bench.meters.total(metrics.RECORDS) == 0


async def test_a_packed_record_over_which_workers_died_is_set_apart(tmp_path: Path) -> None:
    for event in (-1, 1, 1):
        journal = Journal(tmp_path / "journal")
        journal.carrying("t-records", 0, 0, event)
        journal.close()
    bench = Bench(tmp_path)
    records = [Record(text, "k", text.decode(), 0, 5) for text in (b"aa", b"bb", b"cc")]
    reading = await bench.agent.decode(came_packed(*records), await bench.ticket(b""))
    assert [raw.slices[0].events for raw, _ in reading.sent] == [["aa"], ["cc"]]
    assert [(letter.code, letter.data) for letter in reading.letters] == [("killed_the_worker", b"bb")]
