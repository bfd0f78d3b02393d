"""Which techniques of ATT&CK the rules look for, and in which datasets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from service.detect.rule import About
from service.detect.ruleset import RuleSet

_TECHNIQUE = re.compile(r"attack\.(t\d{4}(?:\.\d{3})?)")
Coverage = Mapping[str, Mapping[str, list[str]]]
"""Technique → dataset → titles of rules."""


def coverage(rules: RuleSet, *, counted: bool = False) -> Coverage:
    """The techniques that rules and correlations name; without those that are ``counted`` only, unless asked for."""
    datasets: dict[str, set[str]] = {}
    for dataset, resolved in rules.resolved.items():
        for each in resolved:
            datasets.setdefault(each.rule.id, set()).add(dataset)
    found: dict[str, dict[str, list[str]]] = {}
    for about, its in _named(rules, datasets):
        if about.counted_only and not counted:
            continue
        for technique in techniques(about):
            for dataset in sorted(its):
                found.setdefault(technique, {}).setdefault(dataset, []).append(about.title)
    return {technique: dict(sorted(found[technique].items())) for technique in sorted(found)}


def techniques(about: About) -> list[str]:
    """Numbers of the techniques that a rule names: ``T1078.004``."""
    return sorted({match[1].upper() for tag in about.tags if (match := _TECHNIQUE.fullmatch(tag))})


def _named(rules: RuleSet, datasets: Mapping[str, set[str]]) -> Iterator[tuple[About, set[str]]]:
    for rule in rules.rules:
        yield rule.about, datasets.get(rule.id, set())
    for correlation in rules.joins.correlations.values():
        yield correlation.about, set().union(*(datasets.get(rule, set()) for rule in correlation.rules))


def navigator_layer(found: Coverage) -> dict[str, Any]:
    """A layer for the ATT&CK Navigator: a technique's score is the number of its rules."""
    most = max((_rules(its) for its in found.values()), default=1)
    return {
        "name": "kinesiem",
        "versions": {"attack": "17", "navigator": "5.1.0", "layer": "4.5"},
        "domain": "enterprise-attack",
        "description": "Techniques that the detections look for; the score is the number of rules.",
        "techniques": [
            {
                "techniqueID": technique,
                "score": _rules(its),
                "comment": "\n".join(f"{dataset}: {', '.join(titles)}" for dataset, titles in its.items()),
                "enabled": True,
            }
            for technique, its in found.items()
        ],
        "gradient": {"colors": ["#dcefff", "#08519c"], "minValue": 0, "maxValue": most},
        "legendItems": [],
        "hideDisabled": False,
    }


def _rules(its: Mapping[str, list[str]]) -> int:
    return len({title for titles in its.values() for title in titles})
