"""Does it add up? What is in flight is only under way while some message of it waits in Kafka; the rest is unaccounted for.

The proof: a message is published before the ledger announces it, and its fate is in the topic ``ledger`` before its offset
is committed. So once the group has committed all that was published before a sheet was written, and the book has all that
was in the topic ``ledger`` then, a key that still has no fate will never get one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from service.clock import Clock
from service.ledger.audit import Choice, Line, OpenSheet

_LOOK_SECONDS = 0.5
_LOOKS = 40
_CLOCKS_APART_MS = 5_000


class Answer(StrEnum):
    """Whether it is all there."""

    BALANCED = "balanced"
    UNACCOUNTED = "unaccounted"
    UNKNOWN = "cannot tell"


class Sheets(Protocol):
    """What ``Audit`` does."""

    async def refresh(self) -> None:
        """Make findable what was written until now."""
        ...

    async def lines(self, choice: Choice) -> list[Line]:
        """The sums."""
        ...

    async def open_sheets(self, choice: Choice) -> list[OpenSheet]:
        """Sheets on which something is in flight."""
        ...


class Queue(Protocol):
    """What is asked of Kafka."""

    async def done_before(self, topic: str, when_ms: int) -> bool:
        """Whether everything published to a topic before then is committed; raises OSError when nobody answers."""
        ...


@dataclass(frozen=True, slots=True)
class Topics:
    """Names of the topics that are asked about."""

    records: str
    raw: str
    """Prefix of the datasets' topics."""
    ledger: str

    def of(self, sheet: OpenSheet) -> str:
        """The topic in which what is pending on a sheet waits."""
        return f"{self.raw}{sheet.dataset}" if sheet.dataset else self.records


@dataclass(slots=True)
class Verdict:
    """The answer and what it rests on."""

    answer: Answer
    why: str
    advice: str
    """What to do next; "" when there is nothing to do."""
    lines: list[Line]
    moving: list[OpenSheet] = field(default_factory=list)
    """In flight: still in Kafka."""
    lost: list[OpenSheet] = field(default_factory=list)
    """Unaccounted for: nobody has it any more."""

    @property
    def unaccounted(self) -> int:
        """Events, or records that were never decoded, without a fate and without hope of one."""
        return sum(sheet.events + sheet.records for sheet in self.lost)


class Judge:
    """Asks the book and Kafka."""

    def __init__(self, audit: Sheets, queue: Queue, topics: Topics, clock: Clock, *, patience_seconds: float = 600.0) -> None:
        """What is in flight for longer than the patience is no longer waved through."""
        self._audit = audit
        self._queue = queue
        self._topics = topics
        self._clock = clock
        self._patience_ms = int(patience_seconds * 1000)

    async def verdict(self, choice: Choice, *, wait_seconds: float = 0.0) -> Verdict:
        """The verdict over the chosen sheets; waits so long for what is in flight. Raises OSError and TransportError."""
        deadline, asked_ms = self._clock.monotonic() + wait_seconds, self._clock.now_ms()
        # What was noted until now and is not in the book yet would be missing without a trace.
        booked = await self._booked_until(asked_ms)
        while True:
            moving, lost = await self.open_sheets(choice)
            if not moving or lost or self._clock.monotonic() >= deadline:
                return self._say(await self._audit.lines(choice), moving, lost, booked=booked)
            await self._clock.sleep(_LOOK_SECONDS)

    async def open_sheets(self, choice: Choice) -> tuple[list[OpenSheet], list[OpenSheet]]:
        """What is on its way, and what is lost. Raises OSError and TransportError."""
        await self._audit.refresh()
        sheets = await self._audit.open_sheets(choice)
        by_topic: dict[str, list[OpenSheet]] = {}
        for sheet in sheets:
            by_topic.setdefault(self._topics.of(sheet), []).append(sheet)
        suspects = [sheet for topic, some in by_topic.items() for sheet in await self._left_behind(topic, some)]
        if not suspects or not await self._booked_until(self._clock.now_ms() + _CLOCKS_APART_MS):
            return sheets, []
        await self._audit.refresh()
        still = {sheet.place: sheet for sheet in await self._audit.open_sheets(choice)}
        lost = [now for sheet in suspects if (now := still.get(sheet.place)) and sheet.pending & now.pending]
        places = {sheet.place for sheet in lost}
        return [sheet for sheet in still.values() if sheet.place not in places], lost

    async def _left_behind(self, topic: str, sheets: list[OpenSheet]) -> list[OpenSheet]:
        """Sheets that were written last before all of the topic was committed; by halves, for there may be thousands."""
        ordered = sorted(sheets, key=lambda sheet: sheet.booked_ms)
        low, high = 0, len(ordered)
        while low < high:
            middle = (low + high) // 2
            if await self._queue.done_before(topic, ordered[middle].booked_ms + _CLOCKS_APART_MS):
                low = middle + 1
            else:
                high = middle
        return ordered[:low]

    async def _booked_until(self, when_ms: int) -> bool:
        for _ in range(_LOOKS):
            if await self._queue.done_before(self._topics.ledger, when_ms):
                return True
            await self._clock.sleep(_LOOK_SECONDS)
        return False

    def _say(self, lines: list[Line], moving: list[OpenSheet], lost: list[OpenSheet], *, booked: bool) -> Verdict:
        gaps = sum(line.sums["gaps"] for line in lines)
        on_way = sum(sheet.events + sheet.records for sheet in moving)
        late = [sheet for sheet in moving if self._clock.now_ms() - sheet.booked_ms > self._patience_ms]
        if lost:
            count = sum(sheet.events + sheet.records for sheet in lost)
            return Verdict(
                Answer.UNACCOUNTED,
                f"{count:,} events (or records) were read, have no fate, and wait nowhere",
                "read these minutes of these streams once more: `siem replay stream`; then report it",
                lines, moving, lost,
            )  # fmt: skip
        if gaps:
            return Verdict(
                Answer.UNACCOUNTED,
                f"{gaps:,} times Kinesis deleted records before they were read; how many, nobody knows",
                "fetch that time from the source (the trail's bucket, the log group) and `siem replay files` it; "
                "raise the stream's retention",
                lines, moving, lost,
            )  # fmt: skip
        if not booked:
            return Verdict(
                Answer.UNKNOWN,
                "entries of the ledger itself still wait in Kafka: what is shown here is not all of it",
                "`siem lag` says how many, the status page what holds them up; ask again when they are through",
                lines, moving, lost,
            )  # fmt: skip
        if not lines:
            return Verdict(
                Answer.UNKNOWN,
                "the ledger holds nothing of this choice",
                "widen --since, or look whether `siem run` is up",
                lines,
            )
        if late:
            return Verdict(
                Answer.UNKNOWN,
                f"{on_way:,} events (or records) still wait in Kafka, some for longer than {self._patience_ms // 60_000} minutes",
                "`siem lag` and the status page say what holds them up; ask again when they are through (--wait)",
                lines, moving, lost,
            )  # fmt: skip
        way = f"; {on_way:,} on their way" if on_way else ""
        return Verdict(Answer.BALANCED, f"everything that was read has its fate{way}", "", lines, moving, lost)
