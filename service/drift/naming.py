"""Names and values of hostile events made fit to be counted, stored and shown: short, printable, without secrets, few."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any

import orjson

from service.drift.finding import What
from service.normalise.cast import dumps
from service.pipeline.flaw import Flaw, Strange
from service.pipeline.paths import EACH
from service.sink.secrets import masked
from service.telemetry.redaction import Redactor

MOST = 50
"""Findings of one event that are told apart."""
FEW = 8
"""The same, where there is no room for further ones anyway: a flood of made-up keys must not cost what it would like to."""
DEEPEST = 6
LONGEST_KEY = 64
LONGEST_EXAMPLE = 160
LONGEST_VALUE = 64
_LOOKED_AT = 4000
"""Characters of a value that are looked through for secrets."""
_ANY = "*"
"""Stands for a key that names a thing, not a property: a number, an id, a hash."""
_AN_ID = re.compile(r"[0-9]{1,40}|(?=[^0-9]*+[0-9])[0-9A-Fa-f][0-9A-Fa-f-]{7,63}")
_SURPLUS = re.compile(r"\[[0-9]++\]$")
_redactor = Redactor()
_Leaf = tuple[str, tuple[str, ...], object]
"""Path, the keys as they came, and the value."""


@lru_cache(maxsize=8192)
def segment(key: str) -> str:
    """A key as a segment of a path."""
    if _AN_ID.fullmatch(key):
        return _ANY
    if len(key) > LONGEST_KEY:
        key = key[:LONGEST_KEY] + "…"
    if not key.isprintable() or '"' in key or "\\" in key:
        key = "".join("?" if not each.isprintable() or each in '"\\' else each for each in key)
    return f'"{key}"' if not key or "." in key or "[" in key or "]" in key else key


def nameable(path: str) -> bool:
    """Whether a pipeline can name the raw field: nothing in its path was made up or cut."""
    return not any(mark in path for mark in (_ANY, "?", "…", '""')) and _SURPLUS.search(path) is None


def told(
    flaw: Flaw, leftovers: str | None, opened: AbstractSet[str] = frozenset(), most: int = MOST
) -> Iterator[tuple[What, object]]:
    """What an event has that is not known, each with its value; ``leftovers`` says what those are, None: no news.

    Neither is what the keys in ``opened`` hold. Of each kind no more than ``most``.
    """
    odd = {each.path for each in flaw.strange if each.path is not None}
    # Two tables may lack the same value.
    yield from {_strange(strange): strange.value for strange in flaw.strange[:most]}.items()
    if leftovers is None:
        return
    number = 0
    for path, keys, value in _leaves(flaw.left, "", (), 1, columns=leftovers == "column"):
        if keys in odd or keys[0] in opened:
            continue
        number += 1
        if number > most:
            return
        yield What("column" if leftovers == "column" and len(keys) == 1 else "key", path), value


def _strange(strange: Strange) -> What:
    if strange.path is None:
        return What("value", strange.field, example((strange.field,), strange.value, LONGEST_VALUE), strange.wanted)
    path = ".".join(EACH if key == EACH else segment(str(key)) for key in strange.path[:DEEPEST]).replace(f".{EACH}", EACH)
    return What("value", path, "", f"{strange.field}: {strange.wanted}")


def _leaves(value: Mapping[str, Any], prefix: str, keys: tuple[str, ...], depth: int, *, columns: bool) -> Iterator[_Leaf]:
    for key, item in value.items():
        key = str(key)
        path = f"{prefix}.{segment(key)}" if prefix else segment(key)
        here = (*keys, key)
        if item.__class__ is dict and item and depth < DEEPEST:
            yield from _leaves(item, path, here, depth + 1, columns=False)
        elif columns and key == "extra" and item.__class__ is list:
            for number, each in enumerate(item[:MOST], 1):
                yield f"extra[{number}]", here, each
        else:
            yield path, here, item


def example(path: tuple[str, ...], value: object, longest: int = LONGEST_EXAMPLE) -> str:
    """The value, shortened, with secrets hidden the way dead letters hide them."""
    try:
        text = value if isinstance(value, str) else dumps(value)
    except (TypeError, ValueError, RecursionError):
        text = str(type(value).__name__)
    name = path[-1].strip('"') if path else ""
    text = text[:_LOOKED_AT].encode("utf-8", "replace").decode()
    hidden = masked(orjson.dumps({name: text}))
    try:
        text = str(orjson.loads(hidden)[name])
    except (orjson.JSONDecodeError, KeyError):
        text = "[hidden]"
    text = str(_redactor(None, "", {".".join(path): text})[".".join(path)])
    text = "".join(each if each.isprintable() else "·" for each in text[: longest + 1])
    return text if len(text) <= longest else text[:longest] + "…"
