"""What the watch over silent sources keeps and asks in OpenSearch: rhythms, alerts, and whether something arrived after all.

Every search about a project filters by the project's own fields: the name of an index alone may begin like another's.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
import structlog
from opensearchpy import AsyncOpenSearch
from opensearchpy import exceptions as oe

from service.errors import Backpressure
from service.settings import Kafka
from service.silence.rhythm import BUCKET_MS, DAY_MS, SIZE
from service.silence.source import Source, Watched, from_document, to_document
from service.sink.asking import asking
from service.sink.opensearch.indices import IndexKeeper
from service.spans import moment

log = structlog.get_logger("sink")

_DATASET = "cadence"
PAGE = 1000
MOST = 50_000
"""Sources."""
CALLS = 200
"""CloudTrail documents looked at for one cause."""
_LENIENT = {"ignore_unavailable": "true", "allow_no_indices": "true"}


def cadence_index(kafka: Kafka) -> str:
    """Where a deployment keeps its rhythms: two on one cluster do not judge each other's sources."""
    return "siem-cadence-" + re.sub(r"[^a-z0-9_-]", "-", f"{kafka.topic_prefix}{kafka.group}".lower())


class CadenceStore:
    """All of it; every method raises Backpressure while OpenSearch cannot do what is asked."""

    def __init__(self, client: AsyncOpenSearch, indices: IndexKeeper, index: str) -> None:
        """Ask through ``client``; rhythms are in ``index``, indices come into being by ``indices``."""
        self._index = index
        self._client = client
        self._indices = indices

    async def load(self) -> list[Watched]:
        """Every source there is."""
        found: list[Watched] = []
        after: list[Any] | None = None
        async with asking():
            with contextlib.suppress(oe.TransportError):
                # Without the right to refresh, what was saved last is only found a little later.
                await self._client.indices.refresh(index=self._index)
            while len(found) < MOST:
                body: dict[str, Any] = {"size": PAGE, "sort": [{"_id": "asc"}], "seq_no_primary_term": True}
                if after is not None:
                    body["search_after"] = after
                reply = await self._client.search(index=self._index, body=body, params=_LENIENT)
                hits = reply["hits"]["hits"]
                found += [watched for hit in hits if (watched := _watched(hit)) is not None]
                if len(hits) < PAGE:
                    break
                after = hits[-1]["sort"]
        return found

    async def save(self, sources: Sequence[Watched]) -> list[Watched]:
        """Store them, each over the version it came from; returns those that somebody else had changed, as they are there."""
        if not sources:
            return []
        if not await self._indices.ready(_DATASET):
            raise Backpressure("cadence: no template, run siem apply")
        async with asking():
            items = await self._bulk(sources)
            if any(item.get("error", {}).get("type") == "index_not_found_exception" for item in items):
                if not await self._indices.ensure(self._index, _DATASET):
                    raise Backpressure("cadence: no index")
                items = await self._bulk(sources)
            changed = []
            for watched, item in zip(sources, items, strict=True):
                if item["status"] in (200, 201):
                    watched.version = (item["_seq_no"], item["_primary_term"])
                elif item["status"] == 409:
                    changed.append(watched)
                else:
                    raise Backpressure(f"cadence: {item.get('error', {}).get('type', item['status'])}")
            return await self._again([watched.source for watched in changed]) if changed else []

    async def _bulk(self, sources: Sequence[Watched]) -> list[dict[str, Any]]:
        lines = []
        for watched in sources:
            if watched.version is None:
                action: dict[str, Any] = {"create": {"_index": self._index, "_id": watched.source.id}}
            else:
                number, term = watched.version
                action = {
                    "index": {"_index": self._index, "_id": watched.source.id, "if_seq_no": number, "if_primary_term": term}
                }
            lines += [orjson.dumps(action), orjson.dumps(to_document(watched))]
        reply = await self._client.bulk(body=b"\n".join(lines) + b"\n")
        return [next(iter(item.values())) for item in reply["items"]]

    async def _again(self, sources: list[Source]) -> list[Watched]:
        body = {"size": len(sources), "query": {"ids": {"values": [one.id for one in sources]}}, "seq_no_primary_term": True}
        reply = await self._client.search(index=self._index, body=body, params=_LENIENT)
        return [watched for hit in reply["hits"]["hits"] if (watched := _watched(hit)) is not None]

    async def newest(self, source: Source, datasets: Iterable[str], since_ms: int) -> int | None:
        """When the newest indexed event of the source arrived; None when none did since (about) ``since_ms``."""
        body = {"size": 0, "query": _of(source, since_ms - DAY_MS), "aggs": {"last": {"max": {"field": "siem.arrived"}}}}
        async with asking():
            reply = await self._client.search(index=_indices(source, datasets), body=body, params=_LENIENT)
            last = reply.get("aggregations", {}).get("last", {}).get("value")
            return None if last is None else round(last)

    async def history(self, source: Source, datasets: Iterable[str], now_ms: int) -> list[int]:
        """In which quarters of an hour something of the source arrived, by what is indexed."""
        histogram = {"field": "siem.arrived", "fixed_interval": "15m", "min_doc_count": 1}
        body = {
            "size": 0,
            "query": _of(source, now_ms - SIZE * BUCKET_MS),
            "aggs": {"when": {"date_histogram": histogram}},
        }
        async with asking():
            reply = await self._client.search(index=_indices(source, datasets), body=body, params=_LENIENT)
            found = reply.get("aggregations", {}).get("when", {}).get("buckets", [])
            return [round(bucket["key"]) // BUCKET_MS for bucket in found if bucket["key"] <= now_ms]

    async def calls(self, source: Source, names: Sequence[str], from_ms: int, to_ms: int) -> list[Mapping[str, Any]]:
        """CloudTrail documents of the source's own project with calls of these names, newest first."""
        query = _of(source, from_ms)
        # The trail may come through another stream of the project.
        query["bool"]["filter"] = [part for part in query["bool"]["filter"] if "siem.stream" not in part.get("term", {})]
        query["bool"]["filter"][-1]["range"]["@timestamp"]["lte"] = moment(to_ms)
        query["bool"]["filter"].append({"terms": {"event.action": list(names)}})
        body = {"size": CALLS, "query": query, "sort": [{"@timestamp": "desc"}]}
        async with asking():
            reply = await self._client.search(index=_indices(source, ["aws.cloudtrail"]), body=body, params=_LENIENT)
            hits: list[Mapping[str, Any]] = reply["hits"]["hits"]
            return hits

    async def alert(self, index: str, identity: str, document: Mapping[str, Any]) -> bool:
        """Store an alert; False when it was there already."""
        if not await self._indices.ready("alerts"):
            raise Backpressure("alerts: no template, run siem apply")
        async with asking():
            try:
                await self._client.create(index=index, id=identity, body=document)
            except oe.ConflictError:
                return False
            except oe.NotFoundError as missing:
                if not await self._indices.ensure(index, "alerts"):
                    raise Backpressure("alerts: no index") from missing
                await self._client.create(index=index, id=identity, body=document)
        return True

    async def amend(self, index: str, identity: str, changes: Mapping[str, Any]) -> None:
        """Change an alert; one that is gone stays gone."""
        async with asking():
            with contextlib.suppress(oe.NotFoundError):
                await self._client.update(index=index, id=identity, body={"doc": changes}, params={"retry_on_conflict": 3})


def _watched(hit: Mapping[str, Any]) -> Watched | None:
    try:
        return from_document(hit["_source"], (hit["_seq_no"], hit["_primary_term"]))
    except (KeyError, TypeError, ValueError) as error:
        # Written by hand, or by another version: it is learnt anew.
        log.warning("cadence_unreadable", document=hit.get("_id"), reason=type(error).__name__)
        return None


def _indices(source: Source, datasets: Iterable[str]) -> str:
    return ",".join(f"siem-{dataset}-{source.project}-{source.environment}-*" for dataset in sorted(datasets))


def _of(source: Source, since_ms: int) -> dict[str, Any]:
    return {
        "bool": {
            "filter": [
                {"term": {"project.id": source.project}},
                {"term": {"project.environment": source.environment}},
                {"term": {"siem.stream": source.stream}},
                {"range": {"@timestamp": {"gte": moment(since_ms)}}},
            ]
        }
    }
