"""Questions to the book: the sums by stream and dataset, and the sheets that are not settled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from opensearchpy import AsyncOpenSearch

INDICES = "siem-ledger-*"
SUMS = (
    "records", "records_in_flight", "control", "events", "indexed", "already_there", "dropped_total", "dead_lettered",
    "in_flight", "gaps",
)  # fmt: skip
_PAGE = 500
MOST_OPEN = 2000
_LENIENT = {"ignore_unavailable": "true", "allow_no_indices": "true"}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which sheets; None means any. Times are milliseconds of arrival in Kinesis."""

    project: str | None = None
    environment: str | None = None
    stream: str | None = None
    dataset: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    def query(self) -> dict[str, Any]:
        """The search for them."""
        terms = {
            "project.id": self.project, "project.environment": self.environment, "siem.stream": self.stream,
            "ledger.dataset": self.dataset,
        }  # fmt: skip
        filters: list[dict[str, Any]] = [{"term": {name: value}} for name, value in terms.items() if value is not None]
        span = {name: value for name, value in (("gte", self.since_ms), ("lt", self.until_ms)) if value is not None}
        if span:
            filters.append({"range": {"@timestamp": {**span, "format": "epoch_millis"}}})
        return {"bool": {"filter": filters}}


@dataclass(slots=True)
class Line:
    """The sums of one stream's dataset; ``dataset`` "" is the stream itself: its records, and what never got a dataset."""

    project: str
    environment: str
    stream: str
    dataset: str
    source: str
    sums: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SUMS, 0))
    dropped: dict[str, int] = field(default_factory=dict)
    """Rule → events."""
    dead: dict[str, int] = field(default_factory=dict)
    """``stage/code`` → events."""


@dataclass(frozen=True, slots=True)
class OpenSheet:
    """A sheet on which something is in flight."""

    project: str
    environment: str
    stream: str
    dataset: str
    minute_ms: int
    booked_ms: int
    """When it was last written."""
    pending: frozenset[str]
    """Keys of the batches (of the stream itself) or messages (of a dataset) without a fate."""
    events: int
    records: int

    @property
    def place(self) -> tuple[str, str, str, str, int]:
        """Which sheet it is."""
        return (self.project, self.environment, self.stream, self.dataset, self.minute_ms)


class Audit:
    """Reads the ledger of one cluster; raises opensearchpy's TransportError when it does not answer."""

    def __init__(self, client: AsyncOpenSearch) -> None:
        """Ask through ``client``."""
        self._client = client

    async def refresh(self) -> None:
        """Make findable what was written until now."""
        await self._client.indices.refresh(index=INDICES, params=_LENIENT)

    async def lines(self, choice: Choice) -> list[Line]:
        """The sums, sorted by project, environment, stream and dataset."""
        return [line async for line in self._lines(choice)]

    async def open_sheets(self, choice: Choice) -> list[OpenSheet]:
        """Sheets on which something is in flight, the oldest ``MOST_OPEN``, oldest first."""
        unsettled = [{"range": {f"ledger.{name}": {"gt": 0}}} for name in ("in_flight", "records_in_flight")]
        query = {"bool": {"filter": [choice.query()], "should": unsettled, "minimum_should_match": 1}}
        body = {
            "size": MOST_OPEN,
            "query": query,
            "sort": ["@timestamp"],
            "_source": {"excludes": ["ledger.keys.both", "ledger.keys.settled"]},
        }
        reply = await self._client.search(index=INDICES, body=body, params=_LENIENT)
        return [_sheet(hit["_source"]) for hit in reply["hits"]["hits"]]

    async def _lines(self, choice: Choice) -> AsyncIterator[Line]:
        after: dict[str, Any] | None = None
        while True:
            body = {"size": 0, "query": choice.query(), "aggs": {"lines": _composite(after)}}
            reply = await self._client.search(index=INDICES, body=body, params=_LENIENT)
            found = reply.get("aggregations", {}).get("lines", {})
            for bucket in found.get("buckets", ()):
                yield _line(bucket)
            after = found.get("after_key")
            if after is None:
                return


def _composite(after: dict[str, Any] | None) -> dict[str, Any]:
    fields = {
        "project": "project.id", "environment": "project.environment", "stream": "siem.stream",
        "dataset": "ledger.dataset", "source": "ledger.source",
    }  # fmt: skip
    sources = [
        {name: {"terms": {"field": each, **({"missing_bucket": True} if name == "dataset" else {})}}}
        for name, each in fields.items()
    ]
    return {
        "composite": {"size": _PAGE, "sources": sources, **({"after": after} if after is not None else {})},
        "aggs": {
            **{name: {"sum": {"field": f"ledger.{name}"}} for name in SUMS},
            "dropped": _nested("dropped", "rule"),
            "dead": _nested("dead", "code"),
        },
    }


def _nested(name: str, key: str) -> dict[str, Any]:
    path = f"ledger.{name}"
    inner = {"terms": {"field": f"{path}.{key}", "size": 500}, "aggs": {"events": {"sum": {"field": f"{path}.events"}}}}
    return {"nested": {"path": path}, "aggs": {"by": inner}}


def _line(bucket: dict[str, Any]) -> Line:
    key = bucket["key"]
    return Line(
        key["project"],
        key["environment"],
        key["stream"],
        key["dataset"] or "",
        key["source"],
        {name: int(bucket[name]["value"]) for name in SUMS},
        _counts(bucket["dropped"]),
        _counts(bucket["dead"]),
    )


def _counts(found: dict[str, Any]) -> dict[str, int]:
    return {one["key"]: int(one["events"]["value"]) for one in found["by"]["buckets"]}


def _sheet(source: dict[str, Any]) -> OpenSheet:
    held = source["ledger"]
    return OpenSheet(
        source["project"]["id"],
        source["project"]["environment"],
        source["siem"]["stream"],
        held["dataset"] or "",
        _ms(source["@timestamp"]),
        _ms(source["event"]["ingested"]),
        frozenset(held["keys"]["announced"]),
        held["in_flight"],
        held["records_in_flight"],
    )


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
