"""Raw objects into open fields: the mapping looks at a few declared leaves, and those are made safe for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from service.normalise.fitting import Shape
from service.normalise.time import Times, epoch_auto

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9_]+")
_KEYS_KEPT = 8192
_HOLDERS = (dict, list)
_SCALARS = (str, int, float)
_NUMBERS = (int, float, bool)
_MOMENTS = Times(epoch_auto, lambda _when: "")
MOST_ITEMS = 1000
"""Objects of a list that are kept; the event has the others."""


@lru_cache(maxsize=_KEYS_KEPT)
def snake(key: str) -> str:
    """``ruleGroupId`` → ``rule_group_id``, ``IpV4Addresses`` → ``ip_v4_addresses``, ``aws/name`` → ``aws_name``."""
    return _WORDS.sub("_", key).lower() if len(key) <= 256 else key


class Renaming:
    """How the keys of an open object are written: in snake case, but for those that have a name of their own."""

    def __init__(self, names: Mapping[str, str], verbatim: Iterable[str] = (), moments: Iterable[str] = ()) -> None:
        """``names``: key in the source → name here, a dotted one nests.

        ``verbatim``: keys whose values stay as they are. ``moments``: keys whose values are times.
        """
        self._named = {key: tuple(name.split(".")) for key, name in names.items()}
        self._ways: dict[str, Callable[[Any, int], Any]] = dict.fromkeys(verbatim, _as_it_is)
        self._ways |= dict.fromkeys(moments, _moment)
        self._known: dict[str, tuple[tuple[str, ...], Callable[[Any, int], Any]]] = {}

    def of(self, value: Any, depth: int = 32) -> Any:
        """The value with its keys renamed at every depth, without nulls and empties.

        Of two keys that become one the first stays; objects are merged.
        """
        if value.__class__ is list and depth:
            items = [self.of(item, depth - 1) if item.__class__ in _HOLDERS else item for item in value]
            return [item for item in items if item or item.__class__ in _NUMBERS]
        if value.__class__ is not dict or not depth:
            return value
        renamed: dict[str, Any] = {}
        for key, item in value.items():
            path, way = self._known.get(key) or self._learn(key)
            if item.__class__ in _HOLDERS or way is _moment:
                item = way(item, depth - 1)
            if not item and item.__class__ not in _NUMBERS:
                continue
            if len(path) == 1 and path[0] not in renamed:
                renamed[path[0]] = item
            else:
                _put(renamed, path, item)
        return renamed

    def _learn(self, key: str) -> tuple[tuple[str, ...], Callable[[Any, int], Any]]:
        if len(self._known) >= _KEYS_KEPT:
            self._known.clear()
        self._known[key] = known = self._named.get(key) or (snake(key),), self._ways.get(key, self.of)
        return known


def _as_it_is(value: Any, _depth: int) -> Any:
    return value


def _moment(value: Any, _depth: int) -> Any:
    """The time as ECS writes it, however the source does; anything else stays."""
    if value.__class__ not in _SCALARS:
        return value
    found = _MOMENTS[value]
    return value if found is None else found.text


def _put(into: dict[str, Any], path: tuple[str, ...], item: Any) -> None:
    for name in path[:-1]:
        inner = into.setdefault(name, {})
        if inner.__class__ is not dict:
            return
        into = inner
    there = into.setdefault(path[-1], item)
    if there is not item and there.__class__ is dict and item.__class__ is dict:
        into[path[-1]] = {**item, **there}


@lru_cache(maxsize=512)
def open_object(
    leaves: tuple[str, ...],
    *,
    snake_case: bool = False,
    names: tuple[tuple[str, str], ...] = (),
    verbatim: tuple[str, ...] = (),
    moments: tuple[str, ...] = (),
) -> Callable[[object], str | None]:
    """A cast for an open field of which ``leaves`` are mapped: JSON text of an object, or of a list of objects.

    With ``snake_case`` its keys are renamed, see ``Renaming``.

    None for anything else (a lone scalar, a list that holds one), which the mapping would refuse.
    """
    shape = Shape(leaves)
    renaming = Renaming(dict(names), verbatim, moments) if snake_case else None

    def cast(value: object) -> str | None:
        if not value or value.__class__ not in (dict, list):
            return None
        if renaming is not None:
            value = renaming.of(value)
        if isinstance(value, list):
            if not all(item.__class__ is dict for item in value):
                return None
            texts = [text for item in value[:MOST_ITEMS] if (text := shape.fit(item)) is not None]
            return f"[{','.join(texts)}]" if texts else None
        return shape.fit(value)

    return cast
