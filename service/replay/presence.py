"""Which documents are there: asked by id, which sees a document the moment it is written, without a refresh."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TypeVar

from opensearchpy import AsyncOpenSearch

from service.replay.foresee import Place

T = TypeVar("T")

_AT_ONCE = 1000
_LETTERS = "siem-dead-letters-*"


class Presence:
    """Looks at one cluster; raises opensearchpy's TransportError when it does not answer."""

    def __init__(self, client: AsyncOpenSearch) -> None:
        """Ask through ``client``."""
        self._client = client

    async def of(self, places: Collection[Place]) -> set[Place]:
        """Those of the places where a document lies."""
        found: set[Place] = set()
        for some in _runs(list(places), _AT_ONCE):
            wanted = [{"_index": place.index_name, "_id": place.id} for place in some]
            reply = await self._client.mget(body={"docs": wanted}, params={"_source": "false"})
            found.update(place for place, said in zip(some, reply["docs"], strict=True) if said.get("found"))
        return found

    async def refused(self, places: Collection[Place]) -> set[Place]:
        """Those of the places whose document OpenSearch refused for good: there is a dead letter of it."""
        found: set[Place] = set()
        await self._client.indices.refresh(index=_LETTERS, params={"ignore_unavailable": "true"})
        for some in _runs(list(places), _AT_ONCE):
            query = {"terms": {"dead_letter.document.id": sorted({place.id for place in some})}}
            body = {"query": query, "size": _AT_ONCE, "_source": ["dead_letter.document"]}
            reply = await self._client.search(index=_LETTERS, body=body)
            for hit in reply["hits"]["hits"]:
                document = hit["_source"]["dead_letter"]["document"]
                found.add(Place(document.get("index", ""), document.get("id", "")))
        return found & set(places)


def _runs(items: Sequence[T], length: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), length):
        yield items[start : start + length]
