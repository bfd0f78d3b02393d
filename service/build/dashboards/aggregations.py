"""What a panel measures and by what it is divided, as the ``aggs`` of a visualization's state."""

from __future__ import annotations

from typing import Any

from service.build.dashboards.context import Context, Keys
from service.build.dashboards.language import Metric, Split
from service.build.dashboards.patterns import TIME

Agg = dict[str, Any]

_ONE_NUMBER = ("sum", "avg", "min", "max", "median", "cardinality", "percentiles")
_ANY = {"string", "number", "boolean", "date", "ip"}
_OF = {"min": {"number", "date"}, "max": {"number", "date"}, "cardinality": _ANY}
DIVISIONS = {
    "metric": (0, 1), "gauge": (0, 1), "line": (1, 4), "area": (1, 4), "bar": (1, 4), "pie": (1, 3), "table": (1, 8),
    "heatmap": (2, 2), "map": (1, 1), "tagcloud": (1, 1), "search": (0, 0), "markdown": (0, 0),
}  # fmt: skip
"""By how many fields each kind of panel can be divided: least and most."""
_SINGLE = {"pie", "heatmap", "map", "tagcloud"}
_UNORDERED = {"percentiles", "median"}
_INTERVALS = {"auto", "m", "h", "d", "w", "M", "y"}


def aggregations(context: Context) -> list[Agg]:
    """Metrics first, then buckets from the outermost in; raises ContentError for what Dashboards could not draw."""
    panel = context.panel
    least, most = DIVISIONS[panel.kind]
    if not least <= len(panel.by) <= most:
        wanted = f"{least}" if least == most else f"{least} to {most}"
        raise context.refuse(("by",), "wrong_number", f"a {panel.kind} is divided by {wanted} fields, not {len(panel.by)}")
    if panel.kind in _SINGLE and len(panel.metrics) != 1:
        raise context.refuse(("metrics",), "wrong_number", f"a {panel.kind} shows one metric, not {len(panel.metrics)}")
    metrics = [_metric(context, number) for number in range(len(panel.metrics))]
    buckets = [_bucket(context, number, metrics) for number in range(len(panel.by))]
    _fits(context, metrics)
    return [*metrics, *_nested(context, buckets)]


def stands(context: Context) -> bool:
    """A bar chart over time or numbers stands up; over words it lies, so that the words can be read."""
    split = context.panel.by[0]
    name = split if isinstance(split, str) else split.field
    leaf = context.pattern.fields.get(name) if name else None
    return leaf is not None and (leaf.kind == "date" or (not isinstance(split, str) and bool(split.interval or split.ranges)))


def label_of(context: Context, number: int) -> str:
    """What a metric is called."""
    metric = context.panel.metrics[number]
    if not isinstance(metric, str) and metric.label:
        return metric.label
    if context.panel.kind in {"metric", "gauge"} and len(context.panel.metrics) == 1:
        return context.panel.title
    if isinstance(metric, str):
        return "Count"
    function, name = _function(metric)[0]
    return f"{function} of {name}"


def _function(metric: Metric) -> list[tuple[str, str]]:
    return [(function, name) for function in _ONE_NUMBER if (name := getattr(metric, function)) is not None]


def _metric(context: Context, number: int) -> Agg:
    metric = context.panel.metrics[number]
    params: dict[str, Any] = {}
    kind = "count"
    if not isinstance(metric, str):
        functions = _function(metric)
        if len(functions) != 1:
            reason = f"a metric is exactly one of {', '.join(_ONE_NUMBER)}"
            raise context.refuse(("metrics", number), "wrong_number", reason)
        kind, name = functions[0]
        leaf = context.aggregated(name, ("metrics", number, kind), _OF.get(kind, {"number"}), f"the {kind}")
        params["field"] = leaf.name
        if kind == "percentiles":
            params["percents"] = metric.of
        elif kind == "median":
            params["percents"] = [50]
    params["customLabel"] = label_of(context, number)
    return {"id": str(number + 1), "enabled": True, "type": kind, "schema": "metric", "params": params}


def _bucket(context: Context, number: int, metrics: list[Agg]) -> Agg:
    entry = context.panel.by[number]
    split = Split(field=entry) if isinstance(entry, str) else entry
    keys: Keys = ("by", number)
    if bool(split.selections) == (split.field is not None):
        raise context.refuse(keys, "wrong_number", "a split is by a field or by selections")
    kind, params = _selections(context, keys, split) if split.selections else _of_field(context, number, split, metrics)
    if split.label:
        params["customLabel"] = split.label
    return {"id": str(len(metrics) + number + 1), "enabled": True, "type": kind, "schema": "", "params": params}


def _selections(context: Context, keys: Keys, split: Split) -> tuple[str, dict[str, Any]]:
    filters = [
        {"input": {"query": context.query(selection, (*keys, "selections", name)), "language": "lucene"}, "label": name}
        for name, selection in split.selections.items()
    ]
    return "filters", {"filters": filters}


