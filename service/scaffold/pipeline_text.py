"""``pipeline.yml`` as text, from what was understood of the lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from service.fields import Catalogue
from service.scaffold.guess import Guess
from service.scaffold.kinds import class_lines, enrichers
from service.scaffold.shape import Shape
from service.scaffold.steps import is_request, step_lines
from service.scaffold.times import When
from service.scaffold.values import word_set

_AMBIGUOUS = word_set("null true false yes no on off y n")


@dataclass(frozen=True, slots=True)
class Understood:
    """What the lines are, field by field."""

    dataset: str
    shape: Shape
    found: list[Guess]
    when: When | None
    identity: str | None
    """Raw path whose value is another one in every event."""
    routes: list[str]
    """Alternatives below ``route``."""
    lines: int
    """Events of the input."""

    def summary(self) -> str:
        """One line for people."""
        time = f"time {' + '.join(self.when.paths)} ({self.when.form})" if self.when else "time not found"
        return f"{len(self.shape.events)} events, {self.shape.what}: {len(self.found)} fields, {time}"


def pipeline_text(understood: Understood, catalogue: Catalogue) -> str:
    """The whole file."""
    dataset, shape = understood.dataset, understood.shape
    by_content = len(understood.routes) > 1
    target = next((guess.target for guess in understood.found if guess.path == understood.identity), None)
    added = enrichers(understood.found)
    lines = [
        "# yaml-language-server: $schema=../schema.json",
        f"dataset: {dataset}",
        f"title: {dataset}",
        f"summary: Events of {dataset}; say here what they are and why they matter.",
        "status: experimental",
        f"delivery: [cloudwatch_logs{', application' if by_content else ''}]",
        *_setup(dataset, by_content=by_content),
        "",
        f"decode: [{shape.decode}]",
        "route:",
        *(f"  - {route.replace(chr(10), chr(10) + '    ')}" for route in understood.routes),
        "",
        "parse:",
        *(f"  {line}" for line in shape.parse),
        "",
        "normalise:",
        *_blocks(understood, catalogue),
        "",
        *([f"enrich: [{', '.join(added)}]"] if added else []),
        f"sink: {{ id: {target or 'position'}, period: month }}",
    ]
    return "\n".join(lines) + "\n"


def declaration(guess: Guess) -> str:
    """The line of fields.yml for a field that ECS does not have."""
    array = ", array: true" if guess.array else ""
    meaning = json.dumps(f"{guess.path} of the raw event.", ensure_ascii=False)
    return f"{guess.target}: {{ type: {guess.type}{array}, meaning: {meaning} }}"


def yaml_key(path: str) -> str:
    """A raw path as a YAML key."""
    plain = path.replace("_", "a").replace(".", "a").replace("-", "a").isalnum() and path[0].isalpha()
    return path if plain and path.lower() not in _AMBIGUOUS else json.dumps(path, ensure_ascii=False)


def _setup(dataset: str, *, by_content: bool) -> list[str]:
    module, _, name = dataset.partition(".")
    lines = [
        "setup: |",
        "  1. Let the CloudWatch agent, or whatever runs the program, write the log to a log group whose name",
        f"     holds `{module}` and `{name}`, such as `/{module}/{name}`.",
        "  2. Subscribe the log group to the project's stream with an empty filter pattern.",
    ]
    if by_content:
        lines += [
            "  3. Or let a program put it on the stream itself (`PutRecords`), one event or many lines to a record:",
            "     what the events say is enough to know them.",
        ]
    return lines


def _blocks(understood: Understood, catalogue: Catalogue) -> list[str]:
    when, leftover = understood.when, understood.shape.leftover
    main = _main(understood, catalogue)
    before: list[list[str]] = []
    after: list[list[str]] = []
    if when is not None and len(when.paths) > 1:
        day, clock = map(yaml_key, when.paths)
        to = '{ text: "@timestamp" }'
        before.append([f"step: {{ name: join, from: {{ a: {day}, b: {clock} }}, to: {to}, options: {{ separator: T }} }}"])
    targets = {guess.target for guess in understood.found}
    if "http.response.status_code" in targets and not any("event.outcome" in line for line in main):
        after.append(["when: { http.response.status_code|lt: 400 }", "set: { event.outcome: success }"])
        after.append(["when: { http.response.status_code|gte: 400 }", "set: { event.outcome: failure }"])
    if leftover == "_text":
        after.append(["when: { _pattern|exists: false }", "first: { message: [_text] }"])
    if not before and not after:
        return [f"  {line}" for line in main]
    return [line for block in (*before, main, *after) for line in _item(block)]


def _item(block: Sequence[str]) -> list[str]:
    return [f"  - {block[0]}", *(f"    {line}" for line in block[1:])]


def _main(understood: Understood, catalogue: Catalogue) -> list[str]:
    shape, when = understood.shape, understood.when
    moved = [guess for guess in understood.found if not is_request(guess)]
    width = max((len(yaml_key(guess.path)) for guess in moved), default=0) + 1
    lines = []
    if when is not None and len(when.paths) == 1:
        lines.append(f"time: {{ field: {yaml_key(when.paths[0])}, format: {when.form} }}")
    if moved:
        lines.append("move:")
        lines += [f"  {yaml_key(guess.path) + ':':<{width}} {guess.target}" for guess in moved]
    lines += class_lines(understood.found, catalogue)
    if steps := step_lines(understood.found):
        lines += ["step:", *(f"  - {line}" for line in steps)]
    dropped = shape.table.dropped() if shape.table is not None else None
    if dropped is not None:
        lines.append(f"drop: {{ header: {{ {yaml_key(dropped[0])}: {json.dumps(dropped[1])} }} }}")
    return lines
