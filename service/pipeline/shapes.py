"""Events that are objects sorted by shape: those that are alike share code that knows their keys and types beforehand.

Objects are JSON, and what a parse step that decodes makes of text.

A source has few shapes (CloudTrail: a handful for nine events in ten), and knowing one removes nine tenths of the tests that
code for any event must make. A shape is compiled once it was seen often; events of rare shapes take the general function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from service.pipeline.code import Code
from service.pipeline.raw import JsonShape

COMPILED = 96
"""Shapes of one pipeline that are compiled at most: about 50 ms and 200 kB each."""
WANTED = 200
"""Events of a shape that make it worth compiling."""
WATCHED = 4096
"""Shapes that are counted; more are not told apart any longer, so that hostile events cost no memory."""
_LOOKED_AT = 20
"""Events that the sorter could not read of which the keys are looked at."""

Key = tuple[Any, ...]
Item = tuple[int, str]
Parsed = tuple[int, str, Any]
"""Number, text, and what the sorter read of it."""
Build = Callable[[Any], Callable[..., None]]
Sorter = Callable[[list[str], dict[Key, list[Parsed]], list[Item]], None]


def write_sorter(branches: tuple[tuple[str, ...], ...], root: tuple[str, ...] | None, clean: str, read: str = "loads") -> str:
    """Source of ``sort(events, groups, rest)``: parses events into groups by shape; ``rest`` gets what must be done with care.

    ``root`` is the path of the event proper inside what was parsed, if it may be wrapped; ``clean`` the test for events that
    can be written without care, ``read`` the name of what parses their text.
    """
    code = Code()
    with code.block("def sort(events, groups, rest):"), code.block("for i, text in enumerate(events):"):
        with code.block(f"if not ({clean}):"):
            code.add("rest.append((i, text))", "continue")
        with code.block("try:"):
            code.add(f"raw = {read}(text)")
        with code.block("except Exception:"):
            code.add("rest.append((i, text))", "continue")
        with code.block("if raw.__class__ is not dict:"):
            code.add("rest.append((i, text))", "continue")
        if root is not None:
            with code.block(f"if {root[0]!r} in raw:"):
                code.add(f"raw = below(raw, {root!r})")
        code.add("shape = [*raw, *map(type, raw.values())]")
        names: dict[tuple[str, ...], str] = {(): "raw"}
        _branches(code, (), names, branches)
        code.add("key = tuple(shape)", "group = groups.get(key)")
        code.add("if group is None: group = groups[key] = []")
        code.add("group.append((i, text, raw))")
    return code.text()


Names = dict[tuple[str, ...], str]
"""Paths of objects → their locals."""


def _branches(code: Code, path: tuple[str, ...], names: Names, branches: Sequence[tuple[str, ...]]) -> None:
    for branch in branches:
        if len(branch) == len(path) + 1 and branch[: len(path)] == path:
            names[branch] = code.local("_".join(branch), "d")
            code.add(f"{names[branch]} = {names[path]}.get({branch[-1]!r})")
            write_branch(code, branch, names, branches)


def write_branch(code: Code, path: tuple[str, ...], names: Names, branches: Sequence[tuple[str, ...]]) -> None:
    """Add the keys and types of the object at a path, and of those of ``branches`` below it, to the list ``shape``."""
    with code.block(f"if {names[path]}.__class__ is dict:"):
        code.add(f"shape += {names[path]}", f"shape += map(type, {names[path]}.values())")
        _branches(code, path, names, branches)


def shape_of(raw: dict[str, Any], branches: tuple[tuple[str, ...], ...]) -> JsonShape:
    """The shape of one event: keys and types of every object that is read in part."""
    shape: dict[tuple[str, ...], dict[str, type]] = {}
    for path in branches:
        at: Any = raw
        for key in path:
            at = at.get(key) if isinstance(at, dict) else None
        if isinstance(at, dict):
            shape[path] = {key: type(value) for key, value in at.items()}
    return shape


class Shapes:
    """Which shapes were seen how often, and the functions of those that were compiled."""

    def __init__(
        self, sorter: Sorter, build: Build, widen: Callable[[list[str]], tuple[Sorter, Build] | None] | None = None
    ) -> None:
        """``build`` compiles the function for events shaped like the given one, as the sorter read it.

        ``widen`` is asked now and then, with events that the sorter could not read, for another pair that can.
        """
        self._sorter = sorter
        self._build = build
        self._widen = widen
        self._refused = 0
        self._seen: dict[Key, int] = {}
        self._functions: dict[Key, Callable[..., None]] = {}

    @property
    def compiled(self) -> int:
        """Shapes that have a function."""
        return len(self._functions)

    def sort(self, events: list[str]) -> tuple[list[tuple[Callable[..., None], list[Parsed]]], list[Item]]:
        """Events with a function of their own, and the rest."""
        groups: dict[Key, list[Parsed]] = {}
        rest: list[Item] = []
        self._sorter(events, groups, rest)
        if rest and self._widen is not None:
            self._refused += len(rest)
            if self._refused >= WANTED:
                self._look_again([text for _, text in rest[:_LOOKED_AT]])
        ready: list[tuple[Callable[..., None], list[Parsed]]] = []
        for key, items in groups.items():
            function = self._functions.get(key) or self._learn(key, items)
            if function is not None:
                ready.append((function, items))
            else:
                rest += [(i, text) for i, text, _ in items]
        return ready, rest

    def _look_again(self, texts: list[str]) -> None:
        self._refused = 0
        wider = self._widen(texts) if self._widen is not None else None
        if wider is not None:
            self._sorter, self._build = wider
            self._seen.clear()
            self._functions.clear()

    def _learn(self, key: Key, items: list[Parsed]) -> Callable[..., None] | None:
        seen = self._seen.get(key, 0) + len(items)
        if key in self._seen or len(self._seen) < WATCHED:
            self._seen[key] = seen
        if seen < WANTED or len(self._functions) >= COMPILED:
            return None
        made = self._functions[key] = self._build(items[0][2])
        return made
