"""Saved objects into OpenSearch Dashboards, when one answers."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

from service.cluster import Kind, Wanted, same
from service.errors import Backpressure
from service.settings import OpenSearch
from service.sink.opensearch.client import basic_header
from service.sink.opensearch.plan import Change, Step

# Where tenants are on, everybody sees the global one; where they are off, the header means nothing.
_HEADERS = {"osd-xsrf": "true", "securitytenant": "global"}
_TIMEOUT = aiohttp.ClientTimeout(total=60)


class Dashboards:
    """Compares and imports saved objects; use as an async context manager. Raises Backpressure when nothing answers."""

    def __init__(self, url: str, settings: OpenSearch) -> None:
        """Log in as ``settings`` say: basic, or not at all."""
        self._url = url.rstrip("/")
        self._headers = {**_HEADERS, **(basic_header(settings) if settings.auth == "basic" else {})}

    async def __aenter__(self) -> Self:
        """Open the session."""
        self._session = aiohttp.ClientSession(timeout=_TIMEOUT, headers=self._headers)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close it."""
        await self._session.close()

    async def plan(self, wanted: list[Wanted]) -> list[Change]:
        """What would be imported; changes nothing."""
        if not wanted:
            return []
        asked = [{"type": one.body["type"], "id": one.body["id"]} for one in wanted]
        found = await self._post("/api/saved_objects/_bulk_get", json=asked)
        there = {(one["type"], one["id"]): one for one in found["saved_objects"] if "error" not in one}
        return [_change(one, there.get((one.body["type"], one.body["id"]))) for one in wanted]

    async def carry_out(self, changes: Iterable[Change]) -> None:
        """Import in one go: objects refer to each other."""
        lines = b"\n".join(orjson.dumps(change.wanted.body) for change in changes)
        if not lines:
            return
        form = aiohttp.FormData()
        form.add_field("file", io.BytesIO(lines), filename="kinesiem.ndjson", content_type="application/ndjson")
        reply = await self._post("/api/saved_objects/_import?overwrite=true", data=form)
        if not reply.get("success"):
            wrong = [f"{error.get('type')}/{error.get('id')}" for error in reply.get("errors", [])]
            raise Backpressure(f"OpenSearch Dashboards did not import {', '.join(wrong[:5])}")

    async def _post(self, path: str, **body: Any) -> dict[str, Any]:  # aiohttp's own choice of json= or data=
        try:
            async with self._session.post(self._url + path, **body) as response:
                if response.status != 200:
                    raise Backpressure(f"OpenSearch Dashboards answered {response.status}")
                reply: dict[str, Any] = await response.json(content_type=None)
                return reply
        except (aiohttp.ClientError, TimeoutError, ValueError) as failed:
            raise Backpressure(f"OpenSearch Dashboards does not answer ({type(failed).__name__})") from failed


def saved_objects(folder: Path) -> list[Wanted]:
    """The generated saved objects, in the order of their files; index patterns first, dashboards last."""
    order = {"index-pattern": 0, "search": 1, "visualization": 2, "dashboard": 3}
    found = [
        orjson.loads(line) for path in sorted(folder.glob("*.ndjson")) for line in path.read_bytes().splitlines() if line.strip()
    ]
    unique = {(one["type"], one["id"]): one for one in found if "type" in one and "id" in one}
    ordered = sorted(unique.values(), key=lambda one: order.get(one["type"], 2))
    return [Wanted(Kind.SAVED_OBJECT, f"{one['type']}/{one['id']}", one) for one in ordered]


def _change(wanted: Wanted, found: dict[str, Any] | None) -> Change:
    if found is None:
        return Change(Step.CREATE, wanted)
    equal = same(found.get("attributes", {}), wanted.body.get("attributes", {}))
    return Change(Step.NOTHING if equal else Step.UPDATE, wanted, "" if equal else "differs in its attributes")
