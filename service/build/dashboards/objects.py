"""Saved objects: what OpenSearch Dashboards imports, the same bytes for the same content."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from service.build.dashboards import looks
from service.build.dashboards.aggregations import aggregations, label_of, stands
from service.build.dashboards.context import Context, field_of
from service.build.dashboards.grid import NAVIGATION_SIZE, SIZES, places
from service.build.dashboards.load import Board, Patterns
from service.build.dashboards.patterns import TIME, IndexPattern, as_json, field_list, formats
from service.errors import ContentError, ContentErrors

SavedObject = dict[str, Any]

MIGRATIONS = {"index-pattern": "7.6.0", "search": "7.9.3", "visualization": "7.10.0", "dashboard": "7.9.3"}
"""Newest version of each shape that every OpenSearch Dashboards 2.x and 3.x knows; a newer one is refused at import."""
_INDEX = "kibanaSavedObjectMeta.searchSourceJSON.index"
NAVIGATION = "siem-navigation"
_ALWAYS = ("project.id", "project.environment")
_COLOURED = {"line", "area", "histogram", "horizontal_bar", "pie"}
_WORD = re.compile(r"[^a-z0-9]+")


def pattern_object(pattern: IndexPattern) -> SavedObject:
    """The saved object of an index pattern, with its fields: nobody has to press refresh."""
    attributes = {
        "title": pattern.title,
        "timeFieldName": TIME,
        "fields": as_json(field_list(pattern)),
        "fieldFormatMap": as_json(formats(pattern)),
    }
    return _object("index-pattern", pattern.id, attributes, [])


def navigation_object(boards: Iterable[Board]) -> SavedObject:
    """Links to every dashboard, those across datasets on the first line; it stands at the top of each."""
    families: dict[str, list[Board]] = {}
    for board in sorted(boards, key=lambda board: ("." in board.name, not board.name.startswith("aws."), board.name)):
        families.setdefault(_family(board), []).append(board)
    lines = [
        f"**{family}** "
        + " · ".join(
            f"[{board.file.title}](#/view/{_board_id(board)})" for board in sorted(found, key=lambda one: one.file.title.lower())
        )
        for family, found in families.items()
    ]
    text = looks.markdown("  \n".join(lines))
    return _visualization(NAVIGATION, "SIEM · Navigation", "", {"type": "markdown", "params": text, "aggs": []})


def board_objects(board: Board, patterns: Patterns) -> list[SavedObject]:
    """Controls, panels and the dashboard itself; raises ContentErrors with every panel that is wrong."""
    made: list[SavedObject] = []
    faults: list[ContentError] = []
    seen: dict[str, str] = {}
    for number, panel in enumerate(board.file.panels):
        try:
            one = _panel_object(Context.of(board, number, patterns))
        except ContentError as error:
            faults.append(error)
            continue
        if one["id"] in seen:
            reason = f"`{panel.title}` is too much like `{seen[one['id']]}`"
            faults.append(board.source.error(("panels", number, "title"), "duplicate_title", reason))
        seen[one["id"]] = panel.title
        made.append(one)
    if board.default in patterns:
        faults.extend(_control_faults(board, patterns[board.default]))
    if faults:
        raise ContentErrors(f"{board.source.path} is not valid", faults)
    shown = [_controls_object(board, patterns[board.default]), *made]
    return [*shown, _dashboard_object(board, shown)]


def _control_fields(board: Board, pattern: IndexPattern) -> list[str]:
    return [name for name in dict.fromkeys([*_ALWAYS, *board.file.controls]) if name in pattern.fields]


def _control_faults(board: Board, pattern: IndexPattern) -> Iterator[ContentError]:
    for number, name in enumerate(board.file.controls):
        try:
            leaf = field_of(board, pattern, name, ("controls", number))
        except ContentError as error:
            yield error
            continue
        if leaf.kind not in {"string", "ip", "number", "boolean"} or not leaf.aggregatable:
            yield board.source.error(("controls", number), "wrong_type", f"values of `{name}` ({leaf.type}) cannot be listed")


def _panel_object(context: Context) -> SavedObject:
    panel = context.panel
    title = f"{context.board.file.title} · {panel.title}"
    identity = f"{_board_id(context.board)}-{_WORD.sub('-', panel.title.lower()).strip('-')}"
    aggs = aggregations(context)
    query = context.query(panel.when, ("when",))
    if panel.kind == "search":
        return _search_object(context, identity, title, query)
    if panel.kind == "markdown":
        if not panel.text:
            raise context.refuse((), "missing_key", "`text` is missing", "add `text:`")
        return _visualization(
            identity, title, panel.about, {"type": "markdown", "params": looks.markdown(panel.text), "aggs": []}
        )
    kind, params = _look(context)
    state = {"type": kind, "params": params, "aggs": aggs}
    return _visualization(identity, title, panel.about, state, query, context.pattern)


def _look(context: Context) -> tuple[str, looks.Params]:
    panel = context.panel
    match panel.kind:
        case "metric":
            return "metric", looks.metric(panel.alarm)
        case "gauge":
            return "gauge", looks.gauge(panel.alarm)
        case "pie":
            return "pie", looks.pie(donut=panel.donut)
        case "table":
            return "table", looks.table()
        case "heatmap":
            return "heatmap", looks.heatmap()
        case "map":
            return "tile_map", looks.tile_map()
        case "tagcloud":
            return "tagcloud", looks.tagcloud()
        case kind:
            drawn = kind if kind in {"line", "area"} else "histogram" if stands(context) else "horizontal_bar"
            labels = [label_of(context, number) for number in range(len(panel.metrics))]
            legend = len(panel.by) > 1 or len(labels) > 1 or bool(set(_percentiles(context)))
            return drawn, looks.xy(drawn, labels, stacked=panel.stacked, legend=legend)


def _percentiles(context: Context) -> Iterator[str]:
    yield from (metric.percentiles for metric in context.panel.metrics if not isinstance(metric, str) and metric.percentiles)


def _visualization(
    identity: str, title: str, about: str, state: dict[str, Any], query: str = "", pattern: IndexPattern | None = None
) -> SavedObject:
    source: dict[str, Any] = {"query": _query(query), "filter": []}
    references = []
    if pattern is not None:
        source["indexRefName"] = _INDEX
        references.append({"name": _INDEX, "type": "index-pattern", "id": pattern.id})
    attributes = {
        "title": title,
        "description": about,
        "visState": as_json({"title": title, **state}),
        "uiStateJSON": as_json({"vis": {"colors": looks.COLOURS}} if state["type"] in _COLOURED else {}),
        "version": 1,
        "kibanaSavedObjectMeta": {"searchSourceJSON": as_json(source)},
    }
    return _object("visualization", identity, attributes, references)


def _search_object(context: Context, identity: str, title: str, query: str) -> SavedObject:
    columns = context.panel.columns
    if not columns:
        raise context.refuse((), "missing_key", "`columns` is missing", "add `columns:`")
    for number, name in enumerate(columns):
        context.field(name, ("columns", number))
    source = {"query": _query(query), "filter": [], "highlightAll": True, "version": True, "indexRefName": _INDEX}
    attributes = {
        "title": title,
        "description": context.panel.about,
        "hits": 0,
        "columns": columns,
        "sort": [[TIME, "desc"]],
        "version": 1,
        "kibanaSavedObjectMeta": {"searchSourceJSON": as_json(source)},
    }
    return _object("search", identity, attributes, [{"name": _INDEX, "type": "index-pattern", "id": context.pattern.id}])


def _controls_object(board: Board, pattern: IndexPattern) -> SavedObject:
    names = _control_fields(board, pattern)
    labels = {"project.id": "Project", "project.environment": "Environment"}
    params = looks.controls([(name, labels.get(name, name)) for name in names])
    title = f"{board.file.title} · Controls"
    made = _visualization(f"{_board_id(board)}-controls", title, "", {"type": "input_control_vis", "params": params, "aggs": []})
    made["references"] = [
        {"name": f"control_{number}_index_pattern", "type": "index-pattern", "id": pattern.id} for number in range(len(names))
    ]
    return made


def _dashboard_object(board: Board, shown: list[SavedObject]) -> SavedObject:
    sizes = [NAVIGATION_SIZE, SIZES["controls"], *(panel.size or SIZES[panel.kind] for panel in board.file.panels)]
    titles = ["", "", *(panel.title for panel in board.file.panels)]
    # A metric says under its number what it is; a heading above it would say it again.
    bare = [True, True, *(panel.kind in {"metric", "gauge", "markdown"} for panel in board.file.panels)]
    panels = [
        {
            "version": MIGRATIONS["dashboard"],
            "gridData": place,
            "panelIndex": place["i"],
            "embeddableConfig": {"hidePanelTitles": True} if hidden else {"title": title},
            "panelRefName": f"panel_{number}",
            **({} if hidden else {"title": title}),
        }
        for number, (place, title, hidden) in enumerate(zip(places(sizes), titles, bare, strict=True))
    ]
    attributes = {
        "title": f"SIEM · {board.file.title}",
        "description": board.file.description,
        "hits": 0,
        "panelsJSON": as_json(panels),
        "optionsJSON": as_json({"hidePanelTitles": False, "useMargins": True}),
        "version": 1,
        "timeRestore": True,
        "timeFrom": board.file.since,
        "timeTo": "now",
        "refreshInterval": {"pause": True, "value": 0},
        "kibanaSavedObjectMeta": {"searchSourceJSON": as_json({"query": _query(""), "filter": []})},
    }
    ids = [("visualization", NAVIGATION), *((one["type"], one["id"]) for one in shown)]
    references = [{"name": f"panel_{number}", "type": kind, "id": identity} for number, (kind, identity) in enumerate(ids)]
    return _object("dashboard", _board_id(board), attributes, references)


def _family(board: Board) -> str:
    if "." not in board.name:
        return "SIEM"
    return "AWS" if board.name.startswith("aws.") else "Hosts and servers"


def _board_id(board: Board) -> str:
    return f"siem-{board.name}"


def _query(query: str) -> dict[str, str]:
    return {"query": query, "language": "lucene" if query else "kuery"}


def _object(kind: str, identity: str, attributes: dict[str, Any], references: list[dict[str, str]]) -> SavedObject:
    return {
        "type": kind,
        "id": identity,
        "attributes": attributes,
        "references": references,
        "migrationVersion": {kind: MIGRATIONS[kind]},
    }
