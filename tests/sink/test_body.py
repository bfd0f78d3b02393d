"""Large bodies arrive whole, and leave nothing behind on the connections they went over.

What stays is looked at in a process of its own: elsewhere, memory that others left is used first.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections import Counter
from pathlib import Path

import uvloop
from aiohttp import web
from pydantic import SecretStr

from service import heap
from service.settings import OpenSearch
from service.sink.opensearch.body import SLICE_BYTES, Body
from service.sink.opensearch.client import connect
from service.sink.opensearch.endpoint import Endpoint
from service.telemetry.memory import resident_bytes
from tests.faults.certificates import Authority

MB = 1_000_000
CONNECTIONS = 8
SIZES = [0, 1, SLICE_BYTES - 1, SLICE_BYTES, SLICE_BYTES + 1, 3 * SLICE_BYTES + 7]


def body(number: int, size: int) -> bytes:
    """Unlike any other."""
    return (hashlib.sha256(str(number).encode()).digest() * (size // 32 + 1))[:size]


class Heard:
    """A server that notes what bodies it got."""

    def __init__(self) -> None:
        self.bodies = Counter[str]()

    async def bulk(self, request: web.Request) -> web.Response:
        data = await request.read()
        self.bodies[hashlib.sha256(data).hexdigest()] += 1
        await asyncio.sleep(0.2)  # so that the next request needs a connection of its own
        return web.json_response({"items": [{"create": {"status": 201}}]})


async def served(heard: Heard, authority: Authority) -> tuple[web.AppRunner, str]:
    app = web.Application(client_max_size=64 * MB)
    app.router.add_post("/_bulk", heard.bulk)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=authority.server("body"))
    await site.start()
    return runner, f"https://127.0.0.1:{runner.addresses[0][1]}"


def settings(url: str, trusted: str) -> OpenSearch:
    return OpenSearch(urls=[url], auth="basic", username="siem", password=SecretStr("example"), ca_file=Path(trusted))


async def test_connections_keep_no_copy_of_a_body(tmp_path: Path) -> None:
    heard, authority = Heard(), Authority(tmp_path, "authority")
    runner, url = await served(heard, authority)
    try:
        asked = [sys.executable, "-m", __name__, url, str(authority.file)]
        probe = await asyncio.create_subprocess_exec(*asked, stdout=asyncio.subprocess.PIPE)
        said, _ = await probe.communicate()
    finally:
        await runner.cleanup()
    assert probe.returncode == 0
    expected = [body(n, 5 * MB) for n in range(CONNECTIONS)] + [body(n, size) for n, size in enumerate(SIZES)]
    assert heard.bodies == Counter(hashlib.sha256(each).hexdigest() for each in expected)
    before, after = map(int, said.split())
    assert after < before + 16 * MB, f"{(after - before) / MB:.0f} MB stayed of eight bodies of 5 MB"


def test_a_body_is_the_bytes_it_was_made_of() -> None:
    made = Body(b"abc")
    assert made == b"abc"
    assert hash(made) == hash(b"abc")


async def _probe(url: str, trusted: str) -> list[int]:
    heap.keep_large_blocks_apart()
    client = connect(settings(url, trusted))
    endpoint = Endpoint(client, timeout=30.0)
    for n, size in enumerate(SIZES):
        await endpoint.bulk(body(n, size), 1)
    before = resident_bytes()
    await asyncio.gather(*(endpoint.bulk(body(n, 5 * MB), 1) for n in range(CONNECTIONS)))
    after = resident_bytes()
    await client.close()
    return [before, after]


if __name__ == "__main__":
    sys.stdout.write(" ".join(map(str, uvloop.run(_probe(*sys.argv[1:])))))
