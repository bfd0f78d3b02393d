"""The tree a Sigma selection becomes: boolean nodes over items, an item being one field and the tests of its value."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Literal

Network = IPv4Network | IPv6Network
Operator = Literal["<", "<=", ">", ">="]
Where = Literal["whole", "start", "end", "inside"]
Part = Literal["minute", "hour", "day", "week", "month", "year"]


@dataclass(frozen=True, slots=True)
class Text:
    """The value's text equals, starts with, ends with or holds ``text``; ``cased`` False ignores case."""

    text: str
    where: Where = "whole"
    cased: bool = False


@dataclass(frozen=True, slots=True)
class Wildcard:
    """The whole text fits ``parts``: literal text, ``None`` for one character, ``True`` for any run of characters."""

    parts: tuple[str | Literal[True] | None, ...]
    cased: bool = False


@dataclass(frozen=True, slots=True)
class Regex:
    """RE2 ``pattern`` is found anywhere in the text; ``flags`` out of ``ims``."""

    pattern: str
    flags: str = ""


@dataclass(frozen=True, slots=True)
class Within:
    """The value is an IP address in ``network``."""

    network: Network


@dataclass(frozen=True, slots=True)
class Compare:
    """The value is a number, or text that spells one, and ``value operator number`` holds."""

    operator: Operator
    number: int | float


@dataclass(frozen=True, slots=True)
class TimePart:
    """The value is a time (ISO 8601), and ``part of it operator number`` holds, as its own offset tells the time."""

    part: Part
    operator: Operator | Literal["=="]
    number: int | float


@dataclass(frozen=True, slots=True)
class Null:
    """There is no value: the field is missing or null."""


@dataclass(frozen=True, slots=True)
class Present:
    """There is a value."""


@dataclass(frozen=True, slots=True)
class SameAs:
    """The text equals, starts with, ends with or holds the text of another field, case ignored."""

    field: str
    where: Where = "whole"


Test = Text | Wildcard | Regex | Within | Compare | TimePart | Null | Present | SameAs


@dataclass(frozen=True, slots=True)
class Item:
    """One field and its tests: any of them is enough. A list in the event matches by any of its elements."""

    field: str
    tests: tuple[Test, ...]


@dataclass(frozen=True, slots=True)
class And:
    """Every node matches; without nodes: always."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one node matches; without nodes: never."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The node does not match."""

    node: Node


Node = Item | And | Or | Not


def fields(node: Node) -> set[str]:
    """Names of all fields the node reads; ``_text`` stands for the raw event as a whole (keyword searches)."""
    match node:
        case Item(field, tests):
            return {field} | {test.field for test in tests if isinstance(test, SameAs)}
        case And(nodes) | Or(nodes):
            return set().union(*(fields(child) for child in nodes))
        case Not(child):
            return fields(child)
