"""The keys of open objects in other words: snake case, and names of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from service.normalise.time import Times, epoch_auto

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9_]+")
_KEYS_KEPT = 8192
HOLDERS = frozenset({dict, list})
_SCALARS = (str, int, float)
NUMBERS = frozenset({int, float, bool})
_MOMENTS = Times(epoch_auto, lambda _when: "")


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
            items = [self.of(item, depth - 1) if item.__class__ in HOLDERS else item for item in value]
            return [item for item in items if item or item.__class__ in NUMBERS]
        if value.__class__ is not dict or not depth:
            return value
        renamed: dict[str, Any] = {}
        for key, item in value.items():
            path, way = self._known.get(key) or self._learn(key)
            if item.__class__ in HOLDERS or way is _moment:
                item = way(item, depth - 1)
            if not item and item.__class__ not in NUMBERS:
                continue
            if len(path) == 1 and path[0] not in renamed:
                renamed[path[0]] = item
            else:
                _put(renamed, path, item)
        return renamed

    def simple(self, keys: tuple[str, ...]) -> tuple[str, ...] | None:
        """What the keys are called, if each gets one name, no two the same one, and all values are only renamed below."""
        known = [self._known.get(key) or self._learn(key) for key in keys]
        names = tuple(path[0] for path, way in known if len(path) == 1 and way == self.of)
        return names if len({*names}) == len(keys) else None

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
