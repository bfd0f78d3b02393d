"""Buffers, windows and gates: bounded, fair, and open again by themselves."""

from __future__ import annotations

import asyncio
import random

import pytest

from service.sink.opensearch.batch import Packer, body_of, malformed
from service.sink.opensearch.budget import Budget
from service.sink.opensearch.retry import Backoff, Gate, Window
from tests.sink.scripted import parcel, piece

BACKOFF = Backoff(rng=random.Random(1))


def test_backoff_grows_to_its_cap_and_never_ends() -> None:
    delays = [BACKOFF.delay(attempts) for attempts in range(1, 10_000)]
    assert all(0.1 <= delay <= 30 for delay in delays)
    assert min(delays[20:]) >= 15
    assert len(set(delays[20:])) > 1000


def test_a_closed_gate_lets_one_probe_through_and_opens_with_its_success() -> None:
    gate = Gate(BACKOFF)
    assert gate.admits(3, 0.0)
    gate.failed(100.0)
    assert not gate.admits(0, 100.0)
    assert gate.admits(0, 100.3)
    assert not gate.admits(1, 100.3)
    gate.succeeded()
    assert gate.admits(3, 100.3)


def test_a_window_halves_under_overload_and_recovers_slowly() -> None:
    window = Window(8, 4 << 20)
    for _ in range(10):
        window.shrink()
    assert (window.requests, window.size) == (1, 256 * 1024)
    for _ in range(200):
        window.grow()
    assert (window.requests, window.size) == (8, 4 << 20)


def test_a_request_that_was_too_large_is_never_sent_that_large_again() -> None:
    window = Window(4, 4 << 20)
    window.refuse(3 << 20)
    for _ in range(200):
        window.grow()
    assert window.size == 3 << 19


async def test_one_dataset_cannot_take_the_whole_buffer_and_priority_has_a_reserve() -> None:
    budget = Budget(1000, frozenset({"precious"}))
    await budget.take("flood", 500)
    waiting = asyncio.ensure_future(budget.take("flood", 10))
    await budget.take("other", 250)
    other = asyncio.ensure_future(budget.take("third", 10))
    await asyncio.sleep(0)
    assert budget.waiting == 2
    await budget.take("precious", 250)
    budget.give("other", 250)
    await asyncio.sleep(0)
    assert not other.done()
    budget.give("precious", 250)
    await asyncio.sleep(0)
    assert other.done()
    assert not waiting.done()
    budget.give("flood", 500)
    await waiting
    assert budget.used == 20


async def test_the_flood_of_one_project_leaves_room_for_another_and_who_holds_least_goes_first() -> None:
    budget = Budget(1000, frozenset({"precious"}))
    await budget.take("flow", 250, "loud")
    await budget.take("dns", 250, "loud")
    more = [asyncio.ensure_future(budget.take("flow", 100, "loud")) for _ in range(5)]
    await asyncio.wait_for(budget.take("flow", 100, "quiet"), 1)
    await asyncio.wait_for(budget.take("dns", 150, "quiet"), 1)
    late = asyncio.ensure_future(budget.take("flow", 50, "quiet"))
    await asyncio.sleep(0)
    assert (budget.waiting, late.done()) == (6, False)
    budget.give("dns", 250, "loud")
    await asyncio.sleep(0)
    assert late.done()
    assert [each.done() for each in more] == [True, False, False, False, False]
    await budget.take("precious", 250, "loud")
    for each in more:
        each.cancel()


async def test_what_is_large_is_not_overtaken_for_ever_by_what_is_small() -> None:
    budget = Budget(1000, frozenset())
    await budget.take("a", 400, "one")
    await budget.take("b", 300, "two")
    large = asyncio.ensure_future(budget.take("c", 300, "three"))
    small = asyncio.ensure_future(budget.take("d", 40, "one"))
    await asyncio.sleep(0)
    assert not large.done()
    assert not small.done()
    budget.give("b", 300, "two")
    await asyncio.sleep(0)
    assert large.done()
    assert small.done()


async def test_a_caller_that_gives_up_waiting_leaves_no_trace() -> None:
    budget = Budget(100, frozenset())
    await budget.take("a", 50)
    waiting = asyncio.ensure_future(budget.take("a", 50))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert budget.waiting == 0
    budget.give("a", 50)
    assert budget.used == 0


async def test_something_larger_than_its_share_passes_when_it_is_alone() -> None:
    budget = Budget(100, frozenset())
    await asyncio.wait_for(budget.take("a", 5000), 1)
    waiting = asyncio.ensure_future(budget.take("b", 5000))
    await asyncio.sleep(0)
    assert not waiting.done()
    budget.give("a", 5000)
    await asyncio.wait_for(waiting, 1)


async def test_a_large_parcel_is_cut_and_small_ones_share_a_load() -> None:
    packer = Packer(frozenset(), 1.0)
    large = parcel(100)
    packer.add(large, 0.0, 1000)
    loads = []
    while load := packer.ready(0.0, 1000, flush=True):
        loads.append(load)
    assert [k for load in loads for _, k in load.items()] == list(range(100))
    assert all(load.size <= 1000 for load in loads)
    for _ in range(5):
        packer.add(parcel(1), 0.0, 1000)
    assert packer.ready(0.5, 1000, flush=False) is None
    load = packer.ready(1.0, 1000, flush=False)
    assert load is not None
    assert len(load.spans) == 5


def test_a_body_carries_what_utf8_cannot() -> None:
    pieces = [piece(1).replace("number", "\ud800"), piece(2, text="ü\u2028")]
    body = body_of(pieces)
    assert body.count(b"\n") == 4
    assert malformed(pieces) == []
    assert malformed([*pieces, "{}\n"]) == [2]
    assert malformed(["", "{}", "{}\n{}", "{}\n{}\n{}\n", "{}\n{}\n"]) == [0, 1, 2, 3]
