"""The files of a new source folder, from real lines of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from service.decode import Limits, split
from service.errors import ContentError, ContentErrors, Place
from service.fields import Catalogue
from service.scaffold.guess import Guess, guesses, time_of, unique_id
from service.scaffold.shape import Shape, shape_of

SHOWN = 6
"""Fields whose most frequent values the first dashboard shows."""
MOST = 200
"""Lines of the input that become the first sample."""


@dataclass(frozen=True, slots=True)
class Scaffold:
    """Relative path → text of every file, and what was understood of the lines."""

    files: dict[str, str]
    understood: str


def scaffold(dataset: str, data: bytes, catalogue: Catalogue) -> Scaffold:
    """Files for ``pipelines/<dataset>``; raises ContentErrors when there is no event in ``data``."""
    units = split(data, Limits())
    events = [event for run in units.runs for event in run.events][:MOST]
    if not events:
        fault = ContentError(Place("-"), "no_events", "there is no event in it", "give a file of real lines")
        raise ContentErrors("nothing to scaffold from", [fault])
    columns = next((run.columns for run in units.runs if run.columns), None)
    shape = shape_of(events, columns)
    found = list(guesses(dataset, shape.events, catalogue))
    when = time_of(shape.events)
    identity = unique_id(shape.events)
    kept = [guess for guess in found if when is None or guess.path != when[0]]
    suffix = "json" if shape.parse == ["json: {}"] else "log"
    sample = [columns, *events] if columns else events
    return Scaffold(
        {
            "pipeline.yml": _pipeline(dataset, shape, kept, when, identity),
            "fields.yml": _fields(dataset, kept, catalogue),
            "dashboard.yml": _dashboard(dataset, kept, catalogue),
            f"samples/first.{suffix}": "\n".join(sample) + "\n",
            "samples/first.facts.yml": _facts(dataset),
        },
        f"{len(events)} events, {shape.parse[0].split(':')[0]}: {len(kept)} fields, time "
        + (f"{when[0]} ({when[1]})" if when else "not found"),
    )


def write(folder: Path, made: Scaffold) -> None:
    """Write the files; raises ContentErrors when the folder is there already."""
    if folder.exists():
        raise ContentErrors("in the way", [ContentError(Place(str(folder)), "exists", "is there already")])
    for name, text in made.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _pipeline(dataset: str, shape: Shape, kept: list[Guess], when: tuple[str, str] | None, identity: str | None) -> str:
    product = dataset.partition(".")[2] or dataset
    id_target = next((guess.target for guess in kept if guess.path == identity), None)
    width = max((len(yaml_key(guess.path)) for guess in kept), default=0) + 1
    lines = [
        "# yaml-language-server: $schema=../schema.json",
        f"dataset: {dataset}",
        f"title: {dataset}",
        f"summary: Events of {dataset}; say here what they are and why they matter.",
        "status: experimental",
        "delivery: [application]",
        "",
        f"decode: [{shape.decode}]",
        f"route: {{ log_group|contains: {yaml_key(product)} }}",
        "",
        "parse:",
        *(f"  {line}" for line in shape.parse),
        "",
        "normalise:",
    ]
    if when is not None:
        lines.append(f"  time: {{ field: {yaml_key(when[0])}, format: {when[1]} }}")
    lines.append("  move:")
    lines.extend(f"    {yaml_key(guess.path) + ':':<{width}} {guess.target}" for guess in kept)
    lines.append("  set: { event.kind: event }")
    if shape.header is not None:
        lines.append(f"  drop: {{ header: {{ {yaml_key(shape.header[0])}: {json.dumps(shape.header[1])} }} }}")
    lines += ["", f"sink: {{ id: {id_target or 'position'}, period: month }}"]
    return "\n".join(lines) + "\n"


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


def declaration(guess: Guess) -> str:
    """The line of fields.yml for a field that ECS does not have."""
    array = ", array: true" if guess.array else ""
    meaning = json.dumps(f"{guess.path} of the raw event.", ensure_ascii=False)
    return f"{guess.target}: {{ type: {guess.type}{array}, meaning: {meaning} }}"


def yaml_key(path: str) -> str:
    """A raw path as a YAML key."""
    plain = path.replace("_", "a").replace(".", "a").replace("-", "a").isalnum() and path[0].isalpha()
    words = path.lower() not in ("null", "true", "false", "yes", "no", "on", "off", "y", "n")
    return path if plain and words else json.dumps(path, ensure_ascii=False)