def _of_field(context: Context, number: int, split: Split, metrics: list[Agg]) -> tuple[str, dict[str, Any]]:
    assert split.field is not None  # noqa: S101 - the caller saw it
    keys: Keys = ("by", number) if isinstance(context.panel.by[number], str) else ("by", number, "field")
    if context.panel.kind == "map":
        leaf = context.aggregated(split.field, keys, {"geo_point"}, "a map")
        collar = {"autoPrecision": True, "precision": 2, "useGeocentroid": True, "isFilteredByCollar": True}
        return "geohash_grid", {"field": leaf.name, **collar}
    leaf = context.aggregated(split.field, keys, _ANY, "a split")
    if split.ranges:
        context.aggregated(split.field, keys, {"number"}, "a split by ranges")
        return "range", {"field": leaf.name, "ranges": [_range(one.start, one.end) for one in split.ranges]}
    if split.networks:
        context.aggregated(split.field, keys, {"ip"}, "a split by networks")
        masks = [{"mask": network} for network in split.networks]
        return "ip_range", {"field": leaf.name, "ipRangeType": "mask", "ranges": {"mask": masks, "fromTo": []}}
    if leaf.kind == "date":
        return "date_histogram", _over_time(context, number, leaf.name, split.interval)
    if split.interval is not None:
        return "histogram", _histogram(context, number, keys, split)
    # A row must not vanish because one of its columns has no value; only words can stand for it.
    missing = context.panel.kind == "table" and number > 0 and leaf.kind == "string"
    return "terms", _terms(leaf.name, split, metrics, missing=missing)


def _over_time(context: Context, number: int, name: str, interval: str | float | None) -> dict[str, Any]:
    chosen = interval or "auto"
    if chosen not in _INTERVALS or (chosen == "auto" and name != TIME):
        hint = f"one of {', '.join(sorted(_INTERVALS - {'auto'}))}" + ("; auto only for @timestamp" if name != TIME else ", auto")
        raise context.refuse(("by", number, "interval"), "bad_value", f"{chosen!r} is no interval of time here", hint)
    return {
        "field": name, "interval": chosen, "useNormalizedOpenSearchInterval": True, "scaleMetricValues": False,
        "drop_partials": False, "min_doc_count": 1, "extended_bounds": {},
    }  # fmt: skip


def _histogram(context: Context, number: int, keys: Keys, split: Split) -> dict[str, Any]:
    context.aggregated(str(split.field), keys, {"number"}, "a histogram")
    if isinstance(split.interval, str):
        raise context.refuse(("by", number, "interval"), "bad_value", "the interval of a number is a number")
    bounds = {"min": "", "max": ""}
    return {
        "field": split.field, "interval": split.interval, "min_doc_count": False, "has_extended_bounds": False,
        "extended_bounds": bounds,
    }  # fmt: skip


def _terms(name: str, split: Split, metrics: list[Agg], *, missing: bool) -> dict[str, Any]:
    ordering = next((metric["id"] for metric in metrics if metric["type"] not in _UNORDERED), None)
    params: dict[str, Any] = {
        "field": name, "order": split.order, "orderBy": ordering or "custom", "size": split.top, "otherBucket": False,
        "otherBucketLabel": "Other", "missingBucket": missing, "missingBucketLabel": "—",
    }  # fmt: skip
    if split.by == "value":
        params["orderBy"] = "_key"
    elif ordering is None:
        params["orderAgg"] = {"id": "order", "enabled": True, "type": "count", "schema": "orderAgg", "params": {}}
    return params


def _range(start: float | None, end: float | None) -> dict[str, float | None]:
    return {"from": start, "to": end}


def _fits(context: Context, metrics: list[Agg]) -> None:
    kinds = {metric["type"] for metric in metrics}
    panel = context.panel
    refused = {
        "pie": kinds - {"count", "sum", "cardinality"},
        "map": kinds - {"count", "sum", "avg", "min", "max", "cardinality"},
        "heatmap": kinds & {"percentiles"},
        "tagcloud": kinds & {"percentiles"},
        "gauge": kinds & {"percentiles"},
    }.get(panel.kind, set())
    if refused:
        raise context.refuse(("metrics", 0), "wrong_metric", f"a {panel.kind} cannot show {', '.join(sorted(refused))}")
    wanted = {"columns": {"search"}, "text": {"markdown"}, "alarm": {"metric", "gauge"}}
    for key, of in wanted.items():
        if getattr(panel, key) and panel.kind not in of:
            raise context.refuse((key,), "wrong_kind", f"`{key}` belongs to a {' or '.join(sorted(of))}, this is a {panel.kind}")


def _nested(context: Context, buckets: list[Agg]) -> list[Agg]:
    """Give every bucket its part in the picture. Series stand before the axis, so that all points show the same ones."""
    kind = context.panel.kind
    schemas = {"metric": ["group"], "gauge": ["group"], "table": ["bucket"] * 8, "pie": ["segment"] * 3}
    for bucket, schema in zip(buckets, schemas.get(kind, ["segment", "group", "group", "group"]), strict=False):
        bucket["schema"] = schema
    if kind in {"line", "area", "bar"}:
        return [*buckets[1:], buckets[0]]
    return buckets
