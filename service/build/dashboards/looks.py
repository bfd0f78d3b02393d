"""How each kind of visualization looks: the ``params`` of its state, complete, so that no version has to guess."""

from __future__ import annotations

from typing import Any

Params = dict[str, Any]

TYPES = {
    "metric": "metric", "line": "line", "area": "area", "pie": "pie", "table": "table", "heatmap": "heatmap", "map": "tile_map",
    "tagcloud": "tagcloud", "gauge": "gauge", "markdown": "markdown",
}  # fmt: skip
"""Kind of panel → type of visualization; a ``bar`` is a ``histogram`` or a ``horizontal_bar``."""

_GREEN, _RED, _AMBER, _YELLOW, _BLUE, _GREY = "#54B399", "#BD271E", "#DA8B45", "#D6BF57", "#6092C0", "#98A2B3"
COLOURS = {
    "success": _GREEN, "failure": _RED, "unknown": _GREY,
    "accept": _GREEN, "reject": _RED, "allow": _GREEN, "forbid": _RED, "ALLOW": _GREEN, "ALERT": _AMBER, "BLOCK": _RED,
    "critical": "#7B1010", "high": _RED, "medium": _AMBER, "low": _YELLOW,
    "fatal": "#7B1010", "error": _RED, "warn": _AMBER, "warning": _AMBER, "info": _BLUE, "debug": _GREY, "trace": _GREY,
    "2xx": _GREEN, "3xx": _BLUE, "4xx": _AMBER, "5xx": _RED, "NOERROR": _GREEN, "NXDOMAIN": _AMBER, "SERVFAIL": _RED,
}  # fmt: skip
"""What is bad is red in every chart; values that are not here get the colours of Dashboards."""

_MOST = 1_000_000_000_000


def xy(kind: str, labels: list[str], *, stacked: bool, legend: bool) -> Params:
    """line, area, histogram, horizontal_bar: one series for each metric."""
    lies = kind == "horizontal_bar"
    shape = {"line": "line", "area": "area"}.get(kind, "histogram")
    mode = "stacked" if stacked and kind != "line" else "normal"
    series = [
        {
            "show": True, "type": shape, "mode": mode, "data": {"label": label, "id": str(number)},
            "valueAxis": "ValueAxis-1", "drawLinesBetweenPoints": True, "lineWidth": 2, "interpolate": "linear",
            "showCircles": True,
        }
        for number, label in enumerate(labels, 1)
    ]  # fmt: skip
    category = {
        "id": "CategoryAxis-1", "type": "category", "position": "left" if lies else "bottom", "show": True, "style": {},
        "scale": {"type": "linear"}, "labels": {"show": True, "filter": not lies, "rotate": 0, "truncate": 200 if lies else 100},
        "title": {},
    }  # fmt: skip
    value = {
        "id": "ValueAxis-1", "name": "BottomAxis-1" if lies else "LeftAxis-1", "type": "value",
        "position": "bottom" if lies else "left", "show": True, "style": {}, "scale": {"type": "linear", "mode": "normal"},
        "labels": {"show": True, "rotate": 0, "filter": lies, "truncate": 100}, "title": {"text": labels[0]},
    }  # fmt: skip
    threshold = {"show": False, "value": 10, "width": 1, "style": "full", "color": "#E7664C"}
    return {
        "type": kind, "grid": {"categoryLines": False}, "categoryAxes": [category], "valueAxes": [value],
        "seriesParams": series, "addTooltip": True, "addLegend": legend, "legendPosition": "right", "times": [],
        "addTimeMarker": False, "labels": {"show": False}, "thresholdLine": threshold,
    }  # fmt: skip


def pie(*, donut: bool) -> Params:
    """Shares of a whole."""
    return {
        "type": "pie", "addTooltip": True, "addLegend": True, "legendPosition": "right", "isDonut": donut,
        "labels": {"show": False, "values": True, "last_level": True, "truncate": 100},
    }  # fmt: skip


