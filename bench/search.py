"""What OpenSearch makes of our documents: a bare loader with the same bodies, and our mappings beside guessed ones."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass

import aiohttp

from bench.measure import cpu_seconds

IN_FLIGHT = 4
"""Requests under way at once, as ``opensearch.requests_in_flight`` has it."""
_INDEX = re.compile(rb'"_index":"([^"]+)"')
_PARAMS = {"filter_path": "items.*.status"}
_HEADERS = {"content-type": "application/x-ndjson"}


@dataclass(frozen=True, slots=True)
class Loaded:
    """One load of bodies into OpenSearch."""

    documents: int
    wall_seconds: float
    server_cpu_seconds: float
    """Of the whole OpenSearch process, until the documents are searchable."""
    bytes_per_document: float
    """On disk, merged to one segment."""

    @property
    def per_second(self) -> float:
        """Documents a second."""
        return self.documents / self.wall_seconds

    @property
    def per_cpu_second(self) -> float:
        """Documents a CPU-second of the server."""
        return self.documents / self.server_cpu_seconds


async def load(url: str, pid: int, bodies: list[bytes], pattern: str) -> Loaded:
    """Send the bodies, measure, look at what is stored under ``pattern``, and delete it."""
    documents = sum(body.count(b"\n") // 2 for body in bodies)
    waiting = iter(bodies)
    async with aiohttp.ClientSession() as session:
        for name in {name.decode() for body in bodies for name in set(_INDEX.findall(body))}:
            async with session.put(f"{url}/{name}") as answer:
                answer.raise_for_status()
        used, started = cpu_seconds(pid), time.monotonic()
        await asyncio.gather(*(_send(session, url, waiting) for _ in range(IN_FLIGHT)))
        wall = time.monotonic() - started
        await _post(session, f"{url}/{pattern}/_refresh")
        cpu = cpu_seconds(pid) - used
        stored = await size(session, url, pattern)
        await wipe(session, url, pattern)
    return Loaded(documents, wall, cpu, stored / documents)


async def size(session: aiohttp.ClientSession, url: str, pattern: str) -> int:
    """Bytes on disk, merged."""
    await _post(session, f"{url}/{pattern}/_forcemerge?max_num_segments=1")
    await _post(session, f"{url}/{pattern}/_flush?force=true")
    async with session.get(f"{url}/{pattern}/_stats/store?filter_path=_all.primaries.store") as answer:
        said = await answer.json(content_type=None)
    return int(said["_all"]["primaries"]["store"]["size_in_bytes"])


async def wipe(session: aiohttp.ClientSession, url: str, pattern: str) -> None:
    """Delete what the pattern matches, by name: servers refuse wildcards there."""
    async with session.get(f"{url}/_cat/indices/{pattern}?format=json&h=index&expand_wildcards=all") as answer:
        names = [entry["index"] for entry in await answer.json(content_type=None)]
    for name in names:
        async with session.delete(f"{url}/{name}") as answer:
            answer.raise_for_status()


async def _send(session: aiohttp.ClientSession, url: str, waiting: object) -> None:
    for body in waiting:  # type: ignore[attr-defined]  # JSON of the server, untyped
        async with session.post(f"{url}/_bulk", params=_PARAMS, headers=_HEADERS, data=body) as answer:
            said = await answer.read()
        if answer.status != 200 or said.count(b'"status":201') != body.count(b"\n") // 2:
            raise RuntimeError(f"OpenSearch did not take everything: {answer.status} {said[:300]!r}")


async def _post(session: aiohttp.ClientSession, url: str) -> None:
    async with session.post(url) as answer:
        answer.raise_for_status()
