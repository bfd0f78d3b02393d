"""An HTTP(S) proxy in front of OpenSearch or DynamoDB that misbehaves to order: what it does to a request, and how often."""

from __future__ import annotations

import asyncio
import io
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
from aiohttp import web

from service.local.child import free_port

_HOP = frozenset({"transfer-encoding", "connection", "content-length", "content-encoding", "keep-alive", "date"})
Refuse = Callable[[str, str], dict[str, Any] | None]
"""(action line, document line) → the item's answer instead of storing it; None stores it."""


@dataclass(slots=True)
class Trick:
    """What is done to requests whose path begins with ``path``: ``times`` of them, or all until cleared (-1)."""

    kind: str
    """answer, reset_before, reset_after, hang_after, cut_answer, garble, short, items, slow"""
    times: int = 1
    path: str = "/_bulk"
    status: int = 503
    body: str = ""
    seconds: float = 0.0
    refuse: Refuse | None = None
    hits: int = 0


class FaultProxy:
    """Forwards to ``target`` (a URL); ``tricks`` hit in order. With ``tls`` it speaks HTTPS."""

    def __init__(self, target: str, tls: ssl.SSLContext | None = None) -> None:
        """Listen on nothing yet, but know the port."""
        self.port = free_port()
        self.target = target
        self.tricks: list[Trick] = []
        self.standing: Refuse | None = None
        """Documents that are refused whatever else is played."""
        self.served = 0
        """Requests heard."""
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where clients go."""
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None), auto_decompress=True)
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
        if self._session is not None:
            await self._session.close()

    async def listen(self, tls: ssl.SSLContext | None = None) -> None:
        """Listen (again), with another certificate if given."""
        self._tls = tls or self._tls
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._tls, reuse_address=True).start()

    async def close(self) -> None:
        """Cut every connection and refuse new ones."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def play(self, trick: Trick) -> Trick:
        """Plan a trick."""
        self.tricks.append(trick)
        return trick

    def behave(self) -> None:
        """Forget all tricks."""
        self.tricks.clear()

    def _next(self, path: str) -> Trick | None:
        for trick in self.tricks:
            if path.startswith(trick.path):
                trick.hits += 1
                trick.times -= 1
                if trick.times == 0:
                    self.tricks.remove(trick)
                return trick
        return None

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.served += 1
        body = await request.read()
        trick = self._next(request.path)
        if trick is None and self.standing is not None and request.path == "/_bulk":
            return await self._refuse_some(request, body, self.standing)
        match trick.kind if trick is not None else "":
            case "":
                return await self._forward(request, body)
            case "answer":
                assert trick is not None
                kind = "application/json" if trick.body.startswith("{") else "text/html"
                return web.Response(status=trick.status, text=trick.body, content_type=kind)
            case "reset_before":
                return _reset(request)
            case "reset_after":
                await self._forward(request, body)
                return _reset(request)
            case "hang_after":
                await self._forward(request, body)
                assert trick is not None
                await asyncio.sleep(trick.seconds)
                return _reset(request)
            case "slow":
                assert trick is not None
                await asyncio.sleep(trick.seconds)
                return await self._forward(request, body)
            case "items":
                assert trick is not None
                assert trick.refuse is not None
                return await self._refuse_some(request, body, trick.refuse)
        assert trick is not None
        return await self._spoil(request, await self._forward(request, body), trick.kind)

    async def _spoil(self, request: web.Request, whole: web.Response, kind: str) -> web.StreamResponse:
        text = whole.body if isinstance(whole.body, bytes) else b""
        match kind:
            case "garble":
                return web.Response(text="<html>gateway</html>", content_type="text/html")
            case "short":
                reply = json.loads(text)
                reply["items"] = reply.get("items", [])[:-1]
                return web.json_response(reply)
        headers = {"content-type": "application/json", "content-length": str(len(text))}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        await response.write(text[: len(text) // 2])
        assert request.transport is not None
        request.transport.abort()
        return response

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        assert self._session is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in (*_HOP, "host")}
        if encoding := request.headers.get("content-encoding"):
            headers["content-encoding"] = encoding
        try:
            async with self._session.request(
                request.method, f"{self.target}{request.path_qs}", data=io.BytesIO(body) if body else None, headers=headers
            ) as answer:
                data = await answer.read()
        except (aiohttp.ClientError, OSError):
            return web.Response(status=502, text="<html>bad gateway</html>", content_type="text/html")
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
        return web.Response(status=answer.status, body=data, headers=kept)

    async def _refuse_some(self, request: web.Request, body: bytes, refuse: Refuse) -> web.StreamResponse:
        """Store what may be, answer for the rest as OpenSearch would: item by item, in order."""
        lines = body.decode().split("\n")
        pairs = list(zip(lines[:-1:2], lines[1::2], strict=True))
        verdicts = [refuse(*pair) for pair in pairs]
        kept = "".join(f"{action}\n{text}\n" for (action, text), verdict in zip(pairs, verdicts, strict=True) if verdict is None)
        stored: list[dict[str, Any]] = []
        if kept:
            whole = await self._forward(request, kept.encode())
            if whole.status != 200 or not isinstance(whole.body, bytes):
                return whole
            stored = json.loads(whole.body)["items"]
        answers = iter(stored)
        items = [next(answers) if verdict is None else {"create": verdict} for verdict in verdicts]
        return web.json_response({"items": items})


def _reset(request: web.Request) -> web.Response:
    if request.transport is not None:  # else the far side was quicker
        request.transport.abort()
    return web.Response()


def item_error(status: int, kind: str, reason: str) -> dict[str, Any]:
    """An item's answer."""
    return {"status": status, "error": {"type": kind, "reason": reason}}
