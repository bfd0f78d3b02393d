"""Saved objects read back as Dashboards would: an import that succeeds proves nothing, a panel that renders does.

Dashboards imports a visualization over a field that does not exist, of a type nobody registered, without a word. What
is wrong here is a bug of the generator (people's mistakes are found, with their place, before): it raises ValueError.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from service.build.dashboards.grid import WIDTH
from service.build.dashboards.objects import MIGRATIONS

SavedObject = dict[str, Any]
Fields = dict[str, dict[str, Any]]

EVERYWHERE = ("project.id", "project.environment")
"""What every panel of every dashboard can be filtered by."""
_TERMS = {"string", "number", "boolean", "date", "ip"}
_METRICS = {"count", "sum", "avg", "min", "max", "median", "cardinality", "percentiles"}
_BUCKETS = {"terms", "date_histogram", "histogram", "range", "ip_range", "filters"}
_NUMBER = {"number"}
FIELD_KINDS: dict[str, set[str]] = {
    "sum": _NUMBER, "avg": _NUMBER, "median": _NUMBER, "percentiles": _NUMBER, "min": {"number", "date"},
    "max": {"number", "date"}, "cardinality": _TERMS, "terms": _TERMS, "date_histogram": {"date"}, "histogram": _NUMBER,
    "range": _NUMBER, "ip_range": {"ip"}, "geohash_grid": {"geo_point"},
}  # fmt: skip
"""Kinds of field each aggregation takes."""
_PARAMS: dict[str, set[str]] = {
    "terms": {"field", "size", "order", "orderBy", "otherBucket", "missingBucket"},
    "date_histogram": {"field", "interval", "min_doc_count"}, "histogram": {"field", "interval"}, "range": {"field", "ranges"},
    "ip_range": {"field", "ipRangeType", "ranges"}, "filters": {"filters"}, "geohash_grid": {"field", "precision"},
    "count": set(), "percentiles": {"field", "percents"},
}  # fmt: skip
_XY = {
    "type", "grid", "categoryAxes", "valueAxes", "seriesParams", "addTooltip", "addLegend", "legendPosition", "times",
    "addTimeMarker", "thresholdLine", "labels",
}  # fmt: skip
_Schemas = dict[str, tuple[int, int, set[str]]]
_AXES: _Schemas = {"metric": (1, 20, _METRICS), "segment": (1, 1, _BUCKETS), "group": (0, 3, _BUCKETS)}
VISUALIZATIONS: dict[str, tuple[set[str], _Schemas]] = {
    "metric": ({"type", "metric", "addTooltip", "addLegend"}, {"metric": (1, 20, _METRICS), "group": (0, 1, _BUCKETS)}),
    "gauge": (
        {"type", "gauge", "addTooltip", "addLegend", "isDisplayWarning"},
        {"metric": (1, 20, _METRICS - {"percentiles"}), "group": (0, 1, _BUCKETS)},
    ),
    "line": (_XY, _AXES), "area": (_XY, _AXES), "histogram": (_XY, _AXES), "horizontal_bar": (_XY, _AXES),
    "pie": (
        {"type", "addTooltip", "addLegend", "legendPosition", "isDonut", "labels"},
        {"metric": (1, 1, {"count", "sum", "cardinality"}), "segment": (1, 9, _BUCKETS)},
    ),
    "table": (
        {"perPage", "showPartialRows", "showMetricsAtAllLevels", "showTotal", "totalFunc", "percentageCol"},
        {"metric": (1, 20, _METRICS), "bucket": (1, 20, _BUCKETS)},
    ),
    "heatmap": (
        {"type", "addTooltip", "addLegend", "enableHover", "legendPosition", "times", "colorsNumber", "colorSchema",
         "setColorRange", "colorsRange", "invertColors", "percentageMode", "valueAxes"},
        {"metric": (1, 1, _METRICS - {"percentiles"}), "segment": (1, 1, _BUCKETS), "group": (0, 1, _BUCKETS)},
    ),
    "tile_map": (
        {"colorSchema", "mapType", "isDesaturated", "addTooltip", "heatClusterSize", "legendPosition", "mapZoom", "mapCenter",
         "wms"},
        {"metric": (1, 1, {"count", "avg", "sum", "min", "max", "cardinality"}), "segment": (1, 1, {"geohash_grid"})},
    ),
    "tagcloud": (
        {"scale", "orientation", "minFontSize", "maxFontSize", "showLabel"},
        {"metric": (1, 1, _METRICS - {"percentiles"}), "segment": (1, 1, {"terms"})},
    ),
    "markdown": ({"markdown", "fontSize", "openLinksInNewTab"}, {}),
    "input_control_vis": ({"controls", "updateFiltersOnChange", "useTimeFilter", "pinFilters"}, {}),
}  # fmt: skip
"""Types of visualization that every OpenSearch Dashboards 2.x and 3.x has: parameters, and per schema how many of what."""


def verify(objects: Iterable[SavedObject]) -> None:
    """Raise ValueError with everything that would not render."""
    wrong = list(flaws(list(objects)))
    if wrong:
        raise ValueError("saved objects that would not render:\n" + "\n".join(wrong))


def flaws(objects: list[SavedObject]) -> Iterator[str]:
    """One sentence for everything that would not render."""
    by_key = {(one["type"], one["id"]): one for one in objects}
    if len(by_key) != len(objects):
        yield "two saved objects have the same type and id"
    fields = {
        one["id"]: {field["name"]: field for field in json.loads(one["attributes"]["fields"])}
        for one in objects
        if one["type"] == "index-pattern"
    }
    for one in objects:
        name = f"{one['type']}/{one['id']}"
        if one["migrationVersion"] != {one["type"]: MIGRATIONS[one["type"]]}:
            yield f"{name}: a migration version that older Dashboards refuse"
        for reference in one["references"]:
            if (reference["type"], reference["id"]) not in by_key:
                yield f"{name}: refers to {reference['type']}/{reference['id']}, which there is not"
        for flaw in _flaws_of(one, fields):
            yield f"{name}: {flaw}"
        if one["type"] == "dashboard":
            yield from (f"{name}: {flaw}" for flaw in _unfiltered(one, by_key, fields))


def _unfiltered(one: SavedObject, by_key: dict[tuple[str, str], SavedObject], fields: dict[str, Fields]) -> Iterator[str]:
    """A filter on a field that a panel's index lacks empties the panel without a word."""
    panels = [by_key.get((reference["type"], reference["id"])) for reference in one["references"]]
    for reference in (reference for panel in panels if panel is not None for reference in panel["references"]):
        known = fields.get(reference["id"], {})
        for name in EVERYWHERE:
            if not known.get(name, {}).get("aggregatable"):
                yield f"{reference['id']} has panels here that {name} cannot be chosen for"


