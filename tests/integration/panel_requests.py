"""What OpenSearch Dashboards asks for a panel, derived from nothing but its saved objects; and what it would then show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
MISSING = "__missing__"
"""What Dashboards asks to be counted in place of a value that is not there."""


def source_of(saved: Json) -> Json:
    """The search source of a visualization or search."""
    source: Json = json.loads(saved["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
    return source


def query_of(query: Json) -> Json:
    """The query as Dashboards builds it: Lucene goes through unchanged."""
    if not query["query"]:
        return {"match_all": {}}
    assert query["language"] == "lucene"
    return {"query_string": {"query": query["query"], "analyze_wildcard": True, "time_zone": "UTC"}}


def request_of(saved: Json) -> Json:
    """The body of the search that fills a visualization or a search."""
    everything = {
        "range": {"@timestamp": {"gte": "1970-01-01T00:00:00Z", "lte": "now+400d", "format": "strict_date_optional_time"}}
    }
    query = {"bool": {"must": [query_of(source_of(saved)["query"])], "filter": [everything]}}
    if saved["type"] == "search":
        return {"size": 5000, "query": query, "sort": [{"@timestamp": {"order": "desc", "unmapped_type": "boolean"}}]}
    return {"size": 0, "track_total_hits": True, "query": query, "aggs": aggregations_of(state_of(saved)["aggs"])}


def state_of(saved: Json) -> Json:
    """What a visualization shows."""
    state: Json = json.loads(saved["attributes"]["visState"])
    return state


def aggregations_of(aggs: list[Json]) -> Json:
    """Buckets nest in the order in which they stand; metrics are in the innermost."""
    metrics = {agg["id"]: _metric(agg) for agg in aggs if agg["schema"] == "metric" and agg["type"] != "count"}
    inner: Json = metrics
    for agg in reversed([agg for agg in aggs if agg["schema"] != "metric"]):
        bucket, needed = _bucket(agg, metrics)
        inner = {agg["id"]: {**bucket, "aggs": {**needed, **inner}}}
    return inner


def _metric(agg: Json) -> Json:
    params = agg["params"]
    if agg["type"] in {"percentiles", "median"}:
        return {"percentiles": {"field": params["field"], "percents": params["percents"], "keyed": False}}
    return {agg["type"]: {"field": params["field"]}}


def _bucket(agg: Json, metrics: Json) -> tuple[Json, Json]:
    params = agg["params"]
    match agg["type"]:
        case "terms":
            order = params["orderBy"] if params["orderBy"] in metrics or params["orderBy"] == "_key" else "_count"
            needed = {order: metrics[order]} if order in metrics else {}
            missing = {"missing": MISSING} if params["missingBucket"] else {}
            wanted = {"field": params["field"], "size": params["size"], "order": {order: params["order"]}, **missing}
            return {"terms": wanted}, needed
        case "date_histogram":
            unit = {"auto": "1d"}.get(params["interval"], f"1{params['interval']}")
            histogram = {"field": params["field"], "calendar_interval": unit, "time_zone": "UTC", "min_doc_count": 1}
            return {"date_histogram": histogram}, {}
        case "histogram":
            return {"histogram": {"field": params["field"], "interval": params["interval"], "min_doc_count": 1}}, {}
        case "range":
            ranges = [{key: value for key, value in one.items() if value is not None} for one in params["ranges"]]
            return {"range": {"field": params["field"], "ranges": ranges, "keyed": True}}, {}
        case "ip_range":
            return {"ip_range": {"field": params["field"], "ranges": params["ranges"][params["ipRangeType"]]}}, {}
        case "filters":
            named = {one["label"]: {"bool": {"must": [query_of(one["input"])]}} for one in params["filters"]}
            return {"filters": {"filters": named}}, {}
        case "geohash_grid":
            centre = {"centre": {"geo_centroid": {"field": params["field"]}}}
            return {"geohash_grid": {"field": params["field"], "precision": params["precision"]}}, centre
    raise AssertionError(f"no panel of ours uses {agg['type']}")


def emptiness(saved: Json, answer: Json) -> Iterator[str]:
    """One sentence for each thing that the panel would leave blank."""
    if answer["_shards"]["failed"]:
        yield f"shards failed: {answer['_shards']['failures'][0]['reason']}"
    if saved["type"] == "search":
        hits = [hit["_source"] for hit in answer["hits"]["hits"]]
        if not hits:
            yield "no document"
        for column in saved["attributes"]["columns"]:
            if not any(holds(hit, column) for hit in hits):
                yield f"no document has {column}"
        return
    if not answer["hits"]["total"]["value"]:
        yield "no document"
        return
    aggs = state_of(saved)["aggs"]
    buckets = [agg for agg in aggs if agg["schema"] != "metric"]
    yield from _levels(buckets, [agg for agg in aggs if agg["schema"] == "metric"], [answer.get("aggregations", {})])


def _levels(buckets: list[Json], metrics: list[Json], found: list[Json]) -> Iterator[str]:
    for agg in buckets:
        levels = [one[agg["id"]]["buckets"] for one in found]
        if agg["type"] == "filters":
            for name in levels[0] if levels else ():
                if not any(level[name]["doc_count"] for level in levels):
                    yield f"nothing is selected by {name!r}"
        rows = [row for level in levels for row in (level.values() if isinstance(level, dict) else level)]
        found = [row for row in rows if row["doc_count"]]
        if not any(row.get("key") != MISSING for row in found):
            yield f"no bucket of {agg['type']} {agg['params'].get('field', '')}"
            return
    for agg in metrics:
        if agg["type"] != "count" and not any(_valued(one.get(agg["id"], {})) for one in found):
            yield f"no value of {agg['type']} {agg['params']['field']}"


def _valued(result: Json) -> bool:
    if "values" in result:
        return any(each["value"] is not None for each in result["values"])
    return bool(result.get("value"))


def holds(document: Any, path: str) -> bool:
    """The document has a value there."""
    if not path:
        return document not in (None, "", [], {})
    if isinstance(document, list):
        return any(holds(item, path) for item in document)
    if not isinstance(document, dict):
        return False
    return any(holds(document[key], path[len(key) + 1 :]) for key in document if path == key or path.startswith(f"{key}."))
