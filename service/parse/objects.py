"""Values by the names of their columns: JSON objects that hold what lines hold elsewhere, and columns that belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson

from service.enrich.fragments import dump
from service.normalise.renaming import snake
from service.parse.columns import folded
from service.parse.json_event import read_json

SPELLINGS = 4096
"""Spellings of names that are remembered; those beyond them are looked at each time."""
LONGEST_KEPT = 512
"""Characters of a group's text up to which it is remembered."""

Member = tuple[int, str]
"""Number of a group's column, and the name of a value in the group; "" is the group as a whole."""
Groups = Mapping[str, Sequence[str]]
"""Raw field → beginnings of the names of columns that are together in it."""


def member_of(name: str, group: str, beginnings: Sequence[str]) -> str | None:
    """What a column is called in its group: the rest of its name in snake case; "" the group itself, None: not in it."""
    if name == group:
        return ""
    for beginning in beginnings:
        if name.startswith(beginning):
            return snake(name if beginning.endswith(":") else name[len(beginning) :]).strip("_") or None
    return None


class Places(dict[str, "int | Member | None"]):
    """Name of a value, however it is spelt → its column, its place in a group, or None for what is neither."""

    def __init__(self, layout: Sequence[str], groups: Groups) -> None:
        """``layout`` ends with the groups, of those that are asked for."""
        self._columns = {folded(name): at for at, name in enumerate(layout) if name not in groups}
        self.groups = [(layout.index(name), name, tuple(groups[name])) for name in groups if name in layout]
        self.width = len(layout)

    def __missing__(self, name: str) -> int | Member | None:
        """Look at a spelling that was not met before."""
        found: int | Member | None = self._columns.get(folded(name))
        for at, group, beginnings in self.groups:
            if found is None and (member := member_of(name, group, beginnings)) is not None:
                found = (at, member)
        if len(self) < SPELLINGS:
            self[name] = found
        return found


def row_of_object(text: str, places: Places, absent: str) -> tuple[list[Any], dict[str, Any]]:
    """Values of a JSON object by column, and its members that are none; a group's value is a dict, or None.

    Raises EventError as ``read_json`` does.
    """
    members, _ = read_json(text)
    return _row(members, places, absent, plain=False)


def plain_row(text: str, places: Places, absent: str) -> tuple[list[Any], dict[str, Any]]:
    """The same for text without a backslash, fast. Raises ValueError for what ``row_of_object`` has to look at."""
    members = orjson.loads(text)
    if members.__class__ is not dict:
        raise ValueError(text)
    return _row(members, places, absent, plain=True)


def _row(members: dict[str, Any], places: Places, absent: str, *, plain: bool) -> tuple[list[Any], dict[str, Any]]:
    row: list[Any] = [absent] * places.width
    for number, _, _ in places.groups:
        row[number] = None
    left: dict[str, Any] = {}
    for name, value in members.items():
        if value is None:
            continue
        at = places[name]
        if isinstance(at, tuple):
            _gather(row, at, value)
        elif at is None or row[at] is not absent:
            left[name] = value
        elif value.__class__ is str:
            row[at] = value or absent
        elif plain and value.__class__ in (dict, list):
            raise ValueError(name)
        else:
            row[at] = dump(value)
    return row, left


def _gather(row: list[Any], member: Member, value: object) -> None:
    at, name = member
    group = row[at]
    if group is None:
        group = row[at] = {}
    if name:
        group.setdefault(name, value)
        return
    for key, item in whole_group(value).items():
        group.setdefault(key, item)


def whole_group(value: object) -> Mapping[str, Any]:
    """All of a group that stands in one column: an object, or the text of one."""
    if isinstance(value, str):
        return _of_text(value) if len(value) <= LONGEST_KEPT else _of_text.__wrapped__(value)
    if not isinstance(value, dict):
        return {} if value is None else {"text": value}
    return {snake(key): item for key, item in value.items()}


@lru_cache(maxsize=SPELLINGS)
def _of_text(text: str) -> Mapping[str, Any]:
    """The same of text; tags and attributes come again and again."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = text
    return whole_group(value) if isinstance(value, dict) else {"text": text}


def grouped(row: Sequence[str], members: Sequence[Member], absent: frozenset[str]) -> dict[str, Any] | None:
    """The values of a group out of a line's; ``members``: number of the column, and name. None when there is none."""
    found: dict[str, Any] = {}
    for at, name in members:
        value = row[at]
        if value in absent:
            continue
        if name:
            found.setdefault(name, value)
        else:
            found = {**whole_group(value), **found}
    return found or None
