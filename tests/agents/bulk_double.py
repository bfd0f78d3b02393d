"""A loopback stand-in for OpenSearch's ``_bulk``: remembers every ``_id``, answers 201 the first time and 409 after."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Self

import orjson
from aiohttp import web


class BulkDouble:
    """``async with`` it; ``down`` makes it answer 503, ``slow`` wait before every answer."""

    def __init__(self) -> None:
        self.ids: Counter[str] = Counter()
        self.bodies = 0
        self.down = False
        self.slow = 0.0
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/_bulk", self._bulk)
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
        for line in body.split(b"\n")[:-1:2]:
            action = orjson.loads(line)["create"]
            self.ids[f"{action['_index']}/{action['_id']}"] += 1
            items.append({"create": {"status": 201 if self.ids[f"{action['_index']}/{action['_id']}"] == 1 else 409}})
        self.bodies += 1
        return web.Response(body=orjson.dumps({"items": items}), content_type="application/json")

    async def _other(self, _: web.Request) -> web.Response:
        return web.json_response({"acknowledged": True})
