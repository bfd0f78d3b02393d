"""Sorted sets of numbers with times, a few bytes an entry."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from datetime import UTC, datetime

NEVER = -1
Seen = tuple[int, int]
"""First and last time, milliseconds since the epoch; NEVER when the publisher does not say."""
UNDATED: Seen = (NEVER, NEVER)

_LATEST = 253_402_300_800_000  # year 10000


class Numbers:
    """Collects numbers, then finds them by bisection: 8 bytes an entry (4 for IPv4), 16 more when entries have dates."""

    __slots__ = ("_first", "_last", "_numbers")

    def __init__(self, typecode: str) -> None:
        """Hold nothing yet; ``typecode`` is that of ``array``."""
        self._numbers = array(typecode)
        self._first: array[int] | None = None
        self._last: array[int] | None = None

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, number: int, seen: Seen) -> None:
        """Take one more; ``seal`` comes after the last."""
        self._numbers.append(number)
        if self._first is None and seen != UNDATED:
            undated = [NEVER] * (len(self._numbers) - 1)
            self._first, self._last = array("q", undated), array("q", undated)
        if self._first is not None and self._last is not None:
            self._first.append(seen[0])
            self._last.append(seen[1])

    def seal(self) -> Numbers:
        """Put them in order; returns itself."""
        numbers, first, last = self._numbers, self._first, self._last
        if first is None or last is None:
            self._numbers = array(numbers.typecode, sorted(numbers))
            return self
        order = sorted(range(len(numbers)), key=numbers.__getitem__)
        self._numbers = array(numbers.typecode, [numbers[at] for at in order])
        self._first = array("q", [first[at] for at in order])
        self._last = array("q", [last[at] for at in order])
        return self

    def find(self, number: int) -> Seen | None:
        """When a number of the set was seen; None when it is not in the set."""
        numbers = self._numbers
        at = bisect_left(numbers, number)
        if at == len(numbers) or numbers[at] != number:
            return None
        return UNDATED if self._first is None or self._last is None else (self._first[at], self._last[at])


def moment(text: str | None) -> int:
    """Milliseconds since the epoch of an ISO 8601 time (UTC unless it says otherwise) or epoch seconds; else NEVER."""
    if not text:
        return NEVER
    if text.isascii() and text.isdigit() and len(text) in (10, 13):
        return int(text) * (1000 if len(text) == 10 else 1)
    try:
        found = datetime.fromisoformat(text.strip().removesuffix(" UTC"))
    except ValueError:
        return NEVER
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    milliseconds = int(found.timestamp() * 1000)
    return milliseconds if 0 <= milliseconds < _LATEST else NEVER


def spell_moment(milliseconds: int) -> str | None:
    """ISO 8601 in UTC; None for NEVER."""
    if milliseconds == NEVER:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
