"""How many different events an alert rests on: exact for thousands, within a few per cent for millions, in bounded memory.

Whatever comes again changes nothing, in whatever order and company it comes: Kinesis delivers again with other neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from math import log

EXACT = 5_000
"""Different events up to which the number is exact."""
MARK_BYTES = 8
_SLOTS = 4096
_SLOT_BITS = 12
_RANKS = 8 * MARK_BYTES - _SLOT_BITS + 1
_BIAS = 0.7213 / (1 + 1.079 / _SLOTS)


def mark_of(identity: str) -> int:
    """What stands for an event's ``_id`` when events are counted."""
    return int.from_bytes(blake2b(identity.encode("utf-8", "replace"), digest_size=MARK_BYTES).digest())


def packed(marks: Iterable[int]) -> bytes:
    """Marks as bytes, for the way."""
    return b"".join(mark.to_bytes(MARK_BYTES) for mark in marks)


def unpacked(data: bytes) -> list[int]:
    """The marks in bytes that ``packed`` made."""
    return [int.from_bytes(data[at : at + MARK_BYTES]) for at in range(0, len(data), MARK_BYTES)]


class Tally:
    """Counts different marks: by themselves while they are few, then by a HyperLogLog of 4 KiB."""

    __slots__ = ("_marks", "_registers")

    def __init__(self, marks: Iterable[int] = ()) -> None:
        """Begin with these."""
        self._marks: set[int] = set()
        self._registers = bytearray()
        for mark in marks:
            self.add(mark)

    def add(self, mark: int) -> bool:
        """Take a mark in; False when that changes nothing, as it always does for one that was taken in before."""
        if self._registers:
            return self._note(mark)
        if mark in self._marks:
            return False
        self._marks.add(mark)
        if len(self._marks) > EXACT:
            self._registers = bytearray(_SLOTS)
            for each in self._marks:
                self._note(each)
            self._marks.clear()
        return True

    def absorb(self, other: Tally) -> None:
        """Take in all that another one took in."""
        for mark in other._marks:
            self.add(mark)
        if other._registers:
            mine = self._registers or bytearray(_SLOTS)
            if not self._registers:
                self._registers = mine
                for mark in self._marks:
                    self._note(mark)
                self._marks.clear()
            self._registers = bytearray(map(max, mine, other._registers))

    @property
    def number(self) -> int:
        """How many there were."""
        if not self._registers:
            return len(self._marks)
        estimate = _BIAS * _SLOTS * _SLOTS / sum(2.0**-rank for rank in self._registers)
        empty = self._registers.count(0)
        if estimate <= 2.5 * _SLOTS and empty:
            estimate = _SLOTS * log(_SLOTS / empty)
        return max(EXACT + 1, round(estimate))

    def _note(self, mark: int) -> bool:
        slot, rank = mark % _SLOTS, _RANKS - (mark >> _SLOT_BITS).bit_length()
        if rank <= self._registers[slot]:
            return False
        self._registers[slot] = rank
        return True