def metric(alarm: float | None) -> Params:
    """Numbers; red from ``alarm`` on."""
    ranges = [{"from": 0, "to": _MOST}] if alarm is None else [{"from": 0, "to": alarm}, {"from": alarm, "to": _MOST}]
    return {
        "type": "metric", "addTooltip": True, "addLegend": False,
        "metric": {
            "percentageMode": False, "useRanges": False, "colorSchema": "Green to Red",
            "metricColorMode": "None" if alarm is None else "Labels", "colorsRange": ranges, "labels": {"show": True},
            "invertColors": False,
            "style": {"bgFill": "#000", "bgColor": False, "labelColor": alarm is not None, "subText": "", "fontSize": 36},
        },
    }  # fmt: skip


def gauge(alarm: float | None) -> Params:
    """An arc; red from ``alarm`` on."""
    most = alarm or 100
    ranges = [{"from": 0, "to": most / 2}, {"from": most / 2, "to": most}, {"from": most, "to": most * 2}]
    return {
        "type": "gauge", "addTooltip": True, "addLegend": False, "isDisplayWarning": False,
        "gauge": {
            "alignment": "automatic", "extendRange": True, "percentageMode": False, "gaugeType": "Arc", "gaugeStyle": "Full",
            "backStyle": "Full", "orientation": "vertical", "colorSchema": "Green to Red", "gaugeColorMode": "Labels",
            "colorsRange": ranges, "invertColors": False, "labels": {"show": True, "color": "black"},
            "scale": {"show": True, "labels": False, "color": "rgba(105,112,125,0.2)"}, "type": "meter",
            "style": {
                "bgWidth": 0.9, "width": 0.9, "mask": False, "bgMask": False, "maskBars": 50,
                "bgFill": "rgba(105,112,125,0.2)", "bgColor": True, "subText": "", "fontSize": 60,
            },
        },
    }  # fmt: skip


def table() -> Params:
    """Rows, ten a page."""
    return {
        "perPage": 10, "showPartialRows": False, "showMetricsAtAllLevels": False, "showTotal": False, "totalFunc": "sum",
        "percentageCol": "",
    }  # fmt: skip


def heatmap() -> Params:
    """A matrix of shades."""
    labels = {"show": False, "rotate": 0, "overwriteColor": False, "color": "black"}
    scale = {"type": "linear", "defaultYExtents": False}
    return {
        "type": "heatmap", "addTooltip": True, "addLegend": True, "enableHover": False, "legendPosition": "right", "times": [],
        "colorsNumber": 6, "colorSchema": "Reds", "setColorRange": False, "colorsRange": [], "invertColors": False,
        "percentageMode": False,
        "valueAxes": [{"show": False, "id": "ValueAxis-1", "type": "value", "scale": scale, "labels": labels}],
    }  # fmt: skip


def tile_map() -> Params:
    """Circles on a map of the world; without the Internet the map behind them stays blank."""
    unused = dict.fromkeys(("version", "layers", "attribution", "styles"), "")
    return {
        "colorSchema": "Yellow to Red", "mapType": "Scaled Circle Markers", "isDesaturated": True, "addTooltip": True,
        "heatClusterSize": 1.5, "legendPosition": "bottomright", "mapZoom": 2, "mapCenter": [20, 0],
        "wms": {"enabled": False, "url": "", "options": {"format": "image/png", "transparent": True, **unused}},
    }  # fmt: skip


def tagcloud() -> Params:
    """Words as large as they are frequent."""
    return {"scale": "linear", "orientation": "single", "minFontSize": 14, "maxFontSize": 48, "showLabel": False}


def markdown(text: str) -> Params:
    """Text."""
    return {"fontSize": 12, "openLinksInNewTab": False, "markdown": text}


def controls(fields: list[tuple[str, str]]) -> Params:
    """Lists to choose values from; (field, label). Each refers to the index pattern through ``control_<n>_index_pattern``."""
    return {
        "controls": [
            {
                "id": f"control-{number}", "indexPatternRefName": f"control_{number}_index_pattern", "fieldName": name,
                "parent": "", "label": label, "type": "list",
                # Only words are looked up while one types; of numbers and addresses the list holds the ``size`` most frequent.
                "options": {"type": "terms", "multiselect": True, "dynamicOptions": True, "size": 100, "order": "desc"},
            }
            for number, (name, label) in enumerate(fields)
        ],
        "updateFiltersOnChange": True, "useTimeFilter": True, "pinFilters": False,
    }  # fmt: skip
