"""Who an alert is about: the one thing in an event by which an analyst would group what happened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

_SUBJECTS: tuple[tuple[str, ...], ...] = (
    ("user", "effective", "name"),
    ("user", "name"),
    ("user", "id"),
    ("source", "ip"),
    ("source", "address"),
    ("host", "name"),
    ("host", "id"),
    ("orchestrator", "resource", "name"),
    ("orchestrator", "cluster", "name"),
    ("cloud", "instance", "id"),
    ("cloud", "account", "id"),
)
"""Best first: a human or role, else an address, else the machine, else the account."""
LONGEST = 256


class Principal(NamedTuple):
    """``kind`` is the field it comes from; ``name`` its value."""

    kind: str
    name: str


def value_of(document: Mapping[str, Any], path: Iterable[str]) -> Any:
    """What stands under the path; None when there is nothing."""
    found: Any = document
    for key in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(key)
    return found


def text_of(value: Any) -> str:
    """A value as text to group by: lists by their members, absent as ""."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ",".join(sorted(text_of(each) for each in value))
    return str(value)[:LONGEST]


def principal_of(document: Mapping[str, Any]) -> Principal:
    """The first subject that the event names; ``("", "")`` when it names none."""
    for path in _SUBJECTS:
        value = value_of(document, path)
        if isinstance(value, str) and value:
            return Principal(".".join(path), value[:LONGEST])
    return Principal("", "")


def grouped_by(document: Mapping[str, Any], fields: Iterable[str]) -> str:
    """The values of these ECS fields as one text."""
    return "\n".join(text_of(value_of(document, field.split("."))) for field in fields)
