"""What each project sends: datasets by project, now and before, out of the indices."""

from __future__ import annotations

from typing import Any

from opensearchpy import AsyncOpenSearch

from service.detect.flow import Sent
from service.naming import EVENTS_ALIAS
from service.sink.asking import asking

_PAGE = 1000


async def flowing(client: AsyncOpenSearch, since_ms: int, before_ms: int, project: str | None) -> dict[str, dict[str, Sent]]:
    """Project (``id/environment``) → dataset → events since ``since_ms``, and from ``before_ms`` until then.

    Raises Backpressure when OpenSearch does not say.
    """
    sources = [{name: {"terms": {"field": field}}} for name, field in _FIELDS]
    recent = {"filter": {"range": {"@timestamp": {"gte": since_ms, "format": "epoch_millis"}}}}
    filters: list[dict[str, Any]] = [{"range": {"@timestamp": {"gte": before_ms, "format": "epoch_millis"}}}]
    if project is not None:
        filters.append({"term": {"project.id": project}})
    composite: dict[str, Any] = {"size": _PAGE, "sources": sources}
    found: dict[str, dict[str, Sent]] = {}
    while True:
        body = {
            "size": 0,
            "track_total_hits": False,
            "query": {"bool": {"filter": filters}},
            "aggs": {"by": {"composite": composite, "aggs": {"recent": recent}}},
        }
        async with asking():
            reply = await client.search(
                index=EVENTS_ALIAS, body=body, params={"ignore_unavailable": "true", "allow_no_indices": "true"}
            )
        answer = reply.get("aggregations", {}).get("by", {})
        for bucket in answer.get("buckets", []):
            key, now = bucket["key"], int(bucket["recent"]["doc_count"])
            sent = Sent(now, int(bucket["doc_count"]) - now)
            found.setdefault(f"{key['project']}/{key['environment']}", {})[key["dataset"]] = sent
        if "after_key" not in answer:
            return found
        composite = {**composite, "after": answer["after_key"]}


_FIELDS = (("project", "project.id"), ("environment", "project.environment"), ("dataset", "event.dataset"))
