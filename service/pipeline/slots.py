"""Output fields while an event is normalised: one Python local each, whose kind of value is known when compiling."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from enum import IntEnum
from typing import Literal

from service.fields import FieldSpec

Kind = Literal["str", "strs", "int", "ints", "float", "bool", "moment", "ip", "json"]
"""What the local holds when not None: str, list of str, int, list of int, float, bool, Moment, Address, JSON text."""

_KINDS: dict[str, Kind] = {
    "keyword": "str",
    "wildcard": "str",
    "text": "str",
    "match_only_text": "str",
    "constant_keyword": "str",
    "long": "int",
    "integer": "int",
    "float": "float",
    "double": "float",
    "scaled_float": "float",
    "boolean": "bool",
    "date": "moment",
    "ip": "ip",
    "object": "json",
    "flat_object": "json",
    "nested": "json",
    "geo_point": "json",
}
_ARRAYS: dict[str, Kind] = {"str": "strs", "ip": "strs", "int": "ints", "moment": "strs"}


class Quoting(IntEnum):
    """Whether a string needs JSON escapes when it is written."""

    NEVER = 0
    """We made it: constants, canonical addresses, times."""
    LIKE_RAW = 1
    """A piece of the raw event: needs escapes only where the raw event had any."""
    ALWAYS = 2
    """A step made it (decoded, unescaped …): anything may be in it."""


class Words(list[str]):
    """A constant list of strings that knows its JSON text."""

    __slots__ = ("text",)

    def __init__(self, words: Iterable[str]) -> None:
        super().__init__(words)
        self.text = json.dumps(list(self))


@dataclass(slots=True)
class Slot:
    """One output field: its specification, its local, and what compiling has learnt of it so far."""

    name: str
    spec: FieldSpec
    local: str
    kind: Kind
    quoting: Quoting = Quoting.NEVER
    touched: bool = False
    sure: bool = False
    """Never None once the steps so far are done."""
    starts_unset: bool = False
    """Some event may reach its first reader before any writer: the local must be None at the start."""
    constant: object = None
    """The value, when one unconditional constant is all that was ever written."""
    digits: str | None = None
    """Local that holds the number as JSON would write it, when that is all that was ever written."""
    group: str | None = None
    """Local that is None when the field has no value: the answer of the step that alone wrote it."""
    former: list[str] = dataclass_field(default_factory=list)
    """Locals that held it before, and must be None at the start."""

    def touch(self, *, sure: bool = False) -> None:
        """Note a writer; ``sure``: after it the local is not None, for every event."""
        self.constant = self.digits = self.group = None
        if not self.touched and not sure:
            self.starts_unset = True
        self.touched = True
        self.sure = self.sure or sure

    def move_to(self, local: str) -> None:
        """Go on in another local, which the caller sets for every event."""
        if self.starts_unset:
            self.former.append(self.local)
        self.local = local

    def raised(self, quoting: Quoting) -> None:
        """Note a writer whose strings need at least this much quoting."""
        self.quoting = max(self.quoting, quoting)


def kind_of(spec: FieldSpec) -> Kind:
    """The kind of Python value that stands for a field of this type."""
    kind = _KINDS[spec.type]
    return _ARRAYS.get(kind, kind) if spec.array else kind
