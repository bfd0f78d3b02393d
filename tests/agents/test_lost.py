"""A fetched message that never reaches its agent is noticed: by the next one, or by time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from faust.types import TP

from service.agents.app import Agent, SiemApp, Ticket, _take, attach, make_app, watch_for_lost
from service.agents.gate import Gate
from service.agents.in_order import LostMessagesError
from service.settings import Paths, Settings

P0 = TP("records", 0)


class Turned:
    """A clock whose sleeps take no time."""

    def __init__(self, turns: int) -> None:
        self.turns = turns

    def monotonic(self) -> float:
        return 0.0

    def now_ms(self) -> int:
        return 0

    async def sleep(self, seconds: float) -> None:
        self.turns -= 1
        if self.turns < 0:
            await asyncio.sleep(3600)
        await asyncio.sleep(0)


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SiemApp:
    made = make_app(Settings(paths=Paths(state=tmp_path)), "worker-0", produce_only=True)
    made.crashes = []  # type: ignore[attr-defined]

    async def crash(error: BaseException) -> None:
        made.crashes.append(error)  # type: ignore[attr-defined]

    monkeypatch.setattr(made, "crash", crash)
    return made


def crashes(app: SiemApp) -> list[BaseException]:
    return app.crashes  # type: ignore[attr-defined,no-any-return]


def event(offset: int, value: bytes = b"x") -> object:
    return SimpleNamespace(message=SimpleNamespace(tp=P0, offset=offset), value=value)


async def test_the_next_message_reveals_that_one_is_missing(app: SiemApp) -> None:
    handled: list[int] = []

    async def handle(value: bytes, ticket: Ticket) -> None:
        handled.append(ticket.offset)
        ticket.settle()

    agent = Agent("records", handle, Gate(100))
    for offset in (0, 1, 2):
        app.ledger.lane(P0).enter(offset)
    await _take(app, agent, event(0))
    with pytest.raises(LostMessagesError):
        await _take(app, agent, event(2))
    assert handled == [0]
    assert app.ledger.committable(P0) == 1
    assert agent.gate.count == 0


async def test_a_message_from_before_a_rebalance_is_left_alone_even_when_its_turn_came_late(app: SiemApp) -> None:
    async def handle(value: bytes, ticket: Ticket) -> None:
        raise AssertionError("must not be handled")

    gate = Gate(1)
    await gate.enter(1)
    app.ledger.lane(P0).enter(0)
    late = asyncio.create_task(_take(app, Agent("records", handle, gate), event(0)))
    await asyncio.sleep(0)
    app.ledger.forget([P0])
    app.ledger.lane(P0).enter(0)
    gate.leave(1)
    await late
    assert app.ledger.lane(P0).untaken, "the new lane still expects it"
    assert gate.count == 0


async def test_a_message_that_stays_away_ends_the_worker(app: SiemApp) -> None:
    app.ledger.lane(P0).enter(7)
    await asyncio.wait_for(watch_for_lost(app, Turned(2)), 5)
    assert [type(error) for error in crashes(app)] == [LostMessagesError]


async def test_messages_behind_an_agent_that_cannot_go_on_are_not_lost(app: SiemApp) -> None:
    """OpenSearch is down for an hour: the agent hangs in the sink, and a restart would not help."""
    app.busy.add("records")
    app.ledger.lane(P0).enter(7)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(watch_for_lost(app, Turned(50)), 0.2)
    assert crashes(app) == []
    app.busy.clear()
    await asyncio.wait_for(watch_for_lost(app, Turned(2)), 5)
    assert len(crashes(app)) == 1


async def test_an_agent_is_busy_from_taking_a_message_until_it_takes_the_next(app: SiemApp) -> None:
    seen: list[set[str]] = []

    async def handle(value: bytes, ticket: Ticket) -> None:
        seen.append(set(app.busy))
        ticket.settle()

    class Stream:
        def noack(self) -> Stream:
            return self

        async def events(self) -> AsyncIterator[object]:
            for offset in (0, 1):
                assert app.busy == set()
                yield event(offset)

    for offset in (0, 1):
        app.ledger.lane(P0).enter(offset)
    attach(app, Agent("records", handle, Gate(100)))
    (agent,) = app.agents.values()
    await agent.fun(Stream())
    assert seen == [{"records"}, {"records"}]
    assert app.busy == set()


async def test_messages_that_move_on_are_not_lost(app: SiemApp) -> None:
    lane = app.ledger.lane(P0)

    class Moving(Turned):
        async def sleep(self, seconds: float) -> None:
            offset = 100 - self.turns
            lane.enter(offset)
            lane.take(offset - 1)
            await super().sleep(seconds)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(watch_for_lost(app, Moving(20)), 0.2)
    assert crashes(app) == []
