"""A message is settled when, and only when, every event in it has its fate, and the counts say which."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest
from faust.types import TP

from service.agents.app import Ticket
from service.agents.carrier import Carrier
from service.agents.dataset_agent import DatasetAgent
from service.agents.gate import Gate
from service.agents.in_order import InOrder
from service.agents.journal import Journal
from service.agents.reading import Reading
from service.agents.tasks import Tasks
from service.clock import SystemClock
from service.event import DeadLetter, Packed, RawBatch, Record, Slice, encode
from service.ledger.entry import MemoryLedger
from service.pipeline.compiled import Carried, Unusable
from service.pipeline.watch import NOTHING
from service.sink.parcel import Parcel
from service.telemetry import metrics
from service.telemetry.meters import Meters

DATASET = "aws.vpcflow"
SHOP = ("shop", "prod", "audit", DATASET)
PAY = ("pay", "prod", "flow", DATASET)


class Words:
    """A pipeline over words: ``dead``, ``drop``, ``crash`` do what they say, everything else is a document."""

    dataset = DATASET
    watch = NOTHING

    def __init__(self, version: str = "v1") -> None:
        self.version = version
        self.carried = 0

    def carry(self, slice_: Slice, now_ms: int) -> Carried:
        self.carried += 1
        carried = Carried()
        for at, event in enumerate(slice_.events):
            if event == "crash":
                raise ZeroDivisionError("a fault of ours")
            if event == "dead":
                carried.dead.append(Unusable(at, "parse", "bad_line", "is dead", None))
            elif event == "drop":
                carried.dropped["noise"] = carried.dropped.get("noise", 0) + 1
            else:
                carried.pieces.append(f'{{"create":{{"_id":"{slice_.first + at}"}}}}\n{{"w":"{event}"}}\n')
                carried.at.append(at)
                if event == "odd":
                    carried.flags["cast_error"] = carried.flags.get("cast_error", 0) + 1
        return carried


class HeldSink:
    """Keeps parcels until told what became of them."""

    def __init__(self) -> None:
        self.parcels: list[Parcel] = []

    async def put(self, parcel: Parcel) -> None:
        self.parcels.append(parcel)

    def index_all(self) -> None:
        for parcel in self.parcels:
            parcel.settle(indexed=parcel.open)


class HeldLetters:
    """Dead letters that are durable when ``durable`` is set."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []
        self.durable = asyncio.Event()
        self.durable.set()

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        await self.durable.wait()
        self.letters += letters


class HeldRoutes:
    """Keeps the records that have to be routed after all; they are durable when ``durable_now`` is set."""

    def __init__(self) -> None:
        self.records: list[Packed] = []
        self.durable_now = asyncio.Event()

    async def decode(self, raw: RawBatch, ticket: Ticket) -> Reading:
        self.records += raw.packed
        return Reading.again(raw)

    async def durable(self, reading: Reading) -> None:
        await self.durable_now.wait()


class Bench:
    """An agent with its surroundings, and messages for it."""

    def __init__(self, folder: Path) -> None:
        self.pipeline = Words()
        self.sink, self.letters, self.meters = HeldSink(), HeldLetters(), Meters()
        self.routes = HeldRoutes()
        self.ledger: InOrder[TP] = InOrder()
        self.gate = Gate(1_000_000)
        self.crashes: list[BaseException] = []
        self.tasks = Tasks(self._crash)
        self.journal = Journal(folder / "journal")
        self.carrier = Carrier(self.pipeline, self.journal)
        self.book = MemoryLedger()
        self.agent = DatasetAgent(
            self.carrier, self.sink, self.letters, self.routes, self.meters, SystemClock(), self.tasks, self.book
        )
        self._offset = 0

    async def _crash(self, error: BaseException) -> None:
        self.crashes.append(error)

    async def give(self, value: bytes) -> None:
        tp = TP("raw.aws.vpcflow", 0)
        lane = self.ledger.lane(tp)
        lane.enter(self._offset)
        lane.take(self._offset)
        await self.gate.enter(len(value))
        ticket = Ticket(tp, lane, self._offset, self.gate, len(value))
        self._offset += 1
        await self.agent.handle(value, ticket)

    def committable(self) -> int | None:
        return self.ledger.committable(TP("raw.aws.vpcflow", 0))

    def count(self, metric: metrics.Metric, *labels: str) -> float:
        return self.meters.value(metric, labels or SHOP)


@pytest.fixture
async def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def message(*events: str, labels: tuple[str, ...] = SHOP) -> bytes:
    return encode(RawBatch(DATASET, [slice_of(*events, labels=labels)]))


def slice_of(*events: str, labels: tuple[str, ...] = SHOP) -> Slice:
    return Slice(labels[0], labels[1], labels[2], "shardId-0", "7", 0, 1_000, list(events))


