"""By what a new source is known: its log group, and what its events say that no other source's samples do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from service.samples import samples_of
from service.scaffold.shape import Shape

_ENOUGH = 2
"""Marks that together tell an event."""
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)*")
_SPECIAL = frozenset("*?\\")
"""What a selection takes for a wildcard."""


class Elsewhere:
    """What other sources send, as far as their samples show it."""

    def __init__(self, pipelines: Path, dataset: str) -> None:
        folders = [path.parent for path in sorted(pipelines.glob("*/pipeline.yml")) if path.parent.name != dataset]
        self._samples = [sample.path.read_bytes() for folder in folders for sample in samples_of(folder)]

    def has(self, *marks: str) -> bool:
        """Whether one sample holds all of these."""
        wanted = [mark.encode() for mark in marks]
        return any(all(mark in sample for mark in wanted) for sample in self._samples)

    def rare(self, marks: Iterable[str]) -> list[str]:
        """The longest marks: two that nobody else has, else four that nobody has together; [] when there are none."""
        given = sorted(dict.fromkeys(marks), key=len, reverse=True)
        own = [mark for mark in given if not self.has(mark)]
        if own:
            return list(dict.fromkeys([*own, *given]))[:_ENOUGH]
        several = given[: 2 * _ENOUGH]
        return several if len(several) > _ENOUGH and not self.has(*several) else []


def route_lines(dataset: str, shape: Shape, texts: Sequence[str], elsewhere: Elsewhere) -> list[str]:
    """Alternatives below ``route``: the log group, and the content where that says enough."""
    words = ", ".join(dict.fromkeys(dataset.split(".")))
    found = [f"log_group|contains|all: [{words}]"]
    if (content := _content(shape, texts, elsewhere)) is not None:
        found.append(content)
    return found


def _content(shape: Shape, texts: Sequence[str], elsewhere: Elsewhere) -> str | None:
    if shape.what == "JSON":
        always = [path for path in _always(shape) if _PLAIN.fullmatch(path)]
        keys = {f'"{path.rpartition(".")[2]}"': path for path in always}
        found = elsewhere.rare(keys)
        return "\n".join(f"{keys[key]}|exists: true" for key in found) or None
    if shape.table is not None:
        known = shape.table.header is not None and shape.table.dropped() is None
        return _all("columns|contains", elsewhere.rare(_header_names(shape))) if known else None
    return _all("_text|cased|contains", elsewhere.rare(_in_all(_marks(shape), texts)))


def _marks(shape: Shape) -> list[str]:
    """What the text of an event of this shape says of its source, likeliest first."""
    if shape.step in ("cef", "leef"):
        first = shape.events[0]
        version = first["format"].partition(".")[0]
        return (
            [f"{shape.step.upper()}:{first['format']}|{first.get('vendor', '')}|{first.get('product', '')}|"] if version else []
        )
    if shape.step == "xml":
        return [
            f"<{shape.events[0]['_element']}",
            *(f"{name}=" for name in _always(shape)),
            *(f"<{name}>" for name in _always(shape)),
        ]
    if shape.step == "json_tail":
        return [f'"{path.rpartition(".")[2]}"' for path in _always(shape)]
    if shape.step == "key_value":
        return [f"{path}=" for path in _always(shape)]
    if shape.step == "syslog":
        programs = {str(event.get("program")) for event in shape.events}
        return [f" {name}{end}" for name in programs for end in ("[", ":", " ")] if len(programs) == 1 else []
    return []


def _header_names(shape: Shape) -> list[str]:
    header = shape.table.header if shape.table is not None else None
    names = header.split(shape.table.separator) if header is not None and shape.table is not None else []
    return [name.strip().strip('"') for name in names]


def _always(shape: Shape) -> list[str]:
    """Raw paths that all events have."""
    from service.scaffold.guess import values_by_path

    return [path for path, values in values_by_path(shape.events).items() if len(values) == len(shape.events)]


def _in_all(marks: Iterable[str], texts: Sequence[str]) -> list[str]:
    return [mark for mark in marks if not _SPECIAL & set(mark) and all(mark in text for text in texts)]


def _all(field: str, marks: Sequence[str]) -> str | None:
    if not marks:
        return None
    if len(marks) == 1:
        return f"{field}: {json.dumps(marks[0], ensure_ascii=False)}"
    return f"{field}|all: [{', '.join(json.dumps(mark, ensure_ascii=False) for mark in marks)}]"
