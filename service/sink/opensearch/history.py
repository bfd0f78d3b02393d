"""What lies in the indices, read again: candidates in the order of their times, bounded memory, no right but to read."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

from opensearchpy import AsyncOpenSearch
from opensearchpy import exceptions as oe

from service.errors import Backpressure
from service.sink.asking import asking

FIRST_PAGE, LONGEST_PAGE = 100, 1000
PAGE_CHARACTERS = 4_000_000
"""Of raw events, as many as a page should hold: how long the next may be goes by the last one."""
KEEP_ALIVE = "15m"
_SORT = [{"@timestamp": {"order": "asc"}}, {"_index": "asc"}, {"_seq_no": "asc"}]
Places = set[tuple[str, str]]
"""Index and id."""
_NO_MATTER = {"ignore_unavailable": "true", "allow_no_indices": "true"}


@dataclass(frozen=True, slots=True)
class Span:
    """From ``since_ms`` until just before ``until_ms``, by the events' own time."""

    since_ms: int
    until_ms: int

    def clause(self) -> dict[str, Any]:
        """The same as a clause of a query."""
        return {"range": {"@timestamp": {"gte": self.since_ms, "lt": self.until_ms, "format": "epoch_millis"}}}


@dataclass(frozen=True, slots=True)
class FieldIndex:
    """How one index keeps a field."""

    type: str
    searched: bool
    """It has an inverted index."""
    longest: int | None
    """``ignore_above``."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as it lies there."""

    index: str
    id: str
    document: dict[str, Any]


class Refused(Exception):
    """OpenSearch does not take the query."""


