"""``siem apply`` brings the saved objects into OpenSearch Dashboards: as its import wants them, and only what differs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import BodyPartReader, web

from service.content import find_content
from service.errors import Backpressure
from service.settings import OpenSearch
from service.sink.dashboards import Dashboards, saved_objects
from service.sink.opensearch.plan import Step

FOLDER = find_content(Path(__file__).parents[2]).dashboards / "saved_objects"
NEWEST = {"index-pattern": (7, 6, 0), "search": (7, 9, 3), "visualization": (7, 10, 0), "dashboard": (7, 9, 3)}
"""The newest migration of each type that OpenSearch Dashboards 2.0 knows."""


class ImportDouble:
    """The two calls we make, with the refusals that OpenSearch Dashboards documents for them."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], dict[str, Any]] = {}
        self.imports = 0
        self.url = ""

    async def bulk_get(self, request: web.Request) -> web.Response:
        self.guard(request)
        wanted = await request.json()
        missing = {"error": {"statusCode": 404, "message": "Not found"}}
        found = [self.stored.get((one["type"], one["id"]), {**one, **missing}) for one in wanted]
        return web.json_response({"saved_objects": found})

    async def take(self, request: web.Request) -> web.Response:
        self.guard(request)
        assert request.query["overwrite"] == "true"
        part = await (await request.multipart()).next()
        assert isinstance(part, BodyPartReader)
        assert part.name == "file"
        assert str(part.filename).endswith(".ndjson"), "Invalid file extension"
        objects = [json.loads(line) for line in (await part.read()).splitlines()]
        assert len(objects) <= 10_000
        known = {*self.stored, *((one["type"], one["id"]) for one in objects)}
        errors = [
            {"id": one["id"], "type": one["type"], "error": {"type": "missing_references"}}
            for one in objects
            for reference in one["references"]
            if (reference["type"], reference["id"]) not in known
        ]
        for one in objects:
            version = one["migrationVersion"][one["type"]]
            assert tuple(map(int, version.split("."))) <= NEWEST[one["type"]], "belongs to a more recent version"
        self.imports += 1
        if not errors:
            self.stored |= {(one["type"], one["id"]): one for one in objects}
        reply = {"success": not errors, "successCount": len(objects) - len(errors), **({"errors": errors} if errors else {})}
        return web.json_response(reply)

    def guard(self, request: web.Request) -> None:
        if "osd-xsrf" not in request.headers:
            raise web.HTTPBadRequest(text="Request must contain a osd-xsrf header.")


@pytest.fixture
async def dashboards() -> AsyncIterator[ImportDouble]:
    double = ImportDouble()
    app = web.Application(client_max_size=26_214_400)
    app.add_routes(
        [web.post("/api/saved_objects/_bulk_get", double.bulk_get), web.post("/api/saved_objects/_import", double.take)]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    double.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield double
    await runner.cleanup()


async def test_everything_is_imported_once_and_then_left_alone(dashboards: ImportDouble) -> None:
    wanted = saved_objects(FOLDER)
    async with Dashboards(dashboards.url, OpenSearch()) as client:
        changes = await client.plan(wanted)
        assert {change.step for change in changes} == {Step.CREATE}
        await client.carry_out(changes)
        assert len(dashboards.stored) == len(wanted) > 250
        assert {change.step for change in await client.plan(wanted)} == {Step.NOTHING}
        await client.carry_out([])
    assert dashboards.imports == 1


async def test_what_somebody_changed_is_put_back_without_touching_the_rest(dashboards: ImportDouble) -> None:
    wanted = saved_objects(FOLDER)
    async with Dashboards(dashboards.url, OpenSearch()) as client:
        await client.carry_out(await client.plan(wanted))
        dashboards.stored["dashboard", "siem-overview"] = json.loads(
            json.dumps(dashboards.stored["dashboard", "siem-overview"]).replace("now-24h", "now-5y")
        )
        pending = [change for change in await client.plan(wanted) if change.step is Step.UPDATE]
        assert [change.wanted.name for change in pending] == ["dashboard/siem-overview"]
        await client.carry_out(pending)
        assert {change.step for change in await client.plan(wanted)} == {Step.NOTHING}


async def test_an_import_that_is_refused_is_said_not_swallowed(dashboards: ImportDouble) -> None:
    wanted = [one for one in saved_objects(FOLDER) if one.body["type"] == "dashboard"]
    async with Dashboards(dashboards.url, OpenSearch()) as client:
        with pytest.raises(Backpressure, match="did not import dashboard/siem-"):
            await client.carry_out(await client.plan(wanted))
