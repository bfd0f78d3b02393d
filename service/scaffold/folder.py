"""The files of a new source folder, from real lines of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from service.decode import Limits, split
from service.errors import ContentError, ContentErrors, Place
from service.fields import Catalogue
from service.scaffold.guess import Guess, guesses, unique_id
from service.scaffold.pipeline_text import Understood, declaration, pipeline_text
from service.scaffold.routes import Elsewhere, route_lines
from service.scaffold.shape import shape_of
from service.scaffold.steps import is_request
from service.scaffold.times import time_of

SHOWN = 6
"""Fields whose most frequent values the first dashboard shows."""
MOST = 200
"""Lines of the input that become the first sample."""


@dataclass(frozen=True, slots=True)
class Scaffold:
    """Relative path → text of every file, and what was understood of the lines."""

    files: dict[str, str]
    understood: Understood
    advice: list[str] = field(default_factory=list)
    """What a person should look at, a sentence each."""


def scaffold(dataset: str, data: bytes, catalogue: Catalogue, elsewhere: Elsewhere) -> Scaffold:
    """Files for ``pipelines/<dataset>``; raises ContentErrors when there is no event in ``data``."""
    units = split(data, Limits())
    texts = [event for run in units.runs for event in run.events][:MOST]
    if not texts:
        fault = ContentError(Place("-"), "no_events", "there is no event in it", "give a file of real lines")
        raise ContentErrors("nothing to scaffold from", [fault])
    columns = next((run.columns for run in units.runs if run.columns), None)
    shape = shape_of(texts, columns)
    when = time_of(shape.events)
    found = [
        guess for guess in guesses(dataset, shape.events, catalogue, shape.step) if when is None or guess.path not in when.paths
    ]
    understood = Understood(
        dataset, shape, found, when, unique_id(shape.events), route_lines(dataset, shape, texts, elsewhere), len(texts)
    )
    suffix = "json" if shape.what == "JSON" else "log"
    sample = [columns, *texts] if columns else texts
    kept = [guess for guess in found if not is_request(guess)]
    files = {
        "pipeline.yml": pipeline_text(understood, catalogue),
        "fields.yml": _fields(dataset, kept, catalogue),
        "dashboard.yml": _dashboard(dataset, kept, catalogue),
        f"samples/first.{suffix}": "\n".join(sample) + "\n",
        "samples/first.facts.yml": _facts(dataset),
    }
    return Scaffold(files, understood, list(_advice(understood)))


def write(folder: Path, made: Scaffold) -> None:
    """Write the files; raises ContentErrors when the folder is there already."""
    if folder.exists():
        raise ContentErrors("in the way", [ContentError(Place(str(folder)), "exists", "is there already")])
    for name, text in made.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _advice(understood: Understood) -> list[str]:
    shape, when = understood.shape, understood.when
    told = []
    if when is None:
        told.append("no time found: events get the time of their arrival; name the field in `time` if there is one")
    elif when.doubt:
        told.append(f"time {' + '.join(when.paths)}: {when.doubt}")
    if (
        lost := understood.lines - len(shape.events) - (shape.table is not None and shape.table.header is not None)
    ) > 0 and "multiline" not in shape.decode:
        told.append(f"{lost} lines are not like the others: see the dead letters and `message`")
    nameless = [
        guess.path for guess in understood.found if guess.path.rstrip("_0123456789") in ("word", "number", "text", "extra")
    ]
    if nameless:
        where = "parse.columns.default" if shape.table is not None else "parse.pattern"
        told.append(f"no name for {', '.join(nameless)}: give them one in `{where}`, `move` and fields.yml")
    if len(understood.routes) == 1:
        told.append("nothing in the events tells whose they are: only the log group's name does (`route`)")
    return told


def _dashboard(dataset: str, kept: list[Guess], catalogue: Catalogue) -> str:
    """How many over time, and the most frequent values of what has values to count."""
    types = {guess.target: guess.type or catalogue.fields[guess.target].type for guess in kept}
    counted = [name for name, kind in types.items() if kind in ("keyword", "ip", "boolean")][:SHOWN]
    lines = [
        "# yaml-language-server: $schema=../../dashboards/schema.json",
        f"title: {dataset}",
        f"description: How much {dataset} says, and about whom.",
        "",
        "panels:",
        "  - { title: Events, kind: metric }",
        '  - { title: Events over time, kind: area, by: ["@timestamp"] }',
        *(f"  - {{ title: {json.dumps(f'Top {name}')}, kind: table, by: [{name}] }}" for name in counted),
    ]
    return "\n".join(lines) + "\n"


def _facts(dataset: str) -> str:
    return f"# What the transport knows about the sample.\nlog_group: /{dataset.replace('.', '/')}\nlog_stream: first\n"


def _fields(dataset: str, kept: list[Guess], catalogue: Catalogue) -> str:
    lines = [f"# What ECS has no field for in {dataset}.", ""]
    declared = {guess.target: declaration(guess) for guess in kept if guess.type is not None}
    leftover = f"{dataset.partition('.')[0]}.unmapped"
    if catalogue.get(leftover) is None:
        declared[leftover] = (
            f'{leftover}: {{ type: flat_object, meaning: "Raw fields no step moved, and values that could not be cast." }}'
        )
    return "\n".join([*lines, *(declared[name] for name in sorted(declared))]) + "\n"
