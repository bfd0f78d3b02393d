"""Every panel of every dashboard asks a real OpenSearch what Dashboards would ask it, and shows something."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.build.saved_objects import saved_objects
from service.content import find_content
from service.pipeline.load import load_pipelines
from tests.integration.panel_requests import emptiness, holds, request_of, source_of, state_of
from tests.integration.stocked import Stocked, stocked

pytestmark = pytest.mark.stack

CONTENT = find_content(Path(__file__).parents[2])
PIPELINES = load_pipelines(CONTENT.pipelines)
OBJECTS = {(one["type"], one["id"]): one for objects in saved_objects(CONTENT, PIPELINES).values() for one in objects}
PATTERNS = {key[1]: one["attributes"] for key, one in OBJECTS.items() if key[0] == "index-pattern"}
PANELS = sorted(
    identity
    for (kind, identity), one in OBJECTS.items()
    if kind == "search" or (kind == "visualization" and state_of(one)["type"] not in {"markdown", "input_control_vis"})
)
CONTROLS = sorted(
    identity
    for (kind, identity), one in OBJECTS.items()
    if kind == "visualization" and state_of(one)["type"] == "input_control_vis"
)


@pytest.fixture(scope="module")
def stock(opensearch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stocked]:
    prefix = f"t{uuid.uuid4().hex[:9]}"
    with stocked(opensearch, prefix, CONTENT, PIPELINES, tmp_path_factory.mktemp("enrich")) as found:
        yield found


def pattern_of(saved: dict[str, Any], reference: str) -> str:
    (identity,) = [one["id"] for one in saved["references"] if one["name"] == reference]
    return str(PATTERNS[identity]["title"])


@pytest.mark.parametrize("identity", PANELS)
def test_a_panel_shows_something(stock: Stocked, identity: str) -> None:
    saved = OBJECTS.get(("visualization", identity)) or OBJECTS["search", identity]
    answer = stock.search(pattern_of(saved, source_of(saved)["indexRefName"]), request_of(saved))
    assert list(emptiness(saved, answer)) == []


@pytest.mark.parametrize("identity", CONTROLS)
def test_a_control_has_values_to_choose(stock: Stocked, identity: str) -> None:
    saved = OBJECTS["visualization", identity]
    for control in state_of(saved)["params"]["controls"]:
        terms = {"terms": {"field": control["fieldName"], "size": 5}}
        answer = stock.search(pattern_of(saved, control["indexPatternRefName"]), {"size": 0, "aggs": {"termsAgg": terms}})
        assert answer["aggregations"]["termsAgg"]["buckets"], control["fieldName"]


@pytest.mark.parametrize("identity", sorted(PATTERNS))
def test_an_index_pattern_lists_its_fields_as_the_cluster_does(stock: Stocked, identity: str) -> None:
    pattern = PATTERNS[identity]
    index = stock.index(pattern["title"])
    if not stock.client.cat.indices(index=index, params={"format": "json", "ignore_unavailable": "true"}):
        pytest.skip(f"nothing writes {pattern['title']} yet")
    listed = {field["name"]: field for field in json.loads(pattern["fields"])}
    found = stock.client.field_caps(index=index, params={"fields": "*", "ignore_unavailable": "true"})["fields"]
    # Fields of nested objects are searched with them alone; no panel can.
    nested = tuple(f"{name}." for name, kinds in found.items() if "nested" in kinds)
    told = {
        name: (kind, cap["searchable"], cap["aggregatable"])
        for name, kinds in found.items()
        for kind, cap in kinds.items()
        if kind not in {"object", "nested"} and not name.startswith(("_", *nested))
    }
    ours = {
        name: (field["esTypes"][0], field["searchable"], field["aggregatable"])
        for name, field in listed.items()
        if not name.startswith("_")
    }
    assert {name: ours.get(name) for name in told} == told
    assert {name for name in ours if name not in told} == set()


def test_an_empty_panel_is_told_from_a_full_one() -> None:
    agg = {"id": "2", "type": "terms", "schema": "segment", "params": {"field": "x"}}
    count = {"id": "1", "type": "sum", "schema": "metric", "params": {"field": "y"}}
    saved = {"type": "visualization", "attributes": {"visState": json.dumps({"aggs": [count, agg]})}}
    hits = {"total": {"value": 1}}
    full = {"_shards": {"failed": 0}, "hits": hits, "aggregations": {"2": {"buckets": [{"doc_count": 1, "1": {"value": 3}}]}}}
    assert list(emptiness(saved, full)) == []
    empty = {**full, "aggregations": {"2": {"buckets": []}}}
    assert list(emptiness(saved, empty)) == ["no bucket of terms x"]
    no_value = {**full, "aggregations": {"2": {"buckets": [{"doc_count": 1, "1": {"value": 0}}]}}}
    assert list(emptiness(saved, no_value)) == ["no value of sum y"]
    assert holds({"a": {"b.c": [{"d": 1}]}}, "a.b.c.d")
    assert not holds({"a": {"b": None}}, "a.b")
