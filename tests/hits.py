"""What an index holds at this moment, for tests that ask until all is there."""

from __future__ import annotations

from typing import Any

from opensearchpy import AsyncOpenSearch, TransportError

_UNAVAILABLE = 503


async def hits_of(client: AsyncOpenSearch, index: str, most: int = 10_000) -> list[dict[str, Any]]:
    """The hits of everything under an index pattern; none while an index has just been made and its shard is not started."""
    there = {"ignore_unavailable": "true"}
    await client.indices.refresh(index=index, params=there)
    try:
        reply = await client.search(index=index, body={"size": most, "query": {"match_all": {}}}, params=there)
    except TransportError as error:
        if error.status_code != _UNAVAILABLE:
            raise
        return []
    hits: list[dict[str, Any]] = reply["hits"]["hits"]
    return hits