class History:
    """Events of one cluster. Raises Backpressure when it does not answer, or only in part."""

    def __init__(self, client: AsyncOpenSearch) -> None:
        """Ask through ``client``."""
        self._client = client

    async def indices(self, patterns: Sequence[str], span: Span) -> dict[str, int]:
        """The indices that hold events of this time, and how many."""
        body = {"size": 0, "query": span.clause(), "aggs": {"by": {"terms": {"field": "_index", "size": 60_000}}}}
        async with asking():
            reply = await self._client.search(index=_list(patterns), body=body, params=_NO_MATTER)
        _whole(reply)
        buckets = reply.get("aggregations", {}).get("by", {}).get("buckets", [])
        return {str(bucket["key"]): int(bucket["doc_count"]) for bucket in buckets}

    async def fields(self, pattern: str, names: Iterable[str]) -> dict[str, dict[str, FieldIndex]]:
        """Index → field → how it is kept; fields that an index does not know are left out."""
        wanted = sorted(names)
        if not wanted:
            return {}
        async with asking():
            reply = await self._client.indices.get_field_mapping(
                fields=",".join(wanted), index=pattern, params={**_NO_MATTER, "include_defaults": "false"}
            )
        return {
            index: {name: kept for name, said in its["mappings"].items() if (kept := _field(said["mapping"])) is not None}
            for index, its in reply.items()
        }

    async def count(self, patterns: Sequence[str], query: dict[str, Any]) -> int:
        """How many documents the query finds; raises Refused."""
        try:
            async with asking():
                try:
                    reply = await self._client.count(index=_list(patterns), body={"query": query}, params=_NO_MATTER)
                except oe.RequestError as refused:
                    raise Refused(str(refused.error)) from refused
        except Backpressure as busy:
            # Too many clauses or states are refused while the query is carried out.
            if isinstance(busy.__cause__, oe.TransportError) and "too_" in str(busy.__cause__.info):
                raise Refused("too large") from busy
            raise
        _whole(reply)
        return int(reply["count"])

    async def read(self, patterns: Sequence[str], query: dict[str, Any], slices: int) -> AsyncGenerator[list[Stored], None]:
        """The documents that the query finds, in the order of their times; of each slice two pages are held."""
        async with asking():
            params = {"keep_alive": KEEP_ALIVE, **_NO_MATTER}
            try:
                made = await self._client.create_pit(index=_list(patterns), params=params)
            except oe.NotFoundError:
                return
        pit = str(made["pit_id"])
        try:
            parts = [self._slice(pit, query, number, slices) for number in range(slices)]
            async with aclosing(_merged(parts)) as merged:
                async for page in merged:
                    yield page
        finally:
            with suppress(oe.OpenSearchException):  # it ends by itself; not every role may end it
                await self._client.delete_pit(body={"pit_id": [pit]})

    async def _slice(
        self, pit: str, query: dict[str, Any], number: int, slices: int
    ) -> AsyncGenerator[list[dict[str, Any]], None]:
        body: dict[str, Any] = {"query": query, "sort": _SORT, "size": FIRST_PAGE, "track_total_hits": False}
        if slices > 1:
            body["slice"] = {"id": number, "max": slices}
        seen: Places = set()
        ahead = asyncio.ensure_future(self._page(pit, body))
        try:
            while hits := await ahead:
                kept = [hit for hit in hits if (hit["_index"], hit["_id"]) not in seen]
                body, seen = _after(body, hits, seen)
                ahead = asyncio.ensure_future(self._page(pit, body))
                if kept:
                    yield kept
                elif len(hits) < body["size"]:
                    return
        finally:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)

    async def _page(self, pit: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        async with asking():
            reply = await self._client.search(body={**body, "pit": {"id": pit, "keep_alive": KEEP_ALIVE}})
        _whole(reply)
        hits: list[dict[str, Any]] = reply["hits"]["hits"]
        return hits


def _after(body: dict[str, Any], hits: list[dict[str, Any]], seen: Places) -> tuple[dict[str, Any], Places]:
    """The search for the next page, and what of it is known already.

    Sequence numbers are a shard's own: where an index has several, the last one may come again from another. So the next
    page begins with it.
    """
    time, index, number = hits[-1]["sort"]
    same = {(hit["_index"], hit["_id"]) for hit in hits if hit["sort"] == [time, index, number]}
    cursor = [time, index, number - 1]
    again = body.get("search_after") == cursor
    weight = sum(len(_original(hit)) for hit in hits) / len(hits)
    size = int(max(FIRST_PAGE, min(LONGEST_PAGE, 4 * body["size"], PAGE_CHARACTERS / max(weight, 1))))
    return {**body, "size": size, "search_after": cursor}, (seen | same if again else same)


def _original(hit: dict[str, Any]) -> str:
    event = hit["_source"].get("event")
    text = event.get("original") if isinstance(event, dict) else None
    return text if isinstance(text, str) else ""


async def _merged(parts: Sequence[AsyncGenerator[list[dict[str, Any]], None]]) -> AsyncGenerator[list[Stored], None]:
    """The pages of all parts as one sequence of pages, in the order of the hits' sort values."""
    heads: list[tuple[list[Any], int, int]] = []
    pages: dict[int, list[dict[str, Any]]] = {}

    async def turn(part: int) -> None:
        page = await anext(parts[part], None)
        if page is not None:
            pages[part] = page
            heapq.heappush(heads, (page[0]["sort"], part, 0))

    try:
        await asyncio.gather(*(turn(part) for part in range(len(parts))))
        batch: list[Stored] = []
        while heads:
            _, part, at = heapq.heappop(heads)
            hit = pages[part][at]
            batch.append(Stored(hit["_index"], hit["_id"], hit["_source"]))
            if at + 1 < len(pages[part]):
                heapq.heappush(heads, (pages[part][at + 1]["sort"], part, at + 1))
                continue
            yield batch
            batch = []
            await turn(part)
    finally:
        for each in parts:
            await each.aclose()


def _list(patterns: Sequence[str]) -> str:
    return ",".join(patterns)


def _whole(reply: dict[str, Any]) -> None:
    """An answer of some shards only is no answer."""
    shards = reply.get("_shards", {})
    if reply.get("timed_out") or shards.get("failed"):
        raise Backpressure(f"OpenSearch answers for {shards.get('successful')} of {shards.get('total')} shards only")


def _field(mapping: dict[str, Any]) -> FieldIndex | None:
    for said in mapping.values():
        if isinstance(said, dict) and "type" in said:
            return FieldIndex(said["type"], said.get("index") is not False, said.get("ignore_above"))
    return None
