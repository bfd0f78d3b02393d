"""A worker gives back the memory that only holes between documents hold, and leaves alone what it uses.

What the C library does is looked at in processes of their own: elsewhere, holes that others left are used first.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys

import pytest

from service import heap
from service.clock import SystemClock
from service.telemetry.memory import resident_bytes

MB = 1_000_000
LOOK_SECONDS = 0.02


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap, "LOOK_SECONDS", LOOK_SECONDS)


def documents(count: int) -> list[bytes]:
    """Of all sizes, in no order: about 10 kB each."""
    rng = random.Random(7)
    made = [bytes(rng.randrange(600, 20_000)) for _ in range(count)]
    rng.shuffle(made)
    return made


def measured(what: str) -> tuple[int, int, int]:
    """Resident bytes before, full and after, of one of the functions below."""
    said = subprocess.run([sys.executable, "-m", __name__, what], capture_output=True, text=True, check=True).stdout
    before, full, after = map(int, said.split())
    return before, full, after


def test_holes_are_given_back_and_what_is_in_use_stays() -> None:
    before, full, after = measured("holes")
    assert full > before + 180 * MB
    assert before + 45 * MB < after < before + 90 * MB, "50 are in use"


def test_large_blocks_leave_no_holes() -> None:
    before, full, after = measured("bodies")
    assert full > before + 200 * MB
    assert after < before + 80 * MB, "40 of them are documents"


async def test_nothing_is_given_back_where_nothing_grew(looks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [100 * MB, 110 * MB, 90 * MB, 115 * MB, 116 * MB]
    trimmed: list[int] = []

    class Library:
        malloc_trim = trimmed.append

    monkeypatch.setattr("service.heap.ctypes.CDLL", lambda _: Library)
    monkeypatch.setattr(heap, "resident_bytes", lambda: seen.pop(0) if seen else 90 * MB)
    giving = asyncio.create_task(heap.give_back_holes(SystemClock()))
    async with asyncio.timeout(10):
        while seen or not trimmed:
            await asyncio.sleep(LOOK_SECONDS)
    giving.cancel()
    assert trimmed == [0], "once: 116 are more than 24 MiB above the least of 90"


async def test_a_system_that_says_nothing_is_left_alone(looks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.heap.ctypes.CDLL", lambda _: object())
    heap.keep_large_blocks_apart()
    await asyncio.wait_for(heap.give_back_holes(SystemClock()), 1)


async def _holes() -> list[int]:
    heap.keep_large_blocks_apart()
    heap.LOOK_SECONDS = LOOK_SECONDS
    giving = asyncio.create_task(heap.give_back_holes(SystemClock()))
    await asyncio.sleep(0)
    before = resident_bytes()
    waiting = documents(20_000)
    kept = waiting[::4]
    full = resident_bytes()
    del waiting
    for _ in range(200):
        await asyncio.sleep(LOOK_SECONDS)
        if resident_bytes() < before + 90 * MB:
            break
    giving.cancel()
    after = resident_bytes()
    assert len(kept) == 5_000
    return [before, full, after]


async def _bodies() -> list[int]:
    heap.keep_large_blocks_apart()
    before = resident_bytes()
    bodies, between = [], []
    for _ in range(40):
        bodies.append(b"x" * 5 * MB)
        between.append(documents(100))
    full = resident_bytes()
    bodies.clear()
    return [before, full, resident_bytes()]


if __name__ == "__main__":
    probe = {"holes": _holes, "bodies": _bodies}[sys.argv[1]]
    sys.stdout.write(" ".join(map(str, asyncio.run(probe()))))
