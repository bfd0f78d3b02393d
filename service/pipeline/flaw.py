"""What is odd about one event that is indexed all the same: leftovers, values that could not be cast, flags."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, NamedTuple

import orjson

from service.pipeline.paths import Taken, remainder

_EMPTY: tuple[object, ...] = ("", "-", [], {}, None)
_CUT = 512


class Strange(NamedTuple):
    """A value that is not what the pipeline knows of its field."""

    field: str
    path: tuple[str, ...] | None
    """Where it stands in the raw event, if it is of the wrong type; None: no table has it."""
    value: object
    wanted: str


class Flaw:
    """Collects, for one event, what nothing moved (``left``), what went wrong (``errors``) and the flags (``tags``).

    ``strange`` are values that nobody foresaw.
    """

    __slots__ = ("errors", "left", "strange", "tags")

    def __init__(self) -> None:
        self.left: dict[str, Any] = {}
        self.errors: list[str] = []
        self.strange: list[Strange] = []
        self.tags: dict[str, None] = {}

    def amend(self, document: str) -> str:
        """The document's JSON text with ``tags`` and ``error.message`` added to what it has of them already."""
        body = orjson.loads(document)
        tags = body.get("tags", [])
        body["tags"] = list(dict.fromkeys([*tags, *self.tags]))
        if self.errors:
            error = body.setdefault("error", {})
            own = error.get("message")
            error["message"] = [*([own] if isinstance(own, str) else own or []), *self.errors]
        return orjson.dumps(body).decode()


def keep(flaw: Flaw | None, path: tuple[str, ...], value: object) -> Flaw | None:
    """Remember a raw value that nothing moved; empty values are nothing."""
    if value in _EMPTY:
        return flaw
    flaw = flaw or Flaw()
    at = flaw.left
    for key in path[:-1]:
        below = at.get(key)
        if below.__class__ is not dict:
            below = at[key] = {}
        at = below
    at[path[-1]] = value
    return flaw


def keep_rest(flaw: Flaw | None, path: tuple[str, ...], raw: dict[str, Any], known: frozenset[str]) -> Flaw | None:
    """Remember the keys of ``raw`` that are not ``known``."""
    for key, value in raw.items():
        if key not in known:
            flaw = keep(flaw, (*path, key), value)
    return flaw


def keep_elements(flaw: Flaw | None, path: tuple[str, ...], value: object, taken: Taken) -> Flaw | None:
    """Remember what is left of a list when values were taken out of its elements."""
    left = remainder(value, taken)
    return flaw if left is None else keep(flaw, path, left)


def cannot_cast(flaw: Flaw | None, field: str, path: tuple[str, ...], value: object, wanted: str) -> Flaw | None:
    """Remember a value that is not of its field's type: kept among the leftovers, named in ``error.message``, flagged."""
    if value in _EMPTY or _hollow(value):
        return flaw
    flaw = keep(flaw, path, value) or Flaw()
    flaw.errors.append(f"{field}: {_shown(value)} is not {wanted}")
    flaw.strange.append(Strange(field, path, value, wanted))
    flaw.tags["cast_error"] = None
    return flaw


def unknown(flaw: Flaw | None, field: str, value: object) -> Flaw:
    """Remember a value that none of its field's tables has; the document says nothing of it."""
    flaw = flaw or Flaw()
    flaw.strange.append(Strange(field, None, value, "in the table"))
    return flaw


def _hollow(value: object, depth: int = 8) -> bool:
    """Whether an object or list holds nothing but objects and lists that hold nothing."""
    if not depth or not isinstance(value, dict | list):
        return False
    return all(item in _EMPTY or _hollow(item, depth - 1) for item in (value.values() if isinstance(value, dict) else value))


def flag(flaw: Flaw | None, tag: str, message: str = "") -> Flaw:
    """Flag the event; the message, if any, goes to ``error.message``."""
    flaw = flaw or Flaw()
    flaw.tags[tag] = None
    if message:
        flaw.errors.append(message)
    return flaw


def joined(flaw: Flaw | None, other: Flaw) -> Flaw:
    """What is odd about an event, and what is odd about a part of it, which stays as it is."""
    flaw = flaw or Flaw()
    flaw.left |= deepcopy(other.left)
    flaw.errors += other.errors
    flaw.strange += other.strange
    flaw.tags |= other.tags
    return flaw


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return repr(text if len(text) <= _CUT else text[:_CUT] + "…")
