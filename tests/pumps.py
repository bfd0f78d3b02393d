"""Texts that hurt a regular expression, derived from the expression itself.

Each is a beginning that the pattern likes, then something it repeats gladly, many times, then an end it does not like: what makes
a pattern look at the same characters again and again.
"""

from __future__ import annotations

import importlib
import random
import re
from collections.abc import Iterator
from typing import Any

_parser: Any = importlib.import_module("re._parser")
_op: Any = importlib.import_module("re._constants")
_CHARACTERS = "aA0 \"'\\\n\t=:,;-_./()[]{}<>|&#@*%x1zZ!?^\r\x00é"
_MANY = 8
"""Repeats that may be more than this are worth a pump."""
_TRIES = 10
_REPEATS = (_op.MAX_REPEAT, _op.MIN_REPEAT, _op.POSSESSIVE_REPEAT)
_ONE = (_op.LITERAL, _op.NOT_LITERAL, _op.ANY, _op.IN)
_CLASSES = {
    _op.CATEGORY_DIGIT: r"\d", _op.CATEGORY_NOT_DIGIT: r"\D", _op.CATEGORY_SPACE: r"\s", _op.CATEGORY_NOT_SPACE: r"\S",
    _op.CATEGORY_WORD: r"\w", _op.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip


def pumps(pattern: re.Pattern[Any]) -> list[tuple[str, str]]:
    """Beginnings, and what to repeat after each; the same for the same pattern."""
    flags = pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags
    tree = _parser.parse(pattern.pattern, flags)
    walk = _Walk(random.Random(1))
    walk.over(tree, "")
    return sorted(walk.combined(tree))


def text(pattern: re.Pattern[Any], pump: tuple[str, str], end: str, size: int) -> Any:
    """About ``size`` characters, or bytes where the pattern wants bytes."""
    beginning, again = pump
    made = beginning + again * max(size // len(again), 1) + end
    return made.encode("latin-1", "replace") if isinstance(pattern.pattern, bytes) else made


class _Walk:
    """What stands in a pattern: single characters, repeats with what precedes them, beginnings."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.groups: dict[int | None, str] = {}
        self.characters: set[str] = set()
        self.repeats: set[tuple[str, str]] = set()
        self.beginnings: set[str] = set()

    def over(self, tree: Any, before: str) -> None:
        """Look at a sequence that ``before`` leads to."""
        for op, value in tree:
            before = self._step(op, value, before)
            self.beginnings.add(before)

    def _step(self, op: Any, value: Any, before: str) -> str:
        if op in _ONE:
            found = _matching(op, value)
            self.characters.update(found)
            return before + found[0]
        if op in _REPEATS:
            return self._repeat(value, before)
        if op is _op.BRANCH:
            for branch in value[1]:
                self.over(branch, before)
            return before + self.some(value[1][0])
        if op in (_op.ASSERT, _op.ASSERT_NOT):
            self.over(value[1], before)
            return before
        if op is _op.SUBPATTERN:
            self.over(value[3], before)
        elif op is _op.ATOMIC_GROUP:
            self.over(value, before)
        return before + self.some([(op, value)])

    def _repeat(self, repeat: Any, before: str) -> str:
        least, most, body = repeat
        self.over(body, before)
        if most > _MANY:
            single = len(body) == 1 and body[0][0] in _ONE
            again = _matching(*body[0]) if single else [self.some(body, full=full) for full in (False, True, True)]
            self.repeats.update((before, each) for each in again if each)
        self.beginnings.add(before + self.some(body, full=True))
        return before + "".join(self.some(body) for _ in range(least))

    def some(self, tree: Any, *, full: bool = False) -> str:
        """A text that the sequence may match; with ``full``, one that has what may be left out."""
        made = ""
        for op, value in tree:
            if op in _ONE:
                made += self.chance.choice(_matching(op, value))
            elif op in _REPEATS:
                least, most, body = value
                made += "".join(self.some(body, full=full) for _ in range(max(least, 1) if full and most else least))
            elif op is _op.SUBPATTERN:
                self.groups[value[0]] = inner = self.some(value[3], full=full)
                made += inner
            elif op is _op.BRANCH:
                made += self.some(self.chance.choice(value[1]), full=full)
            elif op is _op.ATOMIC_GROUP:
                made += self.some(value, full=full)
            elif op is _op.GROUPREF:
                made += self.groups.get(value, "")
        return made

    def combined(self, tree: Any) -> set[tuple[str, str]]:
        """Everything alone, and some of it together."""
        wholes = [self.some(tree, full=full) for full in (False, True)]
        alone = [*self.characters, *self.beginnings, *wholes]
        found = {("", each) for each in alone if each} | self.repeats
        again, beginnings = sorted({each for _, each in self.repeats}), sorted(self.beginnings)
        for _ in range(_TRIES if again else 0):
            found.add((self.chance.choice(["", *beginnings]), self.chance.choice(again) + self.chance.choice(again)))
            found.add((self.chance.choice(beginnings), self.chance.choice(again)))
            found.add(("", self.chance.choice(beginnings) + self.chance.choice(again)))
            found.add(("", self.chance.choice(beginnings) + self.chance.choice(again) * 20))
        return found


def _matching(op: Any, value: Any) -> list[str]:
    """Up to three characters that the element matches."""
    if op is _op.LITERAL:
        return [chr(value)]
    if op is _op.ANY:
        return ["a", " ", '"']
    if op is _op.NOT_LITERAL:
        return [each for each in _CHARACTERS if ord(each) != value][:3]
    wanted = value[0][0] is not _op.NEGATE
    members = value if wanted else value[1:]
    found = [each for each in _CHARACTERS if any(_is(each, *member) for member in members) is wanted]
    return found[:3] or list(_firsts(members)) or ["a"]


def _is(character: str, op: Any, value: Any) -> bool:
    if op is _op.LITERAL:
        return bool(ord(character) == value)
    if op is _op.RANGE:
        return bool(value[0] <= ord(character) <= value[1])
    return re.match(_CLASSES[value], character) is not None


def _firsts(members: Any) -> Iterator[str]:
    for op, value in members:
        if op is not _op.CATEGORY:
            yield chr(value if op is _op.LITERAL else value[0])
