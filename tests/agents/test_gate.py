"""The gate bounds what is under way and lets everyone have a turn."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.agents.gate import Gate


async def test_room_is_given_in_the_order_of_asking() -> None:
    gate = Gate(10)
    order: list[str] = []
    await gate.enter(10)

    async def ask(name: str, size: int) -> None:
        await gate.enter(size)
        order.append(name)
        gate.leave(size)

    asking = [asyncio.create_task(ask("large", 9)), asyncio.create_task(ask("small", 1))]
    await asyncio.sleep(0)
    assert gate.waiting == 2
    gate.leave(10)
    await asyncio.gather(*asking)
    assert order == ["large", "small"], "a small one does not overtake: a flood of them would starve the large"


async def test_something_larger_than_the_gate_comes_in_alone() -> None:
    gate = Gate(10)
    await gate.enter(50)
    late = asyncio.create_task(gate.enter(1))
    await asyncio.sleep(0)
    assert not late.done()
    gate.leave(50)
    await late
    assert (gate.held, gate.count) == (1, 1)


async def test_a_cancelled_wait_takes_no_room_and_lets_the_next_in() -> None:
    gate = Gate(10)
    await gate.enter(6)
    large, small = asyncio.create_task(gate.enter(9)), asyncio.create_task(gate.enter(2))
    await asyncio.sleep(0)
    large.cancel()
    await asyncio.wait([large])
    await small
    assert (gate.held, gate.count, gate.waiting) == (8, 2, 0)


async def test_a_wait_cancelled_in_the_moment_it_was_let_in_gives_the_room_back() -> None:
    gate = Gate(10)
    await gate.enter(10)
    waiter = asyncio.create_task(gate.enter(5))
    await asyncio.sleep(0)
    gate.leave(10)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    assert (gate.held, gate.count) == (0, 0)


async def test_idle_says_whether_everything_left_in_time() -> None:
    gate = Gate(10)
    assert await gate.idle(0.01)
    await gate.enter(1)
    assert not await gate.idle(0.01)
    asyncio.get_running_loop().call_later(0.01, gate.leave, 1)
    assert await gate.idle(1.0)


@given(st.lists(st.integers(1, 30), max_size=40), st.randoms())
def test_never_more_inside_than_the_limit_but_for_one_alone(sizes: list[int], random: object) -> None:
    async def play() -> None:
        gate = Gate(20)

        async def work(size: int) -> None:
            await gate.enter(size)
            assert gate.held <= 20 or gate.count == 1
            await asyncio.sleep(0)
            gate.leave(size)

        await asyncio.gather(*(work(size) for size in sizes))
        assert (gate.held, gate.count, gate.waiting) == (0, 0, 0)

    asyncio.run(play())
