"""An HTTP server that speaks ``_bulk`` and misbehaves to order: what it stored is known, whatever it answered."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
from collections.abc import Awaitable, Callable
from typing import Any, Self

from aiohttp import web

from service.event import Slice
from service.settings import OpenSearch
from service.sink.memory import MemoryDeadLetters
from service.sink.opensearch.bulk import BulkSink
from service.sink.opensearch.client import connect
from service.sink.opensearch.endpoint import Endpoint
from service.sink.opensearch.limits import BulkLimits
from service.sink.parcel import Parcel

Answer = Callable[["ScriptedOpenSearch", web.Request, bytes], Awaitable[web.StreamResponse]]
ItemRule = Callable[[dict[str, Any]], dict[str, Any] | None]


class ScriptedOpenSearch:
    """Keeps documents like OpenSearch (first write of an id wins); ``script`` holds answers for the next requests."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], dict[str, Any]] = {}
        self.requests: list[tuple[int, int]] = []
        self.script: list[Answer] = []
        self.always: Answer | None = None
        self.item_rule: ItemRule = lambda _: None
        self.closed_indices: set[str] = set()
        self.most_at_once = 0
        self._at_once = 0

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_post("/_bulk", self._bulk)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _bulk(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
        self.requests.append((len(body), body.count(b"\n") // 2))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await asyncio.sleep(0.002)
        try:
            answer = self.script.pop(0) if self.script else self.always
            return await (answer or applied)(self, request, body)
        finally:
            self._at_once -= 1

    def apply(self, body: bytes) -> dict[str, Any]:
        lines = body.decode().split("\n")
        assert lines.pop() == ""
        assert len(lines) % 2 == 0
        items = []
        for action_line, document_line in zip(lines[::2], lines[1::2], strict=True):
            action = json.loads(action_line)["create"]
            document = json.loads(document_line)
            refused = self.item_rule(document)
            if refused is not None:
                items.append({"create": refused})
                continue
            key = (action["_index"], action["_id"])
            if key in self.documents:
                items.append({"create": error(409, "version_conflict_engine_exception", "document already exists")})
            else:
                self.documents[key] = document
                items.append({"create": {"status": 201}})
        return {"took": 1, "errors": any("error" in item["create"] for item in items), "items": items}


def error(status: int, kind: str, reason: str) -> dict[str, Any]:
    return {"status": status, "error": {"type": kind, "reason": reason}}


async def applied(server: ScriptedOpenSearch, request: web.Request, body: bytes) -> web.StreamResponse:
    return web.json_response(server.apply(body))


def status(code: int, kind: str = "", *, apply: bool = False) -> Answer:
    async def answer(server: ScriptedOpenSearch, request: web.Request, body: bytes) -> web.StreamResponse:
        if apply:
            server.apply(body)
        if kind:
            return web.json_response({"error": {"type": kind, "reason": "x"}, "status": code}, status=code)
        return web.Response(status=code, text="<html>no</html>", content_type="text/html")

    return answer


def reset(*, apply: bool) -> Answer:
    async def answer(server: ScriptedOpenSearch, request: web.Request, body: bytes) -> web.StreamResponse:
        if apply:
            server.apply(body)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    return answer


async def truncated(server: ScriptedOpenSearch, request: web.Request, body: bytes) -> web.StreamResponse:
    text = json.dumps(server.apply(body)).encode()
    response = web.StreamResponse(headers={"content-type": "application/json", "content-length": str(len(text))})
    await response.prepare(request)
    await response.write(text[: len(text) // 2])
    assert request.transport is not None
    request.transport.close()
    return response


def says(text: str, content_type: str = "application/json") -> Answer:
    async def answer(server: ScriptedOpenSearch, request: web.Request, body: bytes) -> web.StreamResponse:
        server.apply(body)
        return web.Response(text=text, content_type=content_type)

    return answer


async def one_item_short(server: ScriptedOpenSearch, request: web.Request, body: bytes) -> web.StreamResponse:
    reply = server.apply(body)
    reply["items"].pop()
    return web.json_response(reply)


def drips(seconds: float) -> Answer:
    async def answer(server: ScriptedOpenSearch, request: web.Request, body: bytes) -> web.StreamResponse:
        text = json.dumps(server.apply(body)).encode()
        response = web.StreamResponse(headers={"content-type": "application/json"})
        await response.prepare(request)
        for byte in range(len(text)):
            await response.write(text[byte : byte + 1])
            await asyncio.sleep(seconds)
        return response

    return answer


def larger_than(limit: int) -> Answer:
    async def answer(server: ScriptedOpenSearch, request: web.Request, body: bytes) -> web.StreamResponse:
        if len(body) > limit:
            return web.Response(status=413, text="")
        return await applied(server, request, body)

    return answer


class FastClock:
    """The machine's clock, ``speed`` times as fast: backoffs of half a minute pass in a test."""

    def __init__(self, speed: float = 50.0) -> None:
        self._speed = speed

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() * self._speed

    def now_ms(self) -> int:
        return 1_795_000_000_000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)


class NoIndices:
    """An index keeper that counts who asks, and creates what it may."""

    def __init__(self, *, may: bool = True) -> None:
        self.may = may
        self.asked: list[str] = []

    async def ready(self, dataset: str) -> bool:
        return True

    async def ensure(self, index: str, dataset: str) -> bool:
        self.asked.append(index)
        return self.may


class Bench:
    """A sink in front of a scripted server, with what it buried and whom it asked for indices."""

    def __init__(self, server: ScriptedOpenSearch, *, timeout: float = 5.0, speed: float = 50.0, **limits: Any) -> None:
        self.server = server
        self.letters = MemoryDeadLetters()
        self.indices = NoIndices()
        self._client = connect(OpenSearch(urls=[server.url], request_timeout_seconds=timeout))
        self.sink = BulkSink(
            Endpoint(self._client, timeout=timeout), self.letters, self.indices,
            limits=BulkLimits(**{"longest_wait": 1.0, **limits}), clock=FastClock(speed), rng=random.Random(7),
        )  # fmt: skip

    async def __aenter__(self) -> Self:
        await self.sink.__aenter__()
        return self

    async def __aexit__(self, *arguments: object) -> None:
        await self.sink.__aexit__(*arguments)
        await self._client.close()

    async def deliver(self, *parcels: Parcel, within: float = 20.0) -> None:
        for parcel in parcels:
            await self.sink.put(parcel)
        assert await self.sink.drain(within) == 0


def piece(number: int | str, *, index: str = "siem-aws.vpcflow-shop-prod-2026.11.21", **fields: Any) -> str:
    action = {"create": {"_index": index, "_id": f"id-{number}"}}
    return f"{json.dumps(action)}\n{json.dumps({'number': number, **fields})}\n"


def a_slice(count: int, sequence: str = "49") -> Slice:
    return Slice(
        project="shop", environment="prod", stream="logs", shard="shardId-0", sequence=sequence, subsequence=0,
        arrival_ms=1_794_000_000_000, events=[f"event {number}" for number in range(count)], first=3,
        ids=[f"cw{number}" for number in range(count)], times=list(range(count)),
    )  # fmt: skip


def parcel(count: int, *, dataset: str = "aws.vpcflow", start: int = 0, **fields: Any) -> Parcel:
    pieces = [piece(start + number, **fields) for number in range(count)]
    return Parcel(dataset, "v1", pieces, [(a_slice(count, str(start)), range(count))])
