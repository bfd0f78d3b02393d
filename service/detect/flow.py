"""Coverage in life: which techniques are looked for in what each project really sends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

from service.detect.coverage import Coverage

State = Literal["flowing", "silent", "never sent", "not covered"]
_MEANING: dict[State, str] = {
    "flowing": "rules look for it in a dataset that the project sends",
    "silent": "the project has sent the dataset before, and does not now",
    "never sent": "rules look for it in a dataset that the project does not send",
    "not covered": "the project sends the dataset, and no rule looks at it",
}
_COLOURS: dict[State, str] = {"flowing": "#41ab5d", "silent": "#fd8d3c", "never sent": "#d9d9d9", "not covered": "#fb6a4a"}
_BEST: dict[State, int] = {"flowing": 3, "silent": 2, "never sent": 1, "not covered": 0}


class Sent(NamedTuple):
    """Events of one dataset of one project."""

    recent: int
    """In the time that counts as now."""
    earlier: int
    """Before that, as far as was looked back."""


Flow = Mapping[str, Mapping[str, Sent]]
"""Project → dataset → what it sent."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One technique in one dataset of one project."""

    technique: str
    """Empty: no technique at all (``not covered``)."""
    dataset: str
    project: str
    state: State
    events: int
    rules: tuple[str, ...]


def cells(found: Coverage, flow: Flow) -> list[Cell]:
    """Every technique × dataset × project, by technique; then what is sent and not covered."""
    rows: list[Cell] = []
    for technique, datasets in found.items():
        for dataset, titles in datasets.items():
            for project in sorted(flow):
                sent = flow[project].get(dataset, Sent(0, 0))
                state: State = "flowing" if sent.recent else "silent" if sent.earlier else "never sent"
                rows.append(Cell(technique, dataset, project, state, sent.recent, tuple(titles)))
    covered = {dataset for datasets in found.values() for dataset in datasets}
    for project in sorted(flow):
        rows += [
            Cell("", dataset, project, "not covered", sent.recent, ())
            for dataset, sent in sorted(flow[project].items())
            if sent.recent and dataset not in covered
        ]
    return rows


def as_json(rows: Iterable[Cell]) -> list[dict[str, Any]]:
    """The rows for programs."""
    return [{**asdict(row), "technique": row.technique or None} for row in rows]


def summary(rows: Iterable[Cell]) -> dict[str, dict[str, int]]:
    """Project → techniques that it is covered for now, those for which everything is silent, those it sends nothing for."""
    best: dict[tuple[str, str], State] = {}
    for row in rows:
        key = (row.project, row.technique)
        if row.technique and _BEST[row.state] > _BEST.get(best.get(key, "not covered"), 0):
            best[key] = row.state
    told: dict[str, dict[str, int]] = {}
    for (project, _), state in sorted(best.items()):
        counts = told.setdefault(project, {"flowing": 0, "silent": 0, "never sent": 0})
        counts[state] += 1
    return told


def live_layer(rows: Iterable[Cell], project: str | None) -> dict[str, Any]:
    """A layer for the ATT&CK Navigator: colours say whether the logs flow, scores how many rules look at what flows."""
    by_technique: dict[str, list[Cell]] = {}
    for row in rows:
        if row.technique:
            by_technique.setdefault(row.technique, []).append(row)
    techniques = []
    for technique, its in by_technique.items():
        best = max((row.state for row in its), key=_BEST.__getitem__)
        flowing = {title for row in its if row.state == "flowing" for title in row.rules}
        techniques.append(
            {
                "techniqueID": technique,
                "score": len(flowing),
                "color": _COLOURS[best],
                "comment": "\n".join(f"{row.project} {row.dataset}: {row.state}: {', '.join(row.rules)}" for row in its),
                "enabled": True,
            }
        )
    return {
        "name": f"kinesiem {project}" if project else "kinesiem, all projects",
        "versions": {"attack": "17", "navigator": "5.1.0", "layer": "4.5"},
        "domain": "enterprise-attack",
        "description": "Techniques that rules look for, by whether the logs they need arrive.",
        "techniques": techniques,
        "legendItems": [
            {"label": f"{state}: {_MEANING[state]}", "color": _COLOURS[state]} for state in ("flowing", "silent", "never sent")
        ],
        "hideDisabled": False,
    }
