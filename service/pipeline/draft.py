"""The function of one event while it is compiled: its code, constants, raw fields and output slots."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from service.errors import ContentError, Place
from service.fields import Catalogue, FieldSpec
from service.pipeline.code import Code, Constants
from service.pipeline.raw import RawFields, Read
from service.pipeline.slots import Slot, kind_of


class Draft:
    """What the steps write into.

    ``careful`` is the second form of the same function: it escapes every string, cuts what is too long and
    forgives what the fast form may not meet.
    """

    def __init__(self, code: Code, constants: Constants, catalogue: Catalogue, raw: RawFields, *, careful: bool) -> None:
        self.code = code
        self.constants = constants
        self.catalogue = catalogue
        self.raw = raw
        self.careful = careful
        self.slots: dict[str, Slot] = {}
        self.place = Place("pipeline.yml")
        self.period_suffix = "month"
        self.block: int | None = None
        """The block that is written, where it is for some events only; blocks for all events are one."""
        self.stepped: dict[int | None, set[str]] = {}
        """Block → output fields that steps in it write."""
        self.asks_lists = False
        """Whether the local ``threats`` holds what threat lists say of the event."""
        self.complete: frozenset[str] = frozenset()
        """Fields whose tables have every value there is."""
        self._conditions = 0

    @property
    def conditional(self) -> bool:
        """Whether what is being written happens for some events only."""
        return self._conditions > 0

    @contextmanager
    def condition(self, expression: str) -> Iterator[None]:
        """Write inside ``if expression:``; nothing is asked where nothing is written."""
        self._conditions += 1
        before = len(self.code.lines)
        try:
            with self.code.block(f"if {expression}:"):
                yield
            if [line.strip() for line in self.code.lines[before + 1 :]] == ["pass"]:
                del self.code.lines[before:]
        finally:
            self._conditions -= 1

    def slot(self, target: str) -> Slot:
        """The slot of an output field (without a trailing ``?``); ContentError ``unknown_field`` when nobody declared it."""
        name = target.removesuffix("?")
        slot = self.slots.get(name)
        if slot is None:
            spec = self.catalogue.get(name)
            if spec is None:
                raise ContentError(
                    self.place,
                    "unknown_field",
                    f"{name} is no ECS field and not in fields.yml",
                    "declare it in the dataset's fields.yml",
                )
            slot = self.slots[name] = Slot(name, spec, self.code.local(name, "o"), kind_of(spec))
        return slot

    def spec(self, name: str) -> FieldSpec | None:
        """The field's entry in the catalogue."""
        return self.catalogue.get(name)

    def read(self, path: str) -> Read:
        """Read a raw field without consuming it; ContentError ``bad_path`` when that is no path."""
        try:
            return self.raw.read(path)
        except ValueError as error:
            raise ContentError(self.place, "bad_path", str(error), 'keys that hold dots stand in quotes: a."b.c"') from error

    def consume(self, path: str) -> Read:
        """Read a raw field that thereby has found its place."""
        read = self.read(path)
        if read.consumed:
            return read
        if not self.conditional:
            read.consumed = True
            return read
        if read.conditional is None:
            read.conditional = self.code.local(path, "used")
        self.code.add(f"{read.conditional} = True")
        return read

    def operand(self, name: str) -> str:
        """The same for selections, which take a bare word for a local's name."""
        value = self.value(name)
        return "(None)" if value == "None" else value

    def value(self, name: str) -> str:
        """Python expression of a field for conditions and tables: the ECS field if a step has set it, else the raw field."""
        slot = self.slots.get(name)
        if slot is None or not slot.touched:
            return self.read(name).local
        if slot.kind in ("ip", "moment"):
            return f"({slot.local} and {slot.local}[0])"
        if slot.kind == "json":
            return f"({slot.local} and loads({slot.local}))"
        return slot.local
