"""A loopback stand-in for OpenSearch's ``_bulk``: remembers every ``_id``, answers 201 the first time and 409 after.

Sheets of the ledger are kept apart from events, with versions, and given back by ``_mget``.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, Self

import orjson
from aiohttp import web


class BulkDouble:
    """``async with`` it; ``down`` makes it answer 503, ``slow`` wait before every answer."""

    def __init__(self) -> None:
        self.ids: Counter[str] = Counter()
        self.sheets: dict[str, tuple[dict[str, Any], int]] = {}
        """index/id → the newest document and its sequence number."""
        self.bodies = 0
        self.down = False
        self.slow = 0.0
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/_bulk", self._bulk)
        app.router.add_post("/_mget", self._mget)
        app.router.add_route("*", "/{rest:.*}", self._other)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _bulk(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.slow:
            await asyncio.sleep(self.slow)
        if self.down:
            return web.Response(status=503, text="{}", content_type="application/json")
        items = []
        lines = body.split(b"\n")[:-1]
        for line, document in zip(lines[::2], lines[1::2], strict=True):
            ((verb, action),) = orjson.loads(line).items()
            if action["_index"].startswith("siem-ledger-"):
                items.append({verb: self._book(action, orjson.loads(document))})
                continue
            self.ids[f"{action['_index']}/{action['_id']}"] += 1
            items.append({"create": {"status": 201 if self.ids[f"{action['_index']}/{action['_id']}"] == 1 else 409}})
        self.bodies += 1
        return web.Response(body=orjson.dumps({"items": items}), content_type="application/json")

    def _book(self, action: dict[str, Any], document: dict[str, Any]) -> dict[str, int]:
        name = f"{action['_index']}/{action['_id']}"
        _, number = self.sheets.get(name, ({}, None))
        if number != action.get("if_seq_no"):
            return {"status": 409}
        number = 0 if number is None else number + 1
        self.sheets[name] = (document, number)
        return {"status": 200 if number else 201, "_seq_no": number, "_primary_term": 1}

    async def _mget(self, request: web.Request) -> web.Response:
        if self.down:
            return web.Response(status=503, text="{}", content_type="application/json")
        docs = []
        for asked in (await request.json())["docs"]:
            document, number = self.sheets.get(f"{asked['_index']}/{asked['_id']}", ({}, None))
            found = {} if number is None else {"_source": document, "_seq_no": number, "_primary_term": 1}
            docs.append({**asked, "found": number is not None, **found})
        return web.Response(body=orjson.dumps({"docs": docs}), content_type="application/json")

    async def _other(self, _: web.Request) -> web.Response:
        return web.json_response({"acknowledged": True})
