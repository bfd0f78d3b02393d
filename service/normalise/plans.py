"""Open objects whose keys were seen before: renamed, emptied of nothings and held against the mapping by code for these keys.

Sources write few different sets of keys. For one that came often the names, and what the mapping knows of them, are settled: what
is left to do for an event is to look which values are objects or lists, and which are empty. Everything else (rare sets, names
that nest, keys that become one, values the mapping would refuse) is for ``Renaming`` and ``Shape``, which know nothing before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from service.normalise.fitting import Shape
from service.normalise.renaming import HOLDERS, NUMBERS, Renaming
from service.pipeline.code import Code, Constants

WANTED = 50
"""Objects with the same keys that make code for them worth its compilation."""
_COMPILED = 256
_COUNTED = 4096
_MOST_KEYS = 64
_LONGEST = 2_000
"""Characters of all keys together, beyond which a set is too large to be remembered."""

Plan = Callable[[dict[str, Any], int], dict[str, Any]]


class Misfit(Exception):
    """A value that the mapping would refuse as it is."""


class Plans:
    """``of`` gives what ``renaming.of`` gives, if that fits the shape as well; else it raises Misfit."""

    def __init__(self, renaming: Renaming, shape: Shape | None) -> None:
        """``shape`` None: the mapping knows nothing in here."""
        self._renaming = renaming
        self._shape = shape
        self._free = self if shape is None else Plans(renaming, None)
        self._below = {} if shape is None else {name: Plans(renaming, inner) for name, inner in shape.below.items()}
        self._seen: dict[int, int] = {}
        self._compiled: dict[tuple[str, ...], Plan] = {}
        self.compiled = self._compiled.get
        """The code for some keys, if there is any; else ``rare`` takes the object."""

    def holder(self, value: Any, depth: int) -> Any:
        """An object or a list, of which so many levels are looked at, wherever the mapping takes both."""
        if value.__class__ is dict:
            return (self._compiled.get(tuple(value)) or self.rare)(value, depth)
        if not depth:
            raise Misfit
        holder = self.holder
        items = [holder(item, depth - 1) if item.__class__ in HOLDERS else item for item in value]
        return items if all(items) else [item for item in items if item or item.__class__ in NUMBERS]

    def objects(self, value: Any, depth: int) -> Any:
        """An object or a list of them: what the mapping knows fields below."""
        found = self.holder(value, depth)
        if found.__class__ is list and not all(item.__class__ is dict for item in found):
            raise Misfit
        return found

    def scalars(self, value: Any, depth: int) -> Any:
        """A list of scalars, or nothing: what the mapping knows as a field."""
        found = self.holder(value, depth)
        if found and (found.__class__ is dict or any(item.__class__ in HOLDERS for item in found)):
            raise Misfit
        return found

    def rare(self, value: dict[str, Any], depth: int) -> dict[str, Any]:
        """An object without code for its keys."""
        if not value:
            return value
        if not depth:
            raise Misfit  # what lies deeper is neither renamed nor emptied
        if (plan := self._learn(tuple(value))) is not None:
            return plan(value, depth)
        if _deeper(value, depth):
            raise Misfit
        found: dict[str, Any] = self._renaming.of(value, depth)
        if self._shape is not None and not self._shape.fits(found):
            raise Misfit
        return found

    def _learn(self, keys: tuple[str, ...]) -> Plan | None:
        if len(keys) > _MOST_KEYS or len(self._compiled) >= _COMPILED:
            return None
        counted = hash(keys)
        seen = self._seen.get(counted, 0) + 1
        if len(self._seen) >= _COUNTED:
            self._seen.clear()
        self._seen[counted] = seen
        if seen != WANTED or sum(map(len, keys)) > _LONGEST:
            return None
        names = self._renaming.simple(keys)
        if names is None or (self._shape is not None and any(map(self._shape.odd, names))):
            return None
        plan = self._compiled[keys] = self._plan(names)
        return plan

    def _plan(self, names: tuple[str, ...]) -> Plan:
        """Code for as many members; their names, which come out of an event, are constants of it and no text."""
        values, scope = [f"v{number}" for number in range(len(names))], {"HOLDERS": HOLDERS, "NUMBERS": NUMBERS, "kept": _kept}
        constants, code = Constants({**scope, "Misfit": Misfit, "NAMES": names}), Code()
        with code.block("def plan(value, depth):"):
            code.add("if not depth: raise Misfit", "depth -= 1", f"{', '.join(values)}, = value.values()")
            for local, name in zip(values, names, strict=True):
                self._member(code, constants, local, name)
            members = ", ".join(f"{constants.name(name)}: {local}" for local, name in zip(values, names, strict=True))
            full = " and ".join(f"({local} or {local}.__class__ in NUMBERS)" for local in values)
            code.add(f"if {full}: return {{{members}}}", f"return kept(NAMES, ({', '.join(values)},))")
        bound = constants.bound
        exec(compile(code.text(), "<members of an open object>", "exec"), bound)  # noqa: S102 - our own generated code
        made = bound["plan"]
        return cast("Plan", made)

    def _member(self, code: Code, constants: Constants, local: str, name: str) -> None:
        if self._shape is not None and name in self._shape.leaves:
            reader = constants.name(self._free.scalars, "read")
            code.add(f"if {local}.__class__ in HOLDERS: {local} = {reader}({local}, depth)")
            return
        inner = self._below.get(name)
        plans = inner or self._free
        get, rare = constants.name(plans.compiled, "compiled"), constants.name(plans.rare, "rare")
        lists = constants.name(plans.holder if inner is None else inner.objects, "read")
        # No call between an object and the one around it: there are many, and most are small.
        code.add(
            f"if {local}.__class__ is dict: {local} = ({get}(tuple({local})) or {rare})({local}, depth)",
            f"elif {local}.__class__ is list: {local} = {lists}({local}, depth)",
        )
        if inner is not None:
            code.add(f"elif {local} or {local}.__class__ in NUMBERS: raise Misfit")


def _deeper(value: Any, depth: int) -> bool:
    """Whether an object or list holds others below that many levels."""
    items = value.values() if value.__class__ is dict else value
    return not depth or any(_deeper(item, depth - 1) for item in items if item.__class__ in HOLDERS)


def _kept(names: tuple[str, ...], values: tuple[Any, ...]) -> dict[str, Any]:
    """The members that say something."""
    return {name: item for name, item in zip(names, values, strict=True) if item or item.__class__ in NUMBERS}
