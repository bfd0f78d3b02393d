"""Saved objects into a server that answers like OpenSearch Dashboards: compared first, imported in one go, once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from service.errors import Backpressure
from service.settings import OpenSearch
from service.sink.dashboards import Dashboards, saved_objects
from service.sink.opensearch.plan import Step

OBJECTS = [
    {"type": "dashboard", "id": "d", "attributes": {"title": "D", "hits": 0}, "references": []},
    {"type": "index-pattern", "id": "i", "attributes": {"title": "siem-*"}, "references": []},
]


class Answering:
    """Keeps saved objects; ``status`` is what it answers with."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.imports = 0
        self.status = 200
        self.url = ""

    async def bulk_get(self, request: web.Request) -> web.Response:
        assert request.headers["osd-xsrf"]
        asked = await request.json()
        found = [self.objects.get((one["type"], one["id"]), {**one, "error": {"statusCode": 404}}) for one in asked]
        return web.json_response({"saved_objects": found}, status=self.status)

    async def take(self, request: web.Request) -> web.Response:
        assert request.query["overwrite"] == "true"
        part = await (await request.multipart()).next()
        assert part is not None
        lines = (await part.read(decode=True)).splitlines()  # type: ignore[union-attr]
        for one in map(json.loads, lines):
            self.objects[one["type"], one["id"]] = one
        self.imports += 1
        return web.json_response({"success": True, "successCount": len(lines)})


@pytest.fixture
async def answering() -> AsyncIterator[Answering]:
    answering = Answering()
    app = web.Application()
    app.router.add_post("/api/saved_objects/_bulk_get", answering.bulk_get)
    app.router.add_post("/api/saved_objects/_import", answering.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    answering.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield answering
    await runner.cleanup()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.ndjson").write_text("\n".join(map(json.dumps, OBJECTS)) + "\n")
    return tmp_path


async def test_objects_are_imported_once_and_again_when_they_differ(answering: Answering, folder: Path) -> None:
    wanted = saved_objects(folder)
    assert [one.name for one in wanted] == ["index-pattern/i", "dashboard/d"]
    async with Dashboards(answering.url, OpenSearch()) as dashboards:
        changes = await dashboards.plan(wanted)
        assert [change.step for change in changes] == [Step.CREATE, Step.CREATE]
        await dashboards.carry_out(changes)
        assert [change.step for change in await dashboards.plan(wanted)] == [Step.NOTHING, Step.NOTHING]
        answering.objects["dashboard", "d"]["attributes"]["title"] = "somebody's own"
        assert [change.step for change in await dashboards.plan(wanted)] == [Step.NOTHING, Step.UPDATE]
        await dashboards.carry_out([])
    assert answering.imports == 1


async def test_a_server_that_refuses_or_is_away_is_said_so(answering: Answering, folder: Path) -> None:
    answering.status = 503
    for url in (answering.url, "http://127.0.0.1:9"):
        async with Dashboards(url, OpenSearch()) as dashboards:
            with pytest.raises(Backpressure, match="OpenSearch Dashboards"):
                await dashboards.plan(saved_objects(folder))