def _flaws_of(one: SavedObject, fields: dict[str, Fields]) -> Iterator[str]:
    named = {reference["name"]: reference["id"] for reference in one["references"]}
    if len(named) != len(one["references"]):
        yield "two references have the same name"
    match one["type"]:
        case "visualization":
            yield from _visualization(one, named, fields)
        case "search":
            source = json.loads(one["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
            known = fields.get(named.get(source.get("indexRefName", ""), ""), {})
            yield from (f"column {name} does not exist" for name in one["attributes"]["columns"] if name not in known)
        case "dashboard":
            yield from _dashboard(one, named)
        case "index-pattern":
            if json.loads(one["attributes"]["fieldFormatMap"]).keys() - fields[one["id"]].keys():
                yield "formats a field that it does not have"
            if fields[one["id"]].get(one["attributes"]["timeFieldName"], {}).get("type") != "date":
                yield "its time field is no date"


def _visualization(one: SavedObject, named: dict[str, str], fields: dict[str, Fields]) -> Iterator[str]:
    state = json.loads(one["attributes"]["visState"])
    kind, params = state["type"], state["params"]
    if kind not in VISUALIZATIONS:
        yield f"nobody registered the type {kind}"
        return
    wanted, schemas = VISUALIZATIONS[kind]
    if params.keys() != wanted:
        yield f"parameters {sorted(wanted ^ params.keys())} are missing or too many"
    if kind == "input_control_vis":
        for control in params["controls"]:
            known = fields.get(named.get(control["indexPatternRefName"], ""), {})
            if not known.get(control["fieldName"], {}).get("aggregatable"):
                yield f"control {control['fieldName']} cannot list values"
        return
    aggs = state["aggs"]
    if schemas:
        source = json.loads(one["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
        known = fields.get(named.get(source.get("indexRefName", ""), ""), {})
        yield from (flaw for agg in aggs for flaw in _aggregation(agg, aggs, known))
    for schema, (least, most, allowed) in schemas.items():
        found = [agg["type"] for agg in aggs if agg["schema"] == schema]
        if not least <= len(found) <= most or set(found) - allowed:
            yield f"{kind} cannot show {found} as {schema}"
    if {agg["schema"] for agg in aggs} - schemas.keys():
        yield f"{kind} has no place for {sorted({agg['schema'] for agg in aggs} - schemas.keys())}"
    if wanted is _XY:
        yield from _series(params, aggs)


def _series(params: dict[str, Any], aggs: list[dict[str, Any]]) -> Iterator[str]:
    axes = {axis["id"] for axis in params["valueAxes"]}
    if not params["categoryAxes"] or {each["valueAxis"] for each in params["seriesParams"]} - axes:
        yield "its series stand on axes that are not there"
    series = [each["data"]["id"] for each in params["seriesParams"]]
    if series != [agg["id"] for agg in aggs if agg["schema"] == "metric"]:
        yield "its series are not its metrics"


def _aggregation(agg: dict[str, Any], aggs: list[dict[str, Any]], known: Fields) -> Iterator[str]:
    kind, params = agg["type"], agg["params"]
    missing = _PARAMS.get(kind, {"field"}) - params.keys()
    if missing:
        yield f"{kind} lacks {sorted(missing)}"
    if kind in FIELD_KINDS:
        field = known.get(params.get("field", ""))
        if field is None:
            yield f"{kind} of a field that does not exist: {params.get('field')}"
        elif field["type"] not in FIELD_KINDS[kind] or not field["aggregatable"]:
            yield f"{kind} cannot be made of {field['name']} ({field['type']})"
    if kind == "filters" and any(not {"query", "language"} <= each["input"].keys() for each in params.get("filters", [])):
        yield "a filter without a query"
    ids = {other["id"] for other in aggs if other["schema"] == "metric"}
    if kind == "terms" and params["orderBy"] not in {*ids, "_key"} and "orderAgg" not in params:
        yield f"terms of {params['field']} are ordered by what is not there"


def _dashboard(one: SavedObject, named: dict[str, str]) -> Iterator[str]:
    panels = json.loads(one["attributes"]["panelsJSON"])
    if one["attributes"].get("timeRestore") and not {"timeFrom", "timeTo"} <= one["attributes"].keys():
        yield "it keeps a time range that it does not have"
    if [panel["panelRefName"] for panel in panels] != list(named):
        yield "its panels are not its references"
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridData"]
        if place["i"] != panel["panelIndex"] or place["x"] + place["w"] > WIDTH:
            yield f"panel {panel['panelIndex']} has no proper place"
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        if taken & cells:
            yield f"panel {panel['panelIndex']} covers another"
        taken |= cells
