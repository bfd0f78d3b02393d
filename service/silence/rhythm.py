"""When a source spoke in the last five weeks, one bit for a quarter of an hour, and how long it may be quiet after that.

The bits of two workers are OR-ed: merging is commutative and may happen twice, so no message about arrivals needs to come
exactly once. Times are arrival times in Kinesis: an outage of ours, caught up later, leaves no gap.

How long is too long is read off the history itself. A quiet spell is compared with the longest one that other weeks had
around the same time of the week; how much longer than that quiet spells of this source get (by chance, by jitter) is
measured on all of its past spells; the limit lies beyond that, by half, or by more where spells scatter. However odd the
rhythm, two and a half times the longest spell there was ends the patience.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

BUCKET_MS = 15 * 60_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
WEEK = 7 * DAY_MS // BUCKET_MS
"""Buckets of a week."""
WEEKS = 5
SIZE = WEEKS * WEEK
_MASK = (1 << SIZE) - 1

LEARNING_MS = 14 * DAY_MS
"""Before that much history a week has not been seen twice."""
BEYOND_A_WEEK_MS = 8 * DAY_MS
"""What a new source may take to come back: it may be one that comes weekly."""
OVER_A_WEEKEND_MS = 84 * HOUR_MS
"""From a night job on Friday to the one on Monday, and half a day."""
MARGIN = 0.5
"""How much more than ever before is too much, of what is regular."""
SCATTER = 2.0
"""And of what is not: so often the distance from the upper quartile to the longest, once more."""
AROUND = 4
"""Buckets; jitter and the clocks' summer time move a rhythm by an hour."""
AROUND_SHARE = 5
"""Or a fifth of the quiet spell: a weekly job may be late by more than a nightly one."""


