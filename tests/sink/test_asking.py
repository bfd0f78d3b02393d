"""Answers that OpenSearch cannot have given: whoever stores waits, instead of taking the worker along."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from opensearchpy import AsyncOpenSearch

from service.drift.store import DriftStore
from service.errors import Backpressure
from service.settings import OpenSearch
from service.sink.alert_store import AlertStore, Written
from service.sink.baselines import Baselines, Sighting
from service.sink.opensearch.client import connect
from tests.sink.scripted import NoIndices

Ask = Callable[[AsyncOpenSearch], Awaitable[object]]


@asynccontextmanager
async def saying(what: Callable[[bytes], object]) -> AsyncIterator[AsyncOpenSearch]:
    """A client of something that answers whatever it is sent so."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(what(await request.read()))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    client = connect(OpenSearch(urls=[f"http://127.0.0.1:{runner.addresses[0][1]}"]))
    yield client
    await client.close()
    await runner.cleanup()


@pytest.fixture
async def between() -> AsyncIterator[AsyncOpenSearch]:
    """A client of something that says ``{}`` to everything."""
    async with saying(lambda _: {}) as client:
        yield client


SIGHTING = Sighting(("shop", "prod"), "r-1", "ann", "FR", "e1", 0, 0)
ASKED: dict[str, Ask] = {
    "read an alert": lambda client: AlertStore(client, NoIndices()).read("siem-alerts-shop-prod-2026.11", "alert-1"),
    "write an alert": lambda client: AlertStore(client, NoIndices()).write(
        [Written("siem-alerts-shop-prod-2026.11", "a", {}, {})]
    ),
    "read an event": lambda client: AlertStore(client, NoIndices()).documents(["siem-aws.cloudtrail-shop-prod-2026.11.30/1"]),
    "ask what is usual": lambda client: Baselines(client, NoIndices(), "siem-baselines-x").fresh([SIGHTING]),
    "load drift": lambda client: DriftStore(client, NoIndices()).load(None, None, 0),
}


@pytest.mark.parametrize("what", ASKED)
async def test_an_answer_that_says_nothing_is_waited_out(what: str, between: AsyncOpenSearch) -> None:
    with pytest.raises(Backpressure, match="none of its own"):
        await ASKED[what](between)


async def test_a_baseline_that_is_none_is_waited_out() -> None:
    def found(body: bytes) -> object:
        return {"docs": [{"_id": each, "found": True, "_source": {}} for each in json.loads(body)["ids"]]}

    async with saying(found) as client:
        with pytest.raises(Backpressure, match="none of its own"):
            await Baselines(client, NoIndices(), "siem-baselines-x").fresh([SIGHTING])
