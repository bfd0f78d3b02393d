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
_CHAIN = "identity.chain"


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
    """Who is behind the event: the first of its chain, else the first subject that it names; ``("", "")`` for none."""
    first = first_of(document)
    if first:
        return Principal(_CHAIN, readable(first)[:LONGEST])
    for path in _SUBJECTS:
        value = value_of(document, path)
        if isinstance(value, str) and value:
            return Principal(".".join(path), value[:LONGEST])
    return Principal("", "")


def first_of(document: Mapping[str, Any]) -> str:
    """The first human or workload of the event's chain, "" where it has none."""
    chain = value_of(document, ("identity", "chain"))
    return chain[0] if isinstance(chain, list) and chain and isinstance(chain[0], str) else ""


def readable(who: str) -> str:
    """A member of a chain as people say it: ``alice``, ``root``, ``Admin/alice`` for a session of the role Admin."""
    if not who.startswith("arn:"):
        return who
    kind, _, name = who.split(":", 5)[-1].partition("/")
    if kind == "assumed-role":
        return name or kind
    return name.rpartition("/")[2] or kind.rpartition(":")[2] or who


def same_principal(document: Mapping[str, Any]) -> str:
    """Equal for events of one principal alone: two people may be called alice."""
    return first_of(document) or "\n".join(principal_of(document))


def grouped_by(document: Mapping[str, Any], fields: Iterable[str]) -> str:
    """The values of these ECS fields as one text."""
    return "\n".join(text_of(value_of(document, field.split("."))) for field in fields)