@dataclass(slots=True)
class Rhythm:
    """When one source spoke; grows never."""

    first_ms: int
    last_ms: int
    head: int
    """Number of the newest bucket heard in."""
    bits: int = 1
    """Bit k: something arrived in bucket ``head - k``."""

    @classmethod
    def began(cls, at_ms: int) -> Rhythm:
        """A source that spoke once."""
        return cls(at_ms, at_ms, at_ms // BUCKET_MS)

    def hear(self, buckets: Iterable[int], last_ms: int) -> None:
        """Note that something arrived in each of these buckets, and at ``last_ms``."""
        for bucket in buckets:
            self._mark(bucket)
        self._mark(last_ms // BUCKET_MS)
        self.last_ms = max(self.last_ms, last_ms)

    def merge(self, other: Rhythm) -> bool:
        """Take over what the other one heard; False when that is nothing new."""
        before = (self.head, self.bits, self.last_ms, self.first_ms)
        if other.head > self.head:
            self._mark(other.head)
        self.bits |= (other.bits << (self.head - other.head)) & _MASK if self.head - other.head < SIZE else 0
        self.first_ms = min(self.first_ms, other.first_ms)
        self.last_ms = max(self.last_ms, other.last_ms)
        return before != (self.head, self.bits, self.last_ms, self.first_ms)

    def _mark(self, bucket: int) -> None:
        ahead = bucket - self.head
        if ahead > 0:
            self.bits = ((self.bits << ahead) & _MASK if ahead < SIZE else 0) | 1
            self.head = bucket
        elif -ahead < SIZE:
            self.bits |= 1 << -ahead
        self.first_ms = min(self.first_ms, bucket * BUCKET_MS)

    def buckets(self) -> list[int]:
        """The buckets it was heard in, oldest first."""
        return [self.head - back for back in range(self.bits.bit_length() - 1, -1, -1) if self.bits >> back & 1]

    def pack(self) -> str:
        """The bits as text, for a document."""
        return b64encode(self.bits.to_bytes((self.bits.bit_length() + 7) // 8, "big")).decode()

    @staticmethod
    def unpack(text: str) -> int:
        """The bits of such a text; raises ValueError when it is none."""
        return (int.from_bytes(b64decode(text, validate=True), "big") & _MASK) | 1


@dataclass(frozen=True, slots=True)
class Habit:
    """What a rhythm says about the next quiet spell."""

    patience_ms: int | None
    """Longest silence that is still nothing special, counted from the last arrival; None: too little is known to tell."""
    longest_ms: int
    """Longest quiet spell so far (the second longest, where there are many: one outage is no rhythm)."""
    learning: bool
    """Whether the history is shorter than two weeks."""


def habit(rhythm: Rhythm, after_ms: int) -> Habit:
    """How long the source may be quiet now; never less than ``after_ms``."""
    heard = rhythm.buckets()
    spells = [(end, end - begin - 1) for begin, end in pairwise(heard) if end - begin > 1]
    longest = round(_but_one([length for _, length in spells])) * BUCKET_MS
    span = rhythm.last_ms - rhythm.first_ms
    if span < LEARNING_MS or len(spells) < 2 <= len(heard) < 8:
        return Habit(_while_learning(len(heard), span, longest, after_ms), longest, learning=True)
    past = _Past(heard, after_ms)
    limit = round(_beyond([length for _, length in spells]) * BUCKET_MS) + after_ms
    margin = past.oddness(spells)
    quiet = max(1, after_ms // BUCKET_MS)
    while quiet * BUCKET_MS < limit:
        usual = past.usual(rhythm.head + quiet, quiet)
        if usual is not None and quiet > margin * (usual + past.slack):
            break
        quiet += 1
    return Habit(max(after_ms, min(limit, quiet * BUCKET_MS)), longest, learning=False)


def _while_learning(heard: int, span: int, longest: int, after_ms: int) -> int | None:
    if heard < 3:
        return None
    if span < DAY_MS:
        return max(after_ms, BEYOND_A_WEEK_MS)
    # One that is never quiet for long is missed sooner; weekends are not known yet.
    return max(after_ms, 2 * longest, min(OVER_A_WEEKEND_MS, 24 * max(longest, BUCKET_MS)))


class _Past:
    """The quiet spells of five weeks, by time."""

    def __init__(self, heard: list[int], after_ms: int) -> None:
        self._begin = heard[0]
        self._end = heard[-1]
        self.slack = max(1.0, after_ms / BUCKET_MS)
        lengths = sorted(end - begin for begin, end in pairwise(heard) if end - begin > 1)
        # One that came early this week must not be missed at the hour at which it came in others.
        self._around = max(AROUND, lengths[len(lengths) // 2] // AROUND_SHARE if lengths else 0)
        self._quiet: list[int] = [0]
        for begin, end in pairwise(heard):
            self._quiet.extend(range(1, end - begin))
            self._quiet.append(0)

    def usual(self, bucket: int, quiet: int) -> int | None:
        """Longest silence that other weeks had around the bucket's time of the week; None when no other week did."""
        around = max(self._around, quiet // AROUND_SHARE)
        found = []
        for weeks in range(-WEEKS, WEEKS + 1):
            there = bucket + weeks * WEEK
            low, high = max(self._begin, there - around), min(self._end, there + around)
            if weeks and low <= there <= high:
                found.append(max(self._quiet[low - self._begin : high - self._begin + 1]))
        if not found:
            return None
        # With many weeks to compare with, one in which the source was down does not count.
        return sorted(found)[-2] if len(found) >= 4 else max(found)

    def oddness(self, spells: list[tuple[int, int]]) -> float:
        """How many times longer than usual a spell has to get before it is unlike all that were."""
        ratios = []
        for end, length in spells:
            if length < self.slack:
                continue
            usual = self.usual(end - 1, length)
            if usual is not None:
                ratios.append(length / (usual + self.slack))
        return max(1 + MARGIN, _beyond(ratios))


def _beyond(values: list[float] | list[int]) -> float:
    """What would be unlike these values: larger than all of them by a margin that grows with how much they scatter."""
    top = _but_one(values)
    quartile = sorted(values)[len(values) * 3 // 4] if values else 0
    return top + max(MARGIN * top, SCATTER * (top - quartile))


def _but_one(values: list[float] | list[int]) -> float:
    """The largest; with many to choose from the second largest: one outage is no rhythm."""
    if not values:
        return 0
    return sorted(values)[-2] if len(values) >= 8 else max(values)
