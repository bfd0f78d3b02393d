"""What people write in dashboard.yml, what becomes of it, and what is refused with its place before it is shown blank."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from service.build.dashboards.grid import WIDTH, places
from service.build.dashboards.language import DashboardFile
from service.build.dashboards.load import Board
from service.build.dashboards.objects import MIGRATIONS, board_objects, pattern_object
from service.build.dashboards.patterns import IndexPattern, Leaf, field_list, formats, index_patterns, leaves
from service.build.saved_objects import saved_objects
from service.content import find_content
from service.errors import ContentErrors
from service.pipeline.load import load_pipelines
from service.yaml_file import read_text

CONTENT = find_content(Path(__file__).parents[2])
PIPELINES = load_pipelines(CONTENT.pipelines)
OBJECTS = [one for objects in saved_objects(CONTENT, PIPELINES).values() for one in objects]

TYPES = {
    "@timestamp": "date", "event.created": "date", "event.action": "keyword", "event.outcome": "keyword", "source.ip": "ip",
    "source.bytes": "long", "source.geo.location": "geo_point", "message": "match_only_text", "aws.unmapped": "flat_object",
    "project.id": "keyword", "project.environment": "keyword", "aws.flag": "boolean",
}  # fmt: skip
PATTERN = IndexPattern(
    "test.flow",
    "siem-test.flow-*",
    {name: Leaf(name, kind, kind != "stored", kind not in {"match_only_text", "flat_object"}) for name, kind in TYPES.items()},
)


def board(panels: str, head: str = "") -> Board:
    indented = "".join(f"  {line}\n" for line in panels.splitlines())
    text = f"title: Flows\ndescription: Flows of a test.\n{head}panels:\n{indented}"
    return Board("test.flow", "test.flow", read_text(text, DashboardFile, "dashboard.yml"))


def made(panels: str, head: str = "") -> dict[str, dict[str, Any]]:
    return {one["id"]: one for one in board_objects(board(panels, head), {"test.flow": PATTERN})}


def state(panel: str) -> dict[str, Any]:
    (one,) = [one for name, one in made(panel).items() if not name.endswith("-controls") and one["type"] == "visualization"]
    loaded: dict[str, Any] = json.loads(one["attributes"]["visState"])
    return loaded


def query(when: str) -> str:
    (one,) = [one for name, one in made(f"- {{ title: X, kind: metric, when: {when} }}").items() if name.endswith("-x")]
    return str(json.loads(one["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"]["query"])


REFUSED: dict[str, tuple[str, str, str, str]] = {
    "a field misspelt": ("- { title: X, kind: pie, by: [event.acton] }", "unknown_field", "4:33", "did you mean `event.action`?"),
    "a field misspelt in a selection": (
        "- { title: X, kind: metric, when: { event.acton: y } }", "unknown_field", "4:39", "`event.action`",
    ),
    "a column misspelt": ("- { title: X, kind: search, columns: [mesage] }", "unknown_field", "4:41", "`message`"),
    "the sum of words": ("- { title: X, kind: metric, metrics: [{ sum: event.action }] }", "wrong_type", "4:43", ""),
    "the values of a text": ("- { title: X, kind: pie, by: [message] }", "not_aggregated", "4:33", "doc values"),
    "leftovers": ("- { title: X, kind: pie, by: [aws.unmapped] }", "not_aggregated", "4:33", ""),
    "a map of addresses": ("- { title: X, kind: map, by: [source.ip] }", "wrong_type", "4:33", ""),
    "places as slices": ("- { title: X, kind: pie, by: [source.geo.location] }", "wrong_type", "4:33", ""),
    "networks of a word": (
        "- { title: X, kind: pie, by: [{ field: event.action, networks: [192.0.2.0/24] }] }", "wrong_type", "4:35", "",
    ),
    "ranges of an address": (
        "- { title: X, kind: bar, by: [{ field: source.ip, ranges: [{ end: 3 }] }] }", "wrong_type", "4:35", "",
    ),
    "a chart by nothing": ("- { title: X, kind: line }", "wrong_number", "4:5", ""),
    "a heat map by one field": ("- { title: X, kind: heatmap, by: [event.action] }", "wrong_number", "4:32", ""),
    "a pie of two metrics": (
        "- { title: X, kind: pie, metrics: [count, count], by: [event.action] }", "wrong_number", "4:28", "",
    ),
    "a pie of averages": (
        "- { title: X, kind: pie, metrics: [{ avg: source.bytes }], by: [event.action] }", "wrong_metric", "4:38", "",
    ),
    "a metric of two functions": (
        "- { title: X, kind: metric, metrics: [{ avg: source.bytes, sum: source.bytes }] }", "wrong_number", "4:41", "",
    ),
    "a split by nothing": ("- { title: X, kind: pie, by: [{ top: 3 }] }", "wrong_number", "4:33", ""),
    "columns of a pie": ("- { title: X, kind: pie, by: [event.action], columns: [message] }", "wrong_kind", "4:48", "search"),
    "a search without columns": ("- { title: X, kind: search }", "missing_key", "4:5", "add `columns:`"),
    "markdown without text": ("- { title: X, kind: markdown }", "missing_key", "4:5", "add `text:`"),
    "a kind there is not": ("- { title: X, kind: donut }", "not_allowed", "4:17", ""),
    "a key misspelt": ("- { title: X, knd: pie }", "unknown_key", "4:17", "did you mean `kind`?"),
    "an index there is not": ("- { title: X, kind: metric, index: test.flo }", "unknown_index", "4:31", "`test.flow`"),
    "the same title twice": ("- { title: X y, kind: metric }\n- { title: x-Y, kind: metric }", "duplicate_title", "5:7", ""),
    "a regular expression": (
        "- { title: X, kind: metric, when: { event.action|re: y.* } }", "unknown_modifier", "4:39", "|contains",
    ),
    "a modifier there is not": (
        "- { title: X, kind: metric, when: { event.action|strtswith: y } }", "unknown_modifier", "4:39", "",
    ),
    "a part of an address": ("- { title: X, kind: metric, when: { source.ip|startswith: '192.0' } }", "wrong_type", "4:39", ""),
    "a word larger than a number": ("- { title: X, kind: metric, when: { event.action|gt: 3 } }", "wrong_type", "4:39", ""),
    "words without a field": ("- { title: X, kind: metric, when: [{ '': y }] }", "no_field", "4:40", ""),
    "auto for another date": ("- { title: X, kind: line, by: [event.created] }", "bad_value", "4:34", "@timestamp"),
    "an interval there is not": (
        '- { title: X, kind: line, by: [{ field: "@timestamp", interval: 5m }] }', "bad_value", "4:57", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_would_show_blank_is_refused_with_its_place(what: str) -> None:
    panels, code, place, hint = REFUSED[what]
    with pytest.raises(ContentErrors) as refused:
        made(panels)
    (fault,) = refused.value.faults
    assert (fault.code, f"{fault.place.line}:{fault.place.column}") == (code, place), str(fault)
    assert fault.place.file == "dashboard.yml"
    assert hint in str(fault)


def test_every_wrong_panel_is_told_at_once() -> None:
    with pytest.raises(ContentErrors) as refused:
        made("- { title: A, kind: pie, by: [nothing.here] }\n- { title: B, kind: line }", "controls: [message, mesage]\n")
    assert [fault.code for fault in refused.value.faults] == ["unknown_field", "wrong_number", "wrong_type", "unknown_field"]


@pytest.mark.parametrize(
    ("when", "lucene"),
    [
        ("{ event.action: a b }", 'event.action:"a b"'),
        ("{ event.action: [a, 'q\"'] }", r'event.action:("a" OR "q\"")'),
        ("{ event.action|startswith: 'a/b c' }", r"event.action:a\/b\ c*"),
        ("{ event.action|endswith: x }", "event.action:*x"),
        ("{ event.action|contains: [x, 'y>'] }", "event.action:*x* OR event.action:*y?*"),
        ("{ event.action: 'a?c*' }", "event.action:a?c*"),
        ("{ source.bytes|gte: 5, event.outcome: failure }", 'source.bytes:>=5 AND event.outcome:"failure"'),
        ("{ source.ip|cidr: 192.0.2.0/24 }", 'source.ip:"192.0.2.0/24"'),
        ("{ event.action|exists: true }", "_exists_:event.action"),
        ("{ event.action: null }", "*:* AND NOT _exists_:event.action"),
        ("{ event.action|neq: a }", '*:* AND NOT event.action:"a"'),
        ("{ aws.flag: false }", 'aws.flag:"false"'),
        (
            "[{ event.action: a, event.outcome: b }, { event.action: c }]",
            '(event.action:"a" AND event.outcome:"b") OR event.action:"c"',
        ),
        (
            "{ event.action: [a, null], event.outcome: b }",
            '(event.action:"a" OR (*:* AND NOT _exists_:event.action)) AND event.outcome:"b"',
        ),
        ('{ "@timestamp|exists": true }', r"_exists_:@timestamp"),
    ],
)  # fmt: skip
def test_a_selection_becomes_a_query_that_dashboards_sends_as_it_is(when: str, lucene: str) -> None:
    assert query(when) == lucene


def test_no_selection_leaves_the_search_bar_empty() -> None:
    saved = made("- { title: X, kind: metric }")["siem-test.flow-x"]
    source = json.loads(saved["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
    assert source["query"] == {"query": "", "language": "kuery"}
    assert saved["references"] == [{"name": source["indexRefName"], "type": "index-pattern", "id": "siem-test.flow"}]


def test_series_stand_before_the_axis_so_that_every_point_shows_the_same_ones() -> None:
    drawn = state('- { title: X, kind: area, metrics: [{ sum: source.bytes, label: B }], by: ["@timestamp", event.action] }')
    assert [(agg["id"], agg["type"], agg["schema"]) for agg in drawn["aggs"]] == [
        ("1", "sum", "metric"),
        ("3", "terms", "group"),
        ("2", "date_histogram", "segment"),
    ]
    assert drawn["aggs"][1]["params"]["orderBy"] == "1"
    assert drawn["params"]["seriesParams"][0]["data"] == {"label": "B", "id": "1"}


def test_bars_lie_when_they_are_named_by_words_and_stand_when_by_time_or_numbers() -> None:
    assert state("- { title: X, kind: bar, by: [event.action] }")["type"] == "horizontal_bar"
    assert state('- { title: X, kind: bar, by: ["@timestamp"] }')["type"] == "histogram"
    assert state("- { title: X, kind: bar, by: [{ field: source.bytes, interval: 10 }] }")["type"] == "histogram"
    selections = "- { title: X, kind: bar, by: [{ selections: { ok: { event.outcome: success } } }] }"
    assert state(selections)["type"] == "horizontal_bar"


def test_what_percentiles_cannot_order_is_ordered_by_count() -> None:
    drawn = state("- { title: X, kind: table, metrics: [{ percentiles: source.bytes, of: [95] }], by: [event.action] }")
    assert drawn["aggs"][0]["params"]["percents"] == [95]
    assert drawn["aggs"][1]["params"]["orderBy"] == "custom"
    assert drawn["aggs"][1]["params"]["orderAgg"]["type"] == "count"


def test_every_kind_of_split_is_written_as_dashboards_reads_it() -> None:
    by = (
        "[{ field: source.bytes, ranges: [{ end: 5 }, { start: 5 }] }, { field: source.ip, networks: [192.0.2.0/24] }, "
        "{ selections: { bad: { event.outcome: failure } } }, { field: event.action, by: value, order: asc, top: 3, label: A }]"
    )
    ranges, networks, selections, terms = state(f"- {{ title: X, kind: table, by: {by} }}")["aggs"][1:]
    assert ranges["params"]["ranges"] == [{"from": None, "to": 5}, {"from": 5, "to": None}]
    assert networks["params"]["ranges"]["mask"] == [{"mask": "192.0.2.0/24"}]
    assert selections["params"]["filters"] == [
        {"input": {"query": 'event.outcome:"failure"', "language": "lucene"}, "label": "bad"}
    ]
    assert {key: terms["params"][key] for key in ("orderBy", "order", "size", "customLabel")} == {
        "orderBy": "_key", "order": "asc", "size": 3, "customLabel": "A",
    }  # fmt: skip


def test_project_and_environment_can_be_chosen_on_every_dashboard() -> None:
    for one in (one for one in OBJECTS if one["type"] == "dashboard"):
        links, first = one["references"][:2]
        assert links["id"] == "siem-navigation"
        (controls,) = [each for each in OBJECTS if (each["type"], each["id"]) == (first["type"], first["id"])]
        names = [control["fieldName"] for control in json.loads(controls["attributes"]["visState"])["params"]["controls"]]
        assert names[:2] == ["project.id", "project.environment"], one["id"]


def test_every_panel_can_be_filtered_by_project_and_environment() -> None:
    for name, pattern in index_patterns(CONTENT, PIPELINES).items():
        for field in ("project.id", "project.environment"):
            assert pattern.fields[field].aggregatable, name


def test_every_dashboard_links_to_every_other() -> None:
    (links,) = [one for one in OBJECTS if one["id"] == "siem-navigation"]
    text = json.loads(links["attributes"]["visState"])["params"]["markdown"]
    for one in OBJECTS:
        if one["type"] == "dashboard":
            assert f"](#/view/{one['id']})" in text


def test_every_dataset_has_a_dashboard_and_an_index_pattern() -> None:
    dashboards = {one["id"].removeprefix("siem-") for one in OBJECTS if one["type"] == "dashboard"}
    patterns = {one["id"].removeprefix("siem-") for one in OBJECTS if one["type"] == "index-pattern"}
    assert set(PIPELINES) | {"overview", "threats", "pipeline_health"} <= dashboards
    assert set(PIPELINES) | {"events", "dead-letters", "alerts", "ledger"} <= patterns


def test_saved_objects_are_the_same_every_time_and_carry_no_clock() -> None:
    again = [one for objects in saved_objects(CONTENT, PIPELINES).values() for one in objects]
    assert again == OBJECTS
    assert not [one["id"] for one in OBJECTS if {"updated_at", "version", "namespaces"} & one.keys()]
    assert {kind for one in OBJECTS for kind in one["migrationVersion"].items()} <= set(MIGRATIONS.items())


def test_panels_fill_rows_and_never_overlap() -> None:
    sizes = [(24, 10), (24, 12), (48, 3), (20, 5), (20, 5), (20, 5)]
    spots = [(place["x"], place["y"]) for place in places(sizes)]
    assert spots == [(0, 0), (24, 0), (0, 12), (0, 15), (20, 15), (0, 20)]
    assert all(width <= WIDTH for width, _ in sizes)


def test_an_index_pattern_says_of_each_field_what_can_be_done_with_it() -> None:
    mapping = {
        "a": {"properties": {"k": {"type": "keyword"}, "t": {"type": "text"}, "f": {"type": "flat_object"}}},
        "o": {"type": "object", "enabled": False},
        "kept": {"type": "keyword", "index": False, "doc_values": False},
        "sent_bytes": {"type": "long"},
        "port": {"type": "long"},
    }
    pattern = IndexPattern("x", "siem-x-*", {leaf.name: leaf for leaf in leaves(mapping)})
    listed = {field["name"]: field for field in field_list(pattern)}
    assert "o" not in listed
    assert (listed["a.k"]["type"], listed["a.k"]["aggregatable"], listed["a.k"]["readFromDocValues"]) == ("string", True, True)
    assert (listed["a.t"]["type"], listed["a.t"]["searchable"], listed["a.t"]["aggregatable"]) == ("string", True, False)
    assert (listed["a.f"]["type"], listed["a.f"]["aggregatable"]) == ("unknown", False)
    assert (listed["kept"]["searchable"], listed["kept"]["aggregatable"]) == (False, False)
    assert {"_id", "_index", "_score", "_source"} <= listed.keys()
    assert {name: each["id"] for name, each in formats(pattern).items()} == {"port": "number", "sent_bytes": "bytes"}


def test_the_pattern_over_all_events_has_every_field_of_every_dataset() -> None:
    patterns = index_patterns(CONTENT, PIPELINES)
    everything = patterns["events"]
    assert everything.title == "siem-all"
    for dataset in PIPELINES:
        assert patterns[dataset].fields.items() <= everything.fields.items()
    assert json.loads(pattern_object(everything)["attributes"]["fields"])


def test_what_is_bad_is_red_in_every_chart() -> None:
    (one,) = [one for one in OBJECTS if one["id"] == "siem-aws.vpcflow-verdicts"]
    colours = json.loads(one["attributes"]["uiStateJSON"])["vis"]["colors"]
    assert colours["reject"] == colours["failure"] == colours["5xx"] != colours["accept"]


def test_a_group_of_datasets_has_an_index_pattern_with_the_fields_of_all_of_them() -> None:
    patterns = index_patterns(CONTENT, PIPELINES, ["aws.eks_*", "nothing.like_it_*"])
    assert "nothing.like_it_*" not in patterns
    group = patterns["aws.eks_*"]
    assert (group.id, group.title) == ("siem-aws.eks_all", "siem-aws.eks_*")
    for dataset in ("aws.eks_api", "aws.eks_audit", "aws.eks_authenticator", "aws.eks_controllermanager", "aws.eks_scheduler"):
        assert patterns[dataset].fields.keys() <= group.fields.keys()


def test_a_row_of_a_table_stays_when_one_of_its_later_columns_has_no_value() -> None:
    (table,) = [one for one in OBJECTS if one["id"] == "siem-aws.eks_authenticator-which-identity-became-whom"]
    terms = [agg["params"] for agg in json.loads(table["attributes"]["visState"])["aggs"] if agg["type"] == "terms"]
    assert [one["missingBucket"] for one in terms] == [False, True, True]
