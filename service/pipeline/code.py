"""Writing Python source that is safe to execute: lines, indentation, constants by name, never raw text of a file.

Whatever comes from configuration enters generated code only as a constant bound to a generated name (``Constants``) or as
``repr`` of a plain value; local names are made from a counter and the letters of a field name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

_UNSAFE = re.compile(r"[^A-Za-z0-9_]")


class Constants:
    """Objects that generated code refers to: one name each, equal hashable objects shared."""

    def __init__(self, bound: dict[str, object] | None = None) -> None:
        """``bound``: objects that have a name already."""
        self.bound: dict[str, object] = dict(bound or {})
        self._names: dict[tuple[type, object], str] = {}

    def name(self, value: object, hint: str = "K") -> str:
        """Bind ``value`` and give the name under which generated code finds it."""
        try:
            key = (type(value), value)
            known = self._names.get(key)
        except TypeError:
            key, known = None, None
        if known is not None:
            return known
        name = f"{hint}_{len(self.bound)}"
        self.bound[name] = value
        if key is not None:
            self._names[key] = name
        return name


class Code:
    """Python source under construction."""

    def __init__(self, beside: Code | None = None) -> None:
        """``beside``: another piece of the same function, whose local names must not be taken twice."""
        self.lines: list[str] = []
        self._depth = 0
        self.numbers: Iterator[int] = beside.numbers if beside is not None else count(1)

    def add(self, *lines: str) -> None:
        """Append lines at the present depth."""
        pad = "    " * self._depth
        self.lines.extend(pad + line for line in lines)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Append ``head`` and indent what is added inside; an empty block gets ``pass``."""
        self.add(head)
        before = len(self.lines)
        self._depth += 1
        try:
            yield
            if len(self.lines) == before:
                self.add("pass")
        finally:
            self._depth -= 1

    def local(self, hint: str, prefix: str = "t") -> str:
        """A fresh local name that ends in the letters of ``hint``, for readers of the generated source."""
        return f"{prefix}{next(self.numbers)}_{_UNSAFE.sub('_', hint)[:40]}"

    def restart_names(self) -> None:
        """Give the same local names again, for code that never runs together with what was written so far."""
        self.numbers = count(1)

    def splice(self, other: Code) -> None:
        """Append another piece's lines at the present depth."""
        self.add(*other.lines)

    def text(self) -> str:
        """The source."""
        return "\n".join(self.lines) + "\n"


_STORE = re.compile(r"\s*(\w+) = (?:int\((\w+)\)(?: if len\(\2\) < 19 else whole\(\2\))?|\w+|'[^']*')")
_WORD = re.compile(r"\b[a-z]\d+_\w+\b")


def without_dead_stores(lines: list[str]) -> list[str]:
    """The lines without plain assignments to locals that nothing reads."""
    while True:
        seen = Counter(_WORD.findall("\n".join(lines)))
        kept = [
            line
            for line in lines
            if not ((store := _STORE.fullmatch(line)) and seen[store[1]] == 1 and _WORD.fullmatch(store[1]))
        ]
        if len(kept) == len(lines):
            return kept
        lines = kept
