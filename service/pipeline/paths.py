"""Paths into raw events: ``a.b``, quoted keys ``annotations."a.b/c"``, and ``list[].key`` for every element."""

from __future__ import annotations

import re

_SEGMENT = re.compile(r'"([^"]{1,200})"(\[\])?(?:\.|$)|([^".\[\]]{1,200})(\[\])?(?:\.|$)')
EACH = "[]"
"""Segment that stands for every element of a list."""
_EMPTY: tuple[object, ...] = ("", "-", [], {}, None)
Taken = dict[str, "Taken | None"]
"""Keys (and ``[]``) of which something is taken → what of it; None: all of it."""


def split_path(path: str) -> tuple[str, ...]:
    """The keys of a raw path; raises ValueError when it is not one."""
    keys: list[str] = []
    at = 0
    while at < len(path):
        found = _SEGMENT.match(path, at)
        if found is None or found.end() == at:
            raise ValueError(f"not a path: {path!r}")
        quoted, each_quoted, plain, each_plain = found.groups()
        keys.append(quoted if quoted is not None else plain)
        if each_quoted or each_plain:
            keys.append(EACH)
        at = found.end()
        if at == len(path) and path.endswith("."):
            raise ValueError(f"not a path: {path!r}")
    if not keys:
        raise ValueError("an empty path")
    return tuple(keys)


def gather(value: object, keys: tuple[str, ...]) -> list[object] | None:
    """Every value below ``value`` at ``keys`` (which hold at least one ``[]``), flat, without nulls; None when none is there."""
    found = [value]
    for key in keys:
        if key == EACH:
            found = [item for each in found if isinstance(each, list) for item in each]
        else:
            found = [each[key] for each in found if isinstance(each, dict) and key in each]
    flat = [item for each in found for item in (each if isinstance(each, list) else [each]) if item is not None]
    return flat or None


def take(taken: Taken, path: tuple[str, ...]) -> None:
    """Note that what is at a path is taken."""
    for key in path[:-1]:
        below = taken.setdefault(key, {})
        if below is None:
            return  # with all that is around it
        taken = below
    taken[path[-1]] = None


def taken_of(always: tuple[tuple[str, ...], ...], *perhaps: tuple[bool, tuple[str, ...]]) -> Taken:
    """What was taken out of a list: at the paths that are always read, and at those whose step was carried out."""
    taken: Taken = {}
    for path in (*always, *(path for used, path in perhaps if used)):
        take(taken, path)
    return taken


def remainder(value: object, taken: Taken | None) -> object:
    """What is left of a value when that was taken out of it; None when nothing is. Goes no deeper than what was taken."""
    if taken is None or value in _EMPTY:
        return None
    if not taken:
        return value
    if isinstance(value, list) and EACH in taken:
        items = [left for item in value if (left := remainder(item, taken[EACH])) is not None]
        return items or None
    if isinstance(value, dict):
        rest = {key: left for key, item in value.items() if (left := remainder(item, taken.get(key, {}))) is not None}
        return rest or None
    return value
