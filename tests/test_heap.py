"""A worker gives back the memory that only holes between documents hold, and leaves alone what it uses."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys

import pytest

from service import heap
from service.clock import SystemClock

MB = 1_000_000


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap, "LOOK_SECONDS", 0.02)


def documents(count: int) -> list[bytes]:
    """Of all sizes, in no order: about 10 kB each."""
    rng = random.Random(7)
    made = [bytes(rng.randrange(600, 20_000)) for _ in range(count)]
    rng.shuffle(made)
    return made


async def test_holes_are_given_back_and_what_is_in_use_stays(looks: None) -> None:
    heap.keep_large_blocks_apart()
    giving = asyncio.create_task(heap.give_back_holes(SystemClock()))
    await asyncio.sleep(0)
    before = heap.resident()
    waiting = documents(20_000)
    kept = waiting[::4]
    del waiting
    holding = heap.resident()
    assert holding > before + 150 * MB, "it was not the C library's memory"
    for _ in range(200):
        await asyncio.sleep(0.02)
        if heap.resident() < before + 90 * MB:
            break
    giving.cancel()
    assert heap.resident() < before + 90 * MB
    assert heap.resident() > before + 40 * MB
    assert len(kept) == 5_000


async def test_nothing_is_given_back_where_nothing_grew(looks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = iter([100 * MB, 110 * MB, 90 * MB, 115 * MB, 116 * MB])
    trimmed: list[int] = []

    class Library:
        malloc_trim = trimmed.append

    monkeypatch.setattr("service.heap.ctypes.CDLL", lambda _: Library)
    monkeypatch.setattr(heap, "resident", lambda: next(seen, 90 * MB))
    giving = asyncio.create_task(heap.give_back_holes(SystemClock()))
    await asyncio.sleep(0.3)
    giving.cancel()
    assert trimmed == [0], "once: 116 are more than 24 MiB above the least of 90"


def test_large_blocks_leave_no_holes() -> None:
    # In a process of its own: elsewhere, holes that others left are used first.
    said = subprocess.run([sys.executable, "-m", __name__], capture_output=True, text=True, check=True).stdout
    before, full, after = map(int, said.split())
    assert full > before + 200 * MB
    assert after < before + 80 * MB, "40 of them are documents"


def _bodies_among_documents() -> list[int]:
    heap.keep_large_blocks_apart()
    before = heap.resident()
    bodies, between = [], []
    for _ in range(40):
        bodies.append(b"x" * 5 * MB)
        between.append(documents(100))
    full = heap.resident()
    bodies.clear()
    return [before, full, heap.resident()]


async def test_a_system_that_says_nothing_is_left_alone(looks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.heap.ctypes.CDLL", lambda _: object())
    heap.keep_large_blocks_apart()
    await asyncio.wait_for(heap.give_back_holes(SystemClock()), 1)


if __name__ == "__main__":
    sys.stdout.write(" ".join(map(str, _bodies_among_documents())))
