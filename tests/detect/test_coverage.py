"""Techniques × datasets, and the Navigator's layer of them."""

from __future__ import annotations

from service.detect.coverage import coverage, navigator_layer
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
