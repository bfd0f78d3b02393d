"""Which entries of a group of steps write which field."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from service.offline.raw_event import find
from service.pipeline.schema import Block, Translate
from service.yaml_file import Key

Writer = tuple[tuple[Key, ...], str, str]
"""Keys below the group, target field, what to call the entry."""

_CLASSES = ("event.kind", "event.category", "event.type", "event.outcome")


def writers(block: Block, group: str, raw: dict[str, Any]) -> Iterator[Writer]:
    """The entries of one group (``move``, ``set`` …); of a ``move`` only those whose raw field the event has."""
    found = _GROUPS.get(group)
    if found is not None:
        yield from found(block, raw)


def _time(block: Block, _raw: dict[str, Any]) -> Iterator[Writer]:
    for keys, time in _each(block.time):
        names = time.field if isinstance(time.field, str) else " or ".join(time.field)
        yield keys, time.to, f"time {names}"


def _move(block: Block, raw: dict[str, Any]) -> Iterator[Writer]:
    for path, target in (block.move or {}).items():
        if find(raw, path) is not None:
            for name in target if isinstance(target, list) else [target]:
                yield (path,), name.removesuffix("?"), f"move {path}"


def _set(block: Block, _raw: dict[str, Any]) -> Iterator[Writer]:
    for name in block.set or {}:
        yield (name,), name.removesuffix("?"), "set"


def _first(block: Block, _raw: dict[str, Any]) -> Iterator[Writer]:
    for name, candidates in (block.first or {}).items():
        yield (name,), name.removesuffix("?"), f"first of {', '.join(candidates)}"


def _translate(block: Block, _raw: dict[str, Any]) -> Iterator[Writer]:
    for name, table in (block.translate or {}).items():
        source = table.source if isinstance(table, Translate) else table.get("from")
        yield (name,), name.removesuffix("?"), f"translate {source or name}"


def _classify(block: Block, _raw: dict[str, Any]) -> Iterator[Writer]:
    for name, classes in (block.classify or {}).items():
        for target in _CLASSES:
            yield (name,), target, f"classify {name} ({len(classes)} values)"


def _step(block: Block, _raw: dict[str, Any]) -> Iterator[Writer]:
    for keys, step in _each(block.step):
        for targets in step.to.values():
            for name in targets if isinstance(targets, list) else [targets]:
                yield keys, name.removesuffix("?"), f"step {step.name}"


def _each(steps: Any) -> Iterator[tuple[tuple[Key, ...], Any]]:
    if isinstance(steps, list):
        for number, step in enumerate(steps):
            yield (number,), step
    elif steps is not None:
        yield (), steps


_GROUPS: dict[str, Callable[[Block, dict[str, Any]], Iterator[Writer]]] = {
    "time": _time,
    "move": _move,
    "set": _set,
    "first": _first,
    "translate": _translate,
    "classify": _classify,
    "step": _step,
}


def keys_of(keys: tuple[Key, ...]) -> str:
    """Keys as a person writes them: ``normalise[2].move``."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text
