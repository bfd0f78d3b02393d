"""What can be said of a rule before its document is read: the rule over few values only, and texts it cannot do without."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from service.detect.compiled import FALSE, TRUE, fold
from service.match import And, Item, Node, Not, Or
from service.match.nodes import Null, SameAs, Test, Text, Wildcard

_RUN = re.compile(r"[a-z0-9_.-]+")
_OURS = re.compile(r"[ !#-\[\]-~]+")
_NO_STRING = re.compile(r"[0-9.eE+-]+|true|false|null")
COMMON = 5
"""Rules of a dataset that look for the same text, from which on it tells little."""
SHORTEST = 3
"""Characters of a text worth looking for."""

Column = Callable[[str], "str | None"]
"""Name in a node → what is known by that name before the document is read; None: nothing."""


Find = Callable[[str, Test], "Literal | None"]
"""``(name in a node, test of its value) -> what must be where for the test to hold``."""
Score = Callable[[frozenset["Literal"]], tuple[float, ...]]


class Literal(NamedTuple):
    """A column holds this text, in lower case."""

    column: str
    text: str


def weaken(node: Node, column: Column, once: frozenset[str] = frozenset(), *, positive: bool = True) -> Node:
    """A node over columns alone that holds whenever ``node`` does: what is not known counts as so.

    ``once``: columns that may say more than the document will; what they hold proves nothing against a match.
    """
    match node:
        case And(nodes):
            return fold(And(tuple(weaken(each, column, once, positive=positive) for each in nodes)))
        case Or(nodes):
            return fold(Or(tuple(weaken(each, column, once, positive=positive) for each in nodes)))
        case Not(inner):
            return fold(Not(weaken(inner, column, once, positive=not positive)))
        case Item(field, tests):
            unknown = TRUE if positive else FALSE
            name = column(field)
            if name is None or (name in once and not positive):
                return unknown
            kept: list[Test] = []
            for test in tests:
                if isinstance(test, SameAs):
                    other = column(test.field)
                    if other is None and positive:
                        return unknown
                    if other is not None:
                        kept.append(SameAs(other, test.where))
                else:
                    kept.append(test)
            return Item(name, tuple(kept)) if kept else unknown


def settled(node: Node, holds: Callable[[Item], bool | None]) -> Node:
    """The node without the items of which ``holds`` knows whether they hold; None stands for what it does not know."""
    match node:
        case And(nodes):
            return fold(And(tuple(settled(each, holds) for each in nodes)))
        case Or(nodes):
            return fold(Or(tuple(settled(each, holds) for each in nodes)))
        case Not(inner):
            return fold(Not(settled(inner, holds)))
        case Item():
            known = holds(node)
            return node if known is None else TRUE if known else FALSE


def is_known(node: Node, column: Column, once: frozenset[str] = frozenset()) -> bool:
    """Whether columns alone decide the node: its weakened form then says the same."""
    match node:
        case And(nodes) | Or(nodes):
            return all(is_known(each, column, once) for each in nodes)
        case Not(inner):
            return is_known(inner, column, once)
        case Item(field, tests):
            names = [field, *(test.field for test in tests if isinstance(test, SameAs))]
            return all(column(name) is not None and name not in once for name in names)


def narrows(node: Node, column: Column) -> bool:
    """Whether the node holds only for certain values of columns."""
    match node:
        case And(nodes):
            return any(narrows(each, column) for each in nodes)
        case Or(nodes):
            return bool(nodes) and all(narrows(each, column) for each in nodes)
        case Not():
            return False
        case Item(field, tests):
            return column(field) is not None and not any(isinstance(test, Null) for test in tests)


def exact(node: Node, column: Column) -> tuple[str, frozenset[str]] | None:
    """A column and the values, in lower case, of which it must have one for the node to hold; the fewest of them."""
    return min(_exact(node, column).items(), key=lambda option: len(option[1]), default=None)


def _exact(node: Node, column: Column) -> dict[str, frozenset[str]]:
    match node:
        case And(nodes):
            every: dict[str, frozenset[str]] = {}
            for found in (_exact(each, column) for each in nodes):
                every |= {name: values for name, values in found.items() if name not in every or len(values) < len(every[name])}
            return every
        case Or(nodes):
            options = [_exact(each, column) for each in nodes]
            shared = set.intersection(*(set(each) for each in options)) if options else set()
            return {name: frozenset().union(*(each[name] for each in options)) for name in shared}
        case Item(field, tests):
            name = column(field)
            texts = [test.text.lower() for test in tests if isinstance(test, Text) and test.where == "whole"]
            return {name: frozenset(texts)} if name is not None and len(texts) == len(tests) else {}
        case Not():
            return {}


def literals(node: Node, find: Find, score: Score) -> frozenset[Literal] | None:
    """Texts of which one must be in its column for the node to hold; None where nothing of the kind can be said.

    Of several such sets the one with the highest ``score``.
    """
    match node:
        case And(nodes):
            known = [found for each in nodes if (found := literals(each, find, score)) is not None]
            return max(known, key=score, default=None)
        case Or(nodes):
            options = [literals(each, find, score) for each in nodes]
            known = [each for each in options if each is not None]
            return frozenset().union(*known) if known and len(known) == len(options) else None
        case Not():
            return None
        case Item(field, tests):
            texts = [find(field, test) for test in tests]
            kept = [each for each in texts if each is not None and len(each.text.strip('"')) >= SHORTEST]
            return frozenset(kept) if len(kept) == len(tests) else None


def all_literals(node: Node, find: Find) -> Iterator[Literal]:
    """Every text that a node looks for; how many rules look for one tells how common it is."""
    match node:
        case And(nodes) | Or(nodes):
            for each in nodes:
                yield from all_literals(each, find)
        case Not():
            return
        case Item(field, tests):
            yield from (found for test in tests if (found := find(field, test)) is not None)


def rarity(counts: Mapping[Literal, int]) -> Score:
    """Score a set of texts by its most common and its shortest one; ``counts``: rules that look for a text."""

    def score(option: frozenset[Literal]) -> tuple[float, ...]:
        common = max(counts[each] for each in option)
        return (-(common // COMMON), min(len(each.text) for each in option), -common, -len(option))

    return score


def as_value(test: Test) -> str | None:
    """The longest text that must be in a value for the test to hold, in lower case."""
    match test:
        case Text(text):
            return text.lower()
        case Wildcard(parts):
            return max((part.lower() for part in parts if isinstance(part, str)), key=len, default=None)
    return None


def as_our_json(test: Test) -> str | None:
    """The same in JSON that we wrote: nothing but quotes, backslashes and control characters looks different."""
    text = as_value(test)
    if text is None:
        return None
    run = max(_OURS.findall(text), key=len, default="")
    if run != text or not isinstance(test, Text) or _NO_STRING.fullmatch(text):
        return run
    before = '"' if test.where in ("whole", "start") else ""
    return before + text + ('"' if test.where in ("whole", "end") else "")


def as_any_json(test: Test) -> str | None:
    """The same in JSON of whomever: letters and digits look the same; numbers have many spellings."""
    text = as_value(test)
    return None if text is None else max((run for run in _RUN.findall(text) if not run.isdecimal()), key=len, default="")
