"""Reading a decoded event of which some parts repeat: its values stand in one tuple, and a part is worked out by its function."""

from __future__ import annotations

from collections.abc import Sequence
from types import NoneType

from service.pipeline.code import Code, Constants
from service.pipeline.leaves import Layout
from service.pipeline.parts import Repeat
from service.pipeline.paths import EACH
from service.pipeline.raw import JsonShape, Node, Tree, placed


class Leaves(Tree):
    """An event of which the values of all keys are in the tuple ``values``; those of a repeating part may be of any type."""

    def __init__(self, code: Code, layout: Layout, shape: JsonShape) -> None:
        """``shape`` says nothing of keys that repeat."""
        super().__init__(code, shape)
        self._layout = layout
        self.unpacked = ""
        """The line that gives the values to their locals, known after ``write``."""
        self._names: dict[str, str] = {}
        self.repeats: list[Repeat] = []
        """The repeating parts, known after ``write``."""

    def type_of(self, keys: tuple[str, ...]) -> type | None:
        """Type of the value at a path; repeating parts are not part of the shape."""
        return super().type_of(keys) if keys[0] in self._layout.shaped else None

    def top(self, code: Code, constants: Constants, root: Node) -> None:
        """No reads, but names: what is read below objects, and what is left."""
        names = {}
        for key in self._layout.keys:
            node = root.below.get(key)
            names[key] = node.read.local if node is not None and node.read is not None else code.local(key, "d")
        self.unpacked = f"({', '.join(names.values())},) = values"
        self._names = names
        self.repeats = [self._repeat(number, group, names) for number, group in enumerate(self._layout.groups)]
        self.branches.append(())
        known = placed(root)
        for key, name in names.items():
            if self.type_of((key,)) is NoneType:
                continue
            if key in root.below:
                self.below(code, constants, root.below[key], name, (key,), whole=False)
            if key not in known:
                code.add(f"if {name} is not None: flaw = keep(flaw, {constants.name((key,))}, {name})")

    def guards(self, paths: Sequence[tuple[str, ...]], constants: Constants) -> list[str]:
        """Lines that refuse an event which may hold something at one of the paths, after ``write``.

        What is taken out changes the shape, so such events are for the general function; that asks the conditions, too.
        """
        below: dict[str, set[str]] = {}
        for path in paths:
            if path[0] in self._names and self.type_of(path[:1]) is not NoneType:
                below.setdefault(path[0], set()).add(path[1] if len(path) > 1 else EACH)
        lines = []
        for key, inside in below.items():
            if EACH in inside or self.type_of((key,)) is not dict:
                lines.append(f"if {self._names[key]} is not None: raise ValueError")
            else:
                lines.append(f"if not {constants.name(frozenset(inside))}.isdisjoint({self._names[key]}): raise ValueError")
        return lines

    def _repeat(self, number: int, group: tuple[str, ...], names: dict[str, str]) -> Repeat:
        texts = [f"bytes({names[key]})" if key in self._layout.raw else names[key] for key in group]
        return Repeat(
            number,
            tuple(names[key] for key in group),
            texts[0] if len(group) == 1 else f"({', '.join(texts)})",
            tuple(f"{names[key]} = loads({names[key]})" for key in group if key in self._layout.raw),
        )
