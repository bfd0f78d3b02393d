"""What is in flight is lost only when nobody can have it any more."""

from __future__ import annotations

from dataclasses import replace

from service.ledger.audit import Choice, Line, OpenSheet
from service.ledger.verdict import Answer, Judge, Topics, Verdict

SHEET = OpenSheet("shop", "prod", "audit", "aws.vpcflow", 0, 1_000, frozenset({"b.0.5"}), 5, 0)
RECORDS = OpenSheet("shop", "prod", "audit", "", 0, 1_000, frozenset({"b"}), 0, 3)
NOW_MS = 1_000_000


class Clock:
    """Its sleeps are over at once."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now_ms(self) -> int:
        return NOW_MS + int(self.seconds * 1000)

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class Book:
    """Sheets that change from one look to the next; the last look stays."""

    def __init__(self, *looks: list[OpenSheet], gaps: int = 0) -> None:
        self._looks = list(looks)
        self._gaps = gaps

    async def refresh(self) -> None:
        pass

    async def open_sheets(self, choice: Choice) -> list[OpenSheet]:
        return self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]

    async def lines(self, choice: Choice) -> list[Line]:
        line = Line("shop", "prod", "audit", "", "stream")
        line.sums["gaps"] = self._gaps
        return [line]


class Queue:
    """Topics and the time until which they are committed; for ever where none is given."""

    def __init__(self, **until_ms: int) -> None:
        self._until_ms = until_ms
        self.asked = 0

    async def done_before(self, topic: str, when_ms: int) -> bool:
        self.asked += 1
        return when_ms <= self._until_ms.get(topic.replace(".", "_"), 1 << 60)


async def judged(book: Book, queue: Queue, *, patience: float = 2_000, wait: float = 0.0) -> Verdict:
    judge = Judge(book, queue, Topics("records", "raw.", "ledger"), Clock(), patience_seconds=patience)
    return await judge.verdict(Choice(), wait_seconds=wait)


async def test_nothing_in_flight_is_balanced() -> None:
    assert (await judged(Book([]), Queue())).answer is Answer.BALANCED


async def test_what_was_committed_and_has_no_fate_is_lost() -> None:
    verdict = await judged(Book([SHEET, RECORDS]), Queue())
    assert (verdict.answer, verdict.unaccounted) == (Answer.UNACCOUNTED, 8)


async def test_what_kafka_still_has_is_on_its_way() -> None:
    verdict = await judged(Book([SHEET]), Queue(raw_aws_vpcflow=0))
    assert (verdict.answer, verdict.moving) == (Answer.BALANCED, [SHEET])
    verdict = await judged(Book([RECORDS]), Queue(records=0))
    assert (verdict.answer, verdict.moving) == (Answer.BALANCED, [RECORDS])


async def test_what_is_on_its_way_for_too_long_is_no_balance() -> None:
    assert (await judged(Book([SHEET]), Queue(raw_aws_vpcflow=0), patience=10)).answer is Answer.UNKNOWN


async def test_a_fate_that_was_not_booked_yet_is_no_loss() -> None:
    verdict = await judged(Book([SHEET], []), Queue())
    assert (verdict.answer, verdict.lost) == (Answer.BALANCED, [])
    verdict = await judged(Book([SHEET]), Queue(ledger=NOW_MS + 1_000))
    assert (verdict.answer, verdict.lost) == (Answer.BALANCED, [])


async def test_a_book_that_is_behind_knows_no_balance() -> None:
    verdict = await judged(Book([]), Queue(ledger=NOW_MS - 1))
    assert verdict.answer is Answer.UNKNOWN
    assert "siem lag" in verdict.advice


async def test_a_minute_in_which_something_else_came_is_not_lost_for_that() -> None:
    later = replace(SHEET, pending=frozenset({"c.0.5"}))
    assert (await judged(Book([SHEET], [later]), Queue())).answer is Answer.BALANCED


async def test_waiting_ends_when_nothing_is_in_flight() -> None:
    verdict = await judged(Book([SHEET], [SHEET], [SHEET], []), Queue(raw_aws_vpcflow=0), wait=60)
    assert (verdict.answer, verdict.moving) == (Answer.BALANCED, [])


async def test_a_gap_is_never_balanced() -> None:
    verdict = await judged(Book([], gaps=1), Queue())
    assert verdict.answer is Answer.UNACCOUNTED
    assert "siem replay files" in verdict.advice


async def test_thousands_of_open_sheets_cost_few_questions() -> None:
    queue = Queue(raw_aws_vpcflow=505_000 + 5_000)
    sheets = [replace(SHEET, minute_ms=number, booked_ms=number * 1000) for number in range(1000)]
    verdict = await judged(Book(sheets), queue)
    assert len(verdict.lost) == 506
    assert queue.asked < 20
