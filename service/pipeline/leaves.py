"""Decoding JSON events with types: one pass, and the parts that repeat stay the bytes they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import GenericAlias
from typing import Annotated, Any

import msgspec
import orjson

from service.pipeline.code import Code
from service.pipeline.shapes import write_branch

MOST_KEYS = 96
"""Keys of an event that are decoded with types at most: what the pipeline reads, and what events turned out to have besides."""
_DEPTH = 8
"""Levels below a key of the event; what is deeper is for the general form."""
_WHOLE = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_NULL = msgspec.Raw(b"null")


@dataclass(frozen=True, slots=True)
class Layout:
    """The keys of events that are decoded with types, in the order of their values."""

    keys: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    """Keys that repeat together."""
    raw: frozenset[str]
    """Keys whose values stay bytes."""

    @property
    def shaped(self) -> tuple[str, ...]:
        """Keys that do not repeat: their types make the shape."""
        repeating = {key for group in self.groups for key in group}
        return tuple(key for key in self.keys if key not in repeating)


def wider(layout: Layout, texts: list[str]) -> Layout | None:
    """The layout with the keys that it lacks of a tenth of these events or more; None where there are none, or too many."""
    more: Counter[str] = Counter()
    for text in texts:
        try:
            more.update(orjson.loads(text).keys())
        except (orjson.JSONDecodeError, AttributeError):
            continue
    keys = [key for key, events in more.items() if key not in layout.keys and events * 10 >= len(texts)]
    if not keys or len(layout.keys) + len(keys) > MOST_KEYS:
        return None
    return replace(layout, keys=(*layout.keys, *keys))


def _plain() -> Any:
    """JSON as the other forms would read it: whole numbers beyond ``long``, which they read otherwise, are refused.

    So are lists of lists: with them, a type of this depth would take msgspec seconds to build.
    """
    scalar: Any = str | bool | _WHOLE | float | None
    kind: Any = scalar
    below: Any = scalar
    for _ in range(_DEPTH):
        items = scalar | GenericAlias(dict, (str, below))
        kind, below = scalar | GenericAlias(dict, (str, kind)) | GenericAlias(list, (items,)), kind
    return kind


def decoder(layout: Layout) -> Callable[[str], msgspec.Struct]:
    """JSON text → a struct of the values of the layout's keys, None for what is not there, Raw for what stays bytes.

    Raises for anything else: text that is no object, a key that is not among them, too deep, numbers beyond ``long``.
    """
    plain = _plain()
    fields: list[Any] = [
        (f"k{n}", msgspec.Raw, _NULL) if key in layout.raw else (f"k{n}", plain, None) for n, key in enumerate(layout.keys)
    ]
    names = {f"k{n}": key for n, key in enumerate(layout.keys)}
    event = msgspec.defstruct("Event", fields, rename=names, forbid_unknown_fields=True, gc=False)
    return msgspec.json.Decoder(event).decode


def write_sorter(layout: Layout, branches: Sequence[tuple[str, ...]], clean: str) -> str:
    """Source of ``sort(events, groups, rest)``, as in service.pipeline.shapes, over ``decode`` and ``astuple``.

    ``branches`` are the objects below the keys that make the shape of which something is read. An item of a group is
    ``(i, text, values)``.
    """
    code = Code()
    local = {key: f"v{n}" for n, key in enumerate(layout.keys)}
    with code.block("def sort(events, groups, rest):"), code.block("for i, text in enumerate(events):"):
        with code.block(f"if not ({clean}):"):
            code.add("rest.append((i, text))", "continue")
        with code.block("try:"):
            code.add(f"({', '.join(local.values())},) = values = astuple(decode(text))")
        with code.block("except Exception:"):
            code.add("rest.append((i, text))", "continue")
        code.add(f"shape = [{', '.join(f'{local[key]}.__class__' for key in layout.shaped)}]")
        for path in branches:
            if len(path) == 1:
                write_branch(code, path, {path: local[path[0]]}, branches)
        code.add("key = tuple(shape)", "group = groups.get(key)")
        code.add("if group is None: group = groups[key] = []")
        code.add("group.append((i, text, values))")
    return code.text()
