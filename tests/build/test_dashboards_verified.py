"""The generated saved objects are read back, and each way in which one would not render is noticed."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.build.dashboards.verify import flaws, verify
from service.build.saved_objects import saved_objects
from service.content import find_content
from service.pipeline.load import load_pipelines

CONTENT = find_content(Path(__file__).parents[2])
FILES = saved_objects(CONTENT, load_pipelines(CONTENT.pipelines))
SOME = [*FILES["shared"], *FILES["aws.alb"]]
Objects = dict[str, dict[str, Any]]


def test_what_is_committed_would_render() -> None:
    committed = [
        json.loads(line)
        for path in sorted((CONTENT.dashboards / "saved_objects").glob("*.ndjson"))
        for line in path.read_text().splitlines()
    ]
    assert list(flaws(committed)) == []
    assert len(committed) == sum(len(objects) for objects in FILES.values())


@pytest.mark.parametrize("name", sorted(set(FILES) - {"shared"}))
def test_each_file_can_be_imported_by_itself_after_the_shared_one(name: str) -> None:
    assert list(flaws([*FILES["shared"], *FILES[name]])) == []


def _state(objects: Objects, name: str, change: Callable[[dict[str, Any]], object]) -> None:
    attributes = objects[f"visualization/siem-aws.alb-{name}"]["attributes"]
    state = json.loads(attributes["visState"])
    change(state)
    attributes["visState"] = json.dumps(state)


def _panels(objects: Objects, change: Callable[[list[dict[str, Any]]], object]) -> None:
    attributes = objects["dashboard/siem-aws.alb"]["attributes"]
    panels = json.loads(attributes["panelsJSON"])
    change(panels)
    attributes["panelsJSON"] = json.dumps(panels)


def _filters(state: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = next(agg["params"]["filters"] for agg in state["aggs"] if agg["type"] == "filters")
    return found


def _without_project(objects: Objects) -> None:
    attributes = objects["index-pattern/siem-aws.alb"]["attributes"]
    attributes["fields"] = json.dumps([field for field in json.loads(attributes["fields"]) if field["name"] != "project.id"])


BROKEN: dict[str, tuple[Callable[[Objects], object], str]] = {
    "a panel gone": (lambda all_: all_.pop("visualization/siem-aws.alb-requests"), "which there is not"),
    "an index pattern gone": (lambda all_: all_.pop("index-pattern/siem-aws.alb"), "which there is not"),
    "a type nobody registered": (
        lambda all_: _state(all_, "methods", lambda s: s.update(type="donut")), "registered the type donut",
    ),
    "a field that does not exist": (
        lambda all_: _state(all_, "methods", lambda s: s["aggs"][1]["params"].update(field="x")), "does not exist: x",
    ),
    "an average of words": (
        lambda all_: _state(all_, "requests", lambda s: s["aggs"][0].update(type="avg", params={"field": "url.path"})),
        "avg cannot be made of url.path",
    ),
    "a parameter missing": (lambda all_: _state(all_, "methods", lambda s: s["params"].pop("isDonut")), "isDonut"),
    "an aggregation without its size": (
        lambda all_: _state(all_, "methods", lambda s: s["aggs"][1]["params"].pop("size")), "lacks ['size']",
    ),
    "a bucket with no place": (
        lambda all_: _state(all_, "methods", lambda s: s["aggs"][1].update(schema="bucket")), "no place for ['bucket']",
    ),
    "a metric too many": (
        lambda all_: _state(all_, "methods", lambda s: s["aggs"].append({**s["aggs"][0], "id": "9"})), "cannot show",
    ),
    "an order by nothing": (
        lambda all_: _state(all_, "methods", lambda s: s["aggs"][1]["params"].update(orderBy="7")), "by what is not there",
    ),
    "series that are not metrics": (
        lambda all_: _state(all_, "target-latency-over-time", lambda s: s["params"].update(seriesParams=[])), "series",
    ),
    "an axis gone": (
        lambda all_: _state(all_, "target-latency-over-time", lambda s: s["params"].update(valueAxes=[])), "axes that are not",
    ),
    "a filter that asks nothing": (
        lambda all_: _state(all_, "status-classes-over-time", lambda s: _filters(s)[0]["input"].pop("query")), "without a query",
    ),
    "a panel that knows no project": (_without_project, "project.id cannot be chosen for"),
    "a time range without its end": (lambda all_: all_["dashboard/siem-aws.alb"]["attributes"].pop("timeTo"), "a time range"),
    "a control over nothing": (
        lambda all_: _state(all_, "controls", lambda s: s["params"]["controls"][0].update(fieldName="x")), "cannot list values",
    ),
    "a column gone": (
        lambda all_: all_["search/siem-aws.alb-errors-newest-first"]["attributes"]["columns"].append("x"), "column x",
    ),
    "a migration from the future": (
        lambda all_: all_["dashboard/siem-aws.alb"].update(migrationVersion={"dashboard": "8.0.0"}), "refuse",
    ),
    "panels on top of each other": (
        lambda all_: _panels(all_, lambda panels: panels[3]["gridData"].update(x=0)), "covers another",
    ),
    "a panel over the edge": (lambda all_: _panels(all_, lambda panels: panels[1]["gridData"].update(x=44)), "no proper place"),
    "a panel less than references": (lambda all_: _panels(all_, lambda panels: panels.pop()), "not its references"),
    "no time field": (
        lambda all_: all_["index-pattern/siem-aws.alb"]["attributes"].update(timeFieldName="url.path"), "is no date",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_what_would_not_render_is_noticed(what: str) -> None:
    spoil, said = BROKEN[what]
    objects = {f"{one['type']}/{one['id']}": copy.deepcopy(one) for one in SOME}
    verify(objects.values())
    spoil(objects)
    with pytest.raises(ValueError, match="would not render") as noticed:
        verify(objects.values())
    assert said in str(noticed.value)


def test_two_objects_of_one_name_are_noticed() -> None:
    assert "two saved objects have the same type and id" in list(flaws([*SOME, SOME[0]]))
