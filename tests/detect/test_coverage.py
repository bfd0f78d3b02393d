"""Techniques × datasets, and the Navigator's layer of them."""

from __future__ import annotations

from service.detect.coverage import coverage, navigator_layer
from service.detect.flow import Sent, as_json, cells, live_layer, summary
from tests.detect.conftest import HEAD, Load

TAGGED = (
    HEAD + "tags: [attack.t1078.004, attack.initial-access, attack.t1110]\ndetection: { s: { eventName: a }, condition: s }\n"
)


def test_techniques_stand_beside_the_datasets_of_their_rules(load: Load) -> None:
    other = TAGGED.replace("0001", "0002").replace("A rule", "Other").replace("status: test", "status: experimental")
    rules = load(TAGGED, other)
    assert coverage(rules) == {"T1078.004": {"acme.app": ["A rule"]}, "T1110": {"acme.app": ["A rule"]}}
    everything = coverage(rules, counted=True)
    assert everything["T1110"] == {"acme.app": ["A rule", "Other"]}
    layer = navigator_layer(everything)
    assert [(each["techniqueID"], each["score"]) for each in layer["techniques"]] == [("T1078.004", 2), ("T1110", 2)]
    assert layer["techniques"][0]["comment"] == "acme.app: A rule, Other"
    assert layer["gradient"]["maxValue"] == 2


def test_a_correlation_covers_the_datasets_of_its_rules(load: Load) -> None:
    base = HEAD + "name: base\ndetection: { s: { eventName: a }, condition: s }\n"
    many = """
title: Many
status: stable
tags: [attack.t1110]
correlation: { type: event_count, rules: base, group-by: who, timespan: 5m, condition: { gte: 3 } }
"""
    assert coverage(load(base, many)) == {"T1110": {"acme.app": ["Many"]}}


def test_what_is_covered_counts_only_where_its_logs_arrive() -> None:
    found = {"T1078": {"acme.app": ["A"], "acme.web": ["B"]}, "T1110": {"acme.web": ["B", "C"]}}
    flow = {
        "shop/prod": {"acme.app": Sent(5, 9), "acme.web": Sent(0, 3), "acme.dns": Sent(7, 0)},
        "lab/dev": {"acme.web": Sent(2, 0)},
    }
    rows = cells(found, flow)
    assert [(row.technique, row.dataset, row.project, row.state, row.events) for row in rows] == [
        ("T1078", "acme.app", "lab/dev", "never sent", 0),
        ("T1078", "acme.app", "shop/prod", "flowing", 5),
        ("T1078", "acme.web", "lab/dev", "flowing", 2),
        ("T1078", "acme.web", "shop/prod", "silent", 0),
        ("T1110", "acme.web", "lab/dev", "flowing", 2),
        ("T1110", "acme.web", "shop/prod", "silent", 0),
        ("", "acme.dns", "shop/prod", "not covered", 7),
    ]
    assert summary(rows) == {
        "lab/dev": {"flowing": 2, "silent": 0, "never sent": 0},
        "shop/prod": {"flowing": 1, "silent": 1, "never sent": 0},
    }
    assert as_json(rows)[-1]["technique"] is None


def test_the_layer_of_a_project_shows_what_is_blind() -> None:
    rows = cells({"T1078": {"acme.app": ["A"]}, "T1110": {"acme.web": ["B"]}}, {"shop/prod": {"acme.app": Sent(5, 9)}})
    layer = live_layer(rows, "shop")
    scores = {each["techniqueID"]: (each["score"], each["color"]) for each in layer["techniques"]}
    colours = [item["color"] for item in layer["legendItems"]]
    assert scores == {"T1078": (1, colours[0]), "T1110": (0, colours[2])}
    assert layer["name"] == "kinesiem shop"
