"""Whatever crashes, comes twice or comes late: every event is counted once, and what has no fate is named."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from service.event import Record, RecordBatch
from service.ledger.entry import (
    Collected,
    Fated,
    Gap,
    Page,
    Part,
    Read,
    batch_key,
    minute_of,
    packed_in,
    packed_key,
    part_key,
    total,
)
from service.ledger.sheet import Sheet, SheetKey, document, fold, postings, sheet_of

STREAM = ("shop", "prod", "audit")
DATASETS = ("aws.cloudtrail", "aws.vpcflow")


@st.composite
def batches(draw: st.DrawFn) -> Read:
    """A batch of records that was decoded, with its parts."""
    number = draw(st.integers(0, 10_000_000))
    key = f"b{number}"
    sizes = draw(st.lists(st.tuples(st.sampled_from(DATASETS), st.integers(1, 500)), max_size=4))
    parts = [
        Part(dataset, packed_key(key, at, records), 0) if packed else Part(dataset, part_key(key, at, events), events)
        for at, (dataset, events) in enumerate(sizes)
        for packed, records in [(draw(st.booleans()), draw(st.integers(1, 9)))]
    ]
    dead = draw(st.dictionaries(st.sampled_from(("decode/broken", "route/no_route")), st.integers(1, 9), max_size=2))
    return Read(key, 60_000 * (number % 3), draw(st.integers(1, 50)), draw(st.integers(0, 3)), dead, parts)


def fated(rng: random.Random, read: Read, part: Part, *, again: bool) -> Fated:
    """Fates of a part; a second delivery finds most of it there. What packed records hold shows only now."""
    rest = found_in(part)
    dropped = rng.randint(0, rest)
    dead = rng.randint(0, rest - dropped)
    there = rest - dropped - dead if again else rng.randint(0, rest - dropped - dead)
    indexed = rest - dropped - dead - there
    return Fated(
        part.key, read.minute_ms, part.dataset, rest, indexed, there,
        {"noise": dropped} if dropped else {}, {"parse/bad": dead} if dead else {},
    )  # fmt: skip


def found_in(part: Part) -> int:
    """Events of a part."""
    return 17 * packed_in(part.key) or part.events


def holds(sheet: Sheet) -> bool:
    return (
        sheet.events == sheet.indexed + sheet.already_there + total(sheet.dropped) + total(sheet.dead) + sheet.in_flight
        and sheet.in_flight >= 0
        and sheet.records_in_flight >= 0
    )


def written(rng: random.Random, reads: list[Read], lost: set[str]) -> list[Page]:
    """Everything the stages write down, most of it several times, in any order; ``lost`` parts never get a fate."""
    pages: list[Page] = []
    for read in reads:
        collected = Collected(read.key, read.minute_ms, read.records)
        pages += [Page(*STREAM, [collected])] * rng.randint(0, 2)
        pages += [Page(*STREAM, [read])] * rng.randint(1, 3)
        for part in read.parts:
            if part.key not in lost:
                pages += [Page(*STREAM, [fated(rng, read, part, again=again > 0)]) for again in range(rng.randint(1, 3))]
    rng.shuffle(pages)
    return pages


@given(st.lists(batches(), unique_by=lambda read: read.key, max_size=8), st.randoms(use_true_random=False))
def test_any_order_and_any_number_of_deliveries_balance(reads: list[Read], rng: random.Random) -> None:
    sheets: dict[SheetKey, Sheet] = {}
    for page in written(rng, reads, set()):
        for key, posting in postings(page):
            sheet = sheets.setdefault(key, Sheet())
            sheet.book(posting)
            assert holds(sheet)
    assert not any(sheet.open for sheet in sheets.values())
    assert sum(sheet.records for sheet in sheets.values()) == sum(read.records for read in reads)
    found = sum(total(read.dead) + sum(map(found_in, read.parts)) for read in reads)
    assert sum(sheet.events for sheet in sheets.values()) == found


@given(st.lists(batches(), unique_by=lambda read: read.key, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_exactly_what_is_lost_stays_in_flight_and_is_named(reads: list[Read], rng: random.Random) -> None:
    parts = [part for read in reads for part in read.parts]
    lost = rng.sample(parts, rng.randint(0, len(parts)))
    sheets = fold(written(rng, reads, {part.key for part in lost}))
    assert sum(sheet.in_flight for sheet in sheets.values()) == sum(part.events for part in lost)
    packed = sum(sheet.records_in_flight for key, sheet in sheets.items() if key.dataset)
    assert packed == sum(packed_in(part.key) for part in lost)
    assert all(sheet.open for sheet in sheets.values() if sheet.pending)
    assert set().union(*(sheet.pending for sheet in sheets.values())) == {part.key for part in lost}


@given(st.lists(batches(), unique_by=lambda read: read.key, max_size=5), st.randoms(use_true_random=False))
def test_a_sheet_survives_its_document(reads: list[Read], rng: random.Random) -> None:
    for key, sheet in fold(written(rng, reads, set())).items():
        assert sheet_of(document(key, sheet, 1)) == sheet
    half = written(rng, reads, {part.key for read in reads for part in read.parts if rng.random() < 0.5})
    for key, sheet in fold(half[: len(half) // 2]).items():
        assert sheet_of(document(key, sheet, 1)) == sheet


def test_a_batch_that_was_never_decoded_keeps_its_records_in_flight() -> None:
    (sheet,) = fold([Page(*STREAM, [Collected("b", 0, 7)])]).values()
    assert (sheet.records, sheet.records_in_flight, sheet.pending) == (7, 7, {"b"})


def test_a_gap_is_counted_once() -> None:
    (sheet,) = fold([Page(*STREAM, [Gap("b", 0), Gap("b", 0)])]).values()
    assert len(sheet.gaps) == 1


def test_a_project_has_indices_of_its_own_and_a_month_ends_them() -> None:
    november = minute_of(1_795_000_000_000)
    key = SheetKey("shop", "prod", "audit", "aws.vpcflow", november, "stream")
    assert key.home == "siem-ledger-shop-prod-2026.11"
    assert key._replace(project="pay").home == "siem-ledger-pay-prod-2026.11"
    assert len({key.id, key._replace(dataset="").id, key._replace(source="replay").id, key._replace(stream="b").id}) == 4


def test_the_same_records_are_the_same_batch_whoever_read_them() -> None:
    records = [Record(b"x", "k", str(number), 0, 5) for number in range(3)]
    batch = RecordBatch(*STREAM, "shardId-0", records)
    assert batch_key(batch) == batch_key(RecordBatch(*STREAM, "shardId-0", list(records), "gap"))
    others = [
        RecordBatch(*STREAM, "shardId-1", records),
        RecordBatch(*STREAM, "shardId-0", records[1:]),
        RecordBatch(*STREAM, "shardId-0", [records[0], records[2]]),
    ]
    assert len({batch_key(each) for each in [batch, *others]}) == 4
