"""Answers that OpenSearch cannot have given: whoever stores waits, instead of taking the worker along."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from opensearchpy import AsyncOpenSearch

from service.drift.store import DriftStore
from service.errors import Backpressure
from service.settings import OpenSearch
from service.sink.alert_store import AlertStore, Written
from service.sink.opensearch.client import connect
from tests.sink.scripted import NoIndices

Ask = Callable[[AsyncOpenSearch], Awaitable[object]]


@pytest.fixture
async def between() -> AsyncIterator[AsyncOpenSearch]:
    """A client of something that says ``{}`` to everything."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({})

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


ASKED: dict[str, Ask] = {
    "read an alert": lambda client: AlertStore(client, NoIndices()).read("siem-alerts-shop-prod-2026.11", "alert-1"),
    "write an alert": lambda client: AlertStore(client, NoIndices()).write(
        [Written("siem-alerts-shop-prod-2026.11", "a", {}, {})]
    ),
    "read an event": lambda client: AlertStore(client, NoIndices()).documents(["siem-aws.cloudtrail-shop-prod-2026.11.30/1"]),
    "load drift": lambda client: DriftStore(client, NoIndices()).load(None, None, 0),
}


@pytest.mark.parametrize("what", ASKED)
async def test_an_answer_that_says_nothing_is_waited_out(what: str, between: AsyncOpenSearch) -> None:
    with pytest.raises(Backpressure, match="none of its own"):
        await ASKED[what](between)