async def settled(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def test_a_message_is_settled_after_the_sink_has_all_of_it(bench: Bench) -> None:
    await bench.give(message("a", "b", "odd"))
    await asyncio.sleep(0.01)
    assert bench.committable() is None
    assert bench.count(metrics.IN_FLIGHT) == 3
    (parcel,) = bench.sink.parcels
    parcel.settle(indexed=1, already_there=1)
    await asyncio.sleep(0.01)
    assert bench.committable() is None, "one document has no fate yet"
    parcel.settle(dead_lettered=1)
    await settled(lambda: bench.committable() == 1)
    assert bench.count(metrics.EVENTS) == 3
    assert bench.count(metrics.INDEXED) == bench.count(metrics.ALREADY_THERE) == 1
    assert bench.count(metrics.DEAD_LETTERED, *SHOP, "sink", "refused") == 1
    assert bench.count(metrics.FLAGGED, *SHOP, "cast_error") == 1
    assert bench.count(metrics.IN_FLIGHT) == 0
    assert (bench.gate.held, bench.gate.count) == (0, 0)


async def test_dead_letters_must_be_durable_first(bench: Bench) -> None:
    bench.letters.durable.clear()
    await bench.give(message("a", "dead", "drop"))
    bench.sink.index_all()
    await asyncio.sleep(0.01)
    assert bench.committable() is None
    bench.letters.durable.set()
    await settled(lambda: bench.committable() == 1)
    (letter,) = bench.letters.letters
    assert (letter.stage, letter.code, letter.index, letter.data) == ("parse", "bad_line", 1, b"dead")
    assert letter.pipeline_version == "v1"
    assert bench.count(metrics.DROPPED, *SHOP, "noise") == 1
    assert bench.count(metrics.DEAD_LETTERED, *SHOP, "parse", "bad_line") == 1


async def test_messages_that_finish_out_of_order_are_committed_in_order(bench: Bench) -> None:
    for word in ("a", "b", "c"):
        await bench.give(message(word))
    first, second, third = bench.sink.parcels
    third.settle(indexed=1)
    second.settle(indexed=1)
    await asyncio.sleep(0.01)
    assert bench.committable() is None
    first.settle(indexed=1)
    await settled(lambda: bench.committable() == 3)


async def test_each_stream_in_a_message_is_counted_by_itself(bench: Bench) -> None:
    await bench.give(encode(RawBatch(DATASET, [slice_of("a"), slice_of("x", "y", labels=PAY), slice_of("b")])))
    bench.sink.index_all()
    await settled(lambda: bench.committable() == 1)
    assert bench.count(metrics.INDEXED) == 2
    assert bench.count(metrics.INDEXED, *PAY) == 2
    assert [parcel.origin(0)[0].project for parcel in bench.sink.parcels] == ["shop", "pay"]


async def test_an_event_that_crashes_the_pipeline_is_a_dead_letter_and_its_neighbours_go_on(bench: Bench) -> None:
    await bench.give(message("a", "b", "crash", "c", "dead"))
    bench.sink.index_all()
    await settled(lambda: bench.committable() == 1)
    assert bench.count(metrics.INDEXED) == 3
    assert [(letter.index, letter.code) for letter in bench.letters.letters] == [(2, "crashed"), (4, "bad_line")]
    origins = [bench.sink.parcels[0].origin(k) for k in range(3)]
    assert [piece.first + at for piece, at in origins] == [0, 1, 3]
    assert bench.crashes == []


async def test_a_message_that_does_not_decode_is_a_dead_letter_and_blocks_nothing(bench: Bench) -> None:
    await bench.give(b"\xc1 not ours")
    await settled(lambda: bench.committable() == 1)
    (letter,) = bench.letters.letters
    assert (letter.project, letter.code, letter.index) == ("unknown", "not_ours", -1)


async def test_when_the_sink_closes_nothing_is_committed_and_the_events_count_as_abandoned(bench: Bench) -> None:
    await bench.give(message("a", "b", "drop"))
    bench.sink.parcels[0].done.cancel()
    await settled(lambda: bench.gate.count == 0)
    assert bench.committable() is None
    assert bench.crashes == []
    assert bench.count(metrics.ABANDONED) == bench.count(metrics.EVENTS) == 3
    assert bench.count(metrics.DROPPED, *SHOP, "noise") == bench.count(metrics.IN_FLIGHT) == 0


async def test_a_failing_sink_ends_the_worker_with_nothing_committed(bench: Bench) -> None:
    await bench.give(message("a"))
    bench.sink.parcels[0].done.set_exception(RuntimeError("a bug"))
    await settled(lambda: bench.crashes)
    assert bench.committable() is None


async def test_a_dataset_of_which_nothing_is_usable_stands_still_until_another_pipeline_comes(bench: Bench) -> None:
    giving = asyncio.create_task(bench.give(message(*["dead"] * 2000)))
    await settled(lambda: bench.agent.stopped)
    assert bench.letters.letters == [], "a whole stream is not rerouted to the dead letters"
    assert bench.committable() is None

    class Mended(Words):
        def carry(self, slice_: Slice, now_ms: int) -> Carried:
            return super().carry(msgspec.structs.replace(slice_, events=["fine"] * len(slice_.events)), now_ms)

    bench.agent.replace(Mended("v2"))
    await giving
    bench.sink.index_all()
    await settled(lambda: bench.committable() == 1)
    assert bench.agent.stopped is None
    assert bench.count(metrics.INDEXED) == 2000
    assert bench.sink.parcels[0].version == "v2"


async def test_the_counts_add_up_at_every_moment(bench: Bench) -> None:
    fates = (metrics.INDEXED, metrics.ALREADY_THERE, metrics.DROPPED, metrics.DEAD_LETTERED, metrics.ABANDONED)

    def unaccounted() -> float:
        return bench.meters.total(metrics.EVENTS) - sum(bench.meters.total(m) for m in (*fates, metrics.IN_FLIGHT))

    await bench.give(message("a", "dead", "drop", "b"))
    assert unaccounted() == 0
    await bench.give(message("c"))
    bench.sink.parcels[1].done.cancel()
    await settled(lambda: bench.gate.count == 1)
    assert unaccounted() == 0
    bench.sink.parcels[0].settle(already_there=2)
    await settled(lambda: bench.gate.count == 0)
    assert unaccounted() == 0


async def test_a_message_over_which_workers_died_is_carried_event_by_event_and_the_deadly_one_is_set_apart(
    tmp_path: Path,
) -> None:
    def die_over(event: int = -1) -> None:
        journal = Journal(tmp_path / "journal")
        journal.carrying("raw.aws.vpcflow", 0, 0, event)
        journal.close()

    for _ in range(3):
        die_over()
    for _ in range(2):
        die_over(1)
    bench = Bench(tmp_path)
    await bench.give(message("a", "b", "c"))
    bench.sink.index_all()
    await settled(lambda: bench.committable() == 1)
    (letter,) = bench.letters.letters
    assert (letter.code, letter.index, letter.data) == ("killed_the_worker", 1, b"b")
    assert bench.count(metrics.INDEXED) == 2
    assert bench.journal.suspicion("raw.aws.vpcflow", 0, 0) is None, "settled: nothing is held against it any more"


def packed(*events: str, group: str = "vpc-flow", sequence: str = "7") -> Packed:
    """A record with these log events whose head was taken to say ``vpc-flow``."""
    log_events = [{"id": str(n), "timestamp": n, "message": event} for n, event in enumerate(events)]
    said = {"messageType": "DATA_MESSAGE", "owner": "1", "logGroup": group, "logStream": "s", "logEvents": log_events}
    data = gzip.compress(json.dumps(said, separators=(",", ":")).encode())
    return Packed(*SHOP[:3], "shardId-0", Record(data, "k", sequence, 0, 1_000), "vpc-flow", "s", "1", "a b", 300)


def came_packed(*records: Packed) -> RawBatch:
    return RawBatch(DATASET, [], f"batch.0.p{len(records)}", 60_000, list(records))


async def test_packed_records_are_unpacked_here_and_their_room_is_counted(bench: Bench) -> None:
    value = encode(came_packed(packed("a", "b" * 50_000), packed("dead", sequence="8")))
    await bench.give(value)
    assert bench.gate.held > 50_000 > len(value)
    (parcel,) = bench.sink.parcels
    piece, at = parcel.origin(1)
    assert (piece.sequence, piece.log_group, piece.columns, piece.ids, at) == ("7", "vpc-flow", "a b", ["0", "1"], 1)
    bench.sink.index_all()
    await settled(lambda: bench.committable() == 1)
    assert bench.count(metrics.EVENTS) == 3
    assert [letter.sequence for letter in bench.letters.letters] == ["8"]
    assert (bench.gate.held, bench.gate.count) == (0, 0)


async def test_a_record_that_is_not_what_its_head_said_is_routed_anew_before_anything_is_committed(bench: Bench) -> None:
    odd = packed("x", group="somewhere-else", sequence="8")
    await bench.give(encode(came_packed(packed("a"), odd)))
    assert bench.routes.records == [odd]
    bench.sink.index_all()
    await asyncio.sleep(0.01)
    assert bench.committable() is None
    bench.routes.durable_now.set()
    await settled(lambda: bench.committable() == 1)
    assert bench.count(metrics.EVENTS) == bench.count(metrics.INDEXED) == 1


async def test_packed_records_over_which_workers_died_are_all_decoded_one_by_one(tmp_path: Path) -> None:
    for _ in range(3):
        journal = Journal(tmp_path / "journal")
        journal.carrying("raw.aws.vpcflow", 0, 0)
        journal.close()
    bench = Bench(tmp_path)
    bench.routes.durable_now.set()
    await bench.give(encode(came_packed(packed("a"), packed("b"))))
    await settled(lambda: bench.committable() == 1)
    assert len(bench.routes.records) == 2
    assert bench.sink.parcels == []
    assert bench.journal.suspicion("raw.aws.vpcflow", 0, 0) is None
