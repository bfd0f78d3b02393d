"""What can be said of a rule before its document is read: the rule over few values only, and texts it cannot do without."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from service.detect.compiled import FALSE, TRUE, fold
from service.match import And, Item, Node, Not, Or
from service.match.nodes import SameAs, Test, Text, Wildcard

_RUN = re.compile(r"[a-z0-9_.-]+")
SHORTEST = 3
"""Characters of a text worth looking for."""

Column = Callable[[str], "str | None"]
"""Name in a node → what is known by that name before the document is read; None: nothing."""


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


def literals(node: Node, column: Column, *, spelt: bool = True) -> frozenset[Literal] | None:
    """Texts of which one must be in its column for the node to hold; None where nothing of the kind can be said.

    ``spelt`` False: the column holds the values as JSON writes them, so only runs of letters and digits are sure to be there.
    """
    match node:
        case And(nodes):
            return _best(literals(each, column, spelt=spelt) for each in nodes)
        case Or(nodes):
            found = [literals(each, column, spelt=spelt) for each in nodes]
            if not found or any(each is None for each in found):
                return None
            return frozenset().union(*(each for each in found if each is not None))
        case Not():
            return None
        case Item(field, tests):
            name = column(field)
            texts = [text if spelt or text is None else _plain(text) for text in map(_literal, tests)]
            if name is None or any(text is None or len(text) < SHORTEST for text in texts):
                return None
            return frozenset(Literal(name, text) for text in texts if text is not None)


def _literal(test: Test) -> str | None:
    """The longest text that must be in a value for the test to hold."""
    match test:
        case Text(text):
            return text.lower()
        case Wildcard(parts):
            return max((part.lower() for part in parts if isinstance(part, str)), key=len, default=None)
    return None


def _plain(text: str) -> str:
    """The longest run of a text that looks the same in JSON, whoever wrote it; numbers have many spellings."""
    return max((run for run in _RUN.findall(text) if not run.isdecimal()), key=len, default="")


def _best(options: Iterable[frozenset[Literal] | None]) -> frozenset[Literal] | None:
    """The option whose shortest text is the longest: what is rare is worth looking for."""
    known = [option for option in options if option]
    return max(known, key=lambda option: (min(len(each.text) for each in option), -len(option)), default=None)
