"""Findings as documents of ``siem-drift-<project>-<environment>-<YYYY.MM>``."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import orjson
import structlog
from opensearchpy import AsyncOpenSearch

from service.drift.finding import Finding, from_document, identity, to_document
from service.drift.tally import Tally
from service.errors import Backpressure
from service.naming import index_name
from service.sink.asking import asking
from service.sink.opensearch.indices import IndexKeeper
from service.spans import moment, moment_ms
from service.telemetry import events

log = structlog.get_logger()

TEMPLATE = "drift"
PAGE = 1000
MOST = 50_000
"""Documents read at once."""
_REQUEST = 500
_LENIENT = {"ignore_unavailable": "true", "allow_no_indices": "true"}


class DriftStore:
    """Every method raises Backpressure while OpenSearch cannot do what is asked."""

    def __init__(self, client: AsyncOpenSearch, indices: IndexKeeper) -> None:
        """Ask through ``client``; indices come into being by ``indices``."""
        self._client = client
        self._indices = indices
        self._run = secrets.token_hex(8)

    async def save(self, found: Sequence[tuple[str, Finding]], now_ms: int) -> None:
        """Store each day's finding over what this process told of it before."""
        if not found:
            return
        if not await self._indices.ready(TEMPLATE):
            raise Backpressure("drift: no template, run siem apply")
        lines = [self._lines(day, finding, now_ms) for day, finding in found]
        for at in range(0, len(lines), _REQUEST):
            await self._send(lines[at : at + _REQUEST])

    def _lines(self, day: str, finding: Finding, now_ms: int) -> tuple[str, bytes]:
        owner = finding.owner
        index = index_name(TEMPLATE, owner.project, owner.environment, moment_ms(day), "month")
        action = {"index": {"_index": index, "_id": identity(finding, self._run, day)}}
        return index, orjson.dumps(action) + b"\n" + orjson.dumps(to_document(finding, now_ms)) + b"\n"

    async def _send(self, lines: list[tuple[str, bytes]]) -> None:
        missing = [index for index, error in await self._bulk(lines) if error == "index_not_found_exception"]
        if missing:
            for index in dict.fromkeys(missing):
                if not await self._indices.ensure(index, TEMPLATE):
                    raise Backpressure("drift: no index")
            missing = [index for index, error in await self._bulk(lines) if error]
        if missing:
            raise Backpressure("drift: not stored")

    async def _bulk(self, lines: list[tuple[str, bytes]]) -> list[tuple[str, str]]:
        async with asking():
            reply = await self._client.bulk(body=b"".join(text for _, text in lines))
            items: list[dict[str, Any]] = [next(iter(item.values())) for item in reply["items"]]
            return [
                (index, item.get("error", {}).get("type", "") or ("" if item["status"] < 300 else str(item["status"])))
                for (index, _), item in zip(lines, items, strict=True)
            ]

    async def load(self, project: str | None, dataset: str | None, since_ms: int) -> list[Finding]:
        """What was met since then, as every process told it."""
        terms = [{"term": {name: value}} for name, value in (("project.id", project), ("event.dataset", dataset)) if value]
        query = {"bool": {"filter": [*terms, {"range": {"@timestamp": {"gte": moment(since_ms)}}}]}}
        body: dict[str, Any] = {"size": PAGE, "query": query, "sort": [{"@timestamp": "desc"}, {"_id": "asc"}]}
        found: list[Finding] = []
        async with asking():
            while len(found) < MOST:
                reply = await self._client.search(index=f"siem-{TEMPLATE}-*", body=body, params=_LENIENT)
                hits = reply["hits"]["hits"]
                found += [each for hit in hits if (each := _finding(hit)) is not None]
                if len(hits) < PAGE:
                    break
                body["search_after"] = hits[-1]["sort"]
        return found


def _finding(hit: dict[str, Any]) -> Finding | None:
    try:
        return from_document(hit["_source"])
    except (KeyError, TypeError, ValueError):
        return None  # written by hand, or by another version


async def tell(tally: Tally, store: DriftStore, now_ms: int) -> None:
    """Store what changed; what cannot be stored now is tried again the next time."""
    taken = tally.take()
    try:
        await store.save(taken, now_ms)
    except Backpressure as busy:
        tally.give_back(taken)
        log.info(events.DRIFT_NOT_TOLD, findings=len(taken), reason=busy.reason)
