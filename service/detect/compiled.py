"""A rule for one dataset, compiled: names resolved through the dataset's views, what can never be folded away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from service.detect.logsource import View
from service.detect.rule import Rule
from service.detect.seen import Seen
from service.detect.spots import Spot, look, spots
from service.fields import Catalogue
from service.match import And, Item, Node, Not, Or, predicate, to_function
from service.match.nodes import Null, SameAs, Test, Text

TRUE: Node = And(())
FALSE: Node = Or(())
EMPTY: Test = Text("")

Holds = Callable[[Seen], bool]
"""Does the rule match?"""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A rule as one dataset's documents see it: ``node`` over names of ``where``."""

    rule: Rule
    dataset: str
    node: Node
    where: Mapping[str, tuple[Spot, ...]]
    """Name in ``node`` → where its value is."""
    views: Sequence[View]
    catalogue: Catalogue

    def locate(self, name: str) -> tuple[Spot, ...]:
        """Where any other name that the rule might use is; empty when nobody knows it."""
        for view in self.views:
            if found := spots(name, view, self.catalogue):
                return found
        return ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """A name that no view of the dataset knows."""

    name: str


def resolve(rule: Rule, dataset: str, views: Sequence[View], catalogue: Catalogue) -> Resolved | Unknown:
    """The rule over the dataset's fields. A node that is ``FALSE`` can never match; nor can one whose names are unknown."""
    where: dict[str, tuple[Spot, ...]] = {}
    nodes: list[Node] = []
    for view in views:
        condition = rule.node if view.when is None else And((view.when, rule.node))
        seen = _Seen(view, catalogue, where)
        node = seen.node(condition)
        if seen.unknown is not None:
            return Unknown(seen.unknown)
        nodes.append(node)
    return Resolved(rule, dataset, fold(Or(tuple(nodes))), where, views, catalogue)


class _Seen:
    """Rewrites nodes from a rule's names to names of spots."""

    def __init__(self, view: View, catalogue: Catalogue, where: dict[str, tuple[Spot, ...]]) -> None:
        self.view = view
        self.catalogue = catalogue
        self.where = where
        self.unknown: str | None = None

    def node(self, node: Node) -> Node:
        match node:
            case And(nodes):
                return And(tuple(self.node(each) for each in nodes))
            case Or(nodes):
                return Or(tuple(self.node(each) for each in nodes))
            case Not(inner):
                return Not(self.node(inner))
            case Item(field, tests):
                return self.item(field, tests)

    def item(self, field: str, tests: tuple[Test, ...]) -> Node:
        if (constant := self.view.constants.get(field)) is not None:
            return TRUE if predicate(Item("constant", tests))({"constant": constant}) else FALSE
        if (names := self.view.either.get(field)) is not None:
            return self.either(names, tests)
        name = self.name(field)
        if name is None:  # never there: only the test for nothing holds
            nothing = any(isinstance(test, Null) or (test == EMPTY and self.view.empty_is_nothing) for test in tests)
            return TRUE if nothing else FALSE
        kept: list[Test] = []
        words = self.view.words.get(field, {})
        for test in tests:
            if isinstance(test, SameAs):
                other = self.name(test.field)
                if other is not None:
                    kept.append(SameAs(other, test.where))
            else:
                kept.append(test)
                if isinstance(test, Text) and test.where == "whole" and test.text in words:
                    kept.append(Text(words[test.text]))
        if EMPTY in kept and self.view.empty_is_nothing:
            kept.append(Null())
        return Item(name, tuple(kept)) if kept else FALSE

    def either(self, names: list[str], tests: tuple[Test, ...]) -> Node:
        """One of the names has such a value; nothing is there when none has any."""
        asked = tuple(test for test in tests if not isinstance(test, Null))
        ways = [self.item(name, asked) for name in names] if asked else []
        if len(asked) < len(tests):
            ways.append(And(tuple(self.item(name, (Null(),)) for name in names)))
        return Or(tuple(ways))

    def name(self, field: str) -> str | None:
        found = spots(field, self.view, self.catalogue)
        if found is None:
            self.unknown = self.unknown or field
            return None
        if not found:
            return None
        name = "|".join(spot.name for spot in found)
        self.where[name] = found
        return name


def fold(node: Node) -> Node:
    """The node without what is always or never so."""
    match node:
        case And(nodes):
            kept = [each for each in map(fold, nodes) if each != TRUE]
            if FALSE in kept:
                return FALSE
            return kept[0] if len(kept) == 1 else And(tuple(kept))
        case Or(nodes):
            kept = [each for each in map(fold, nodes) if each != FALSE]
            if TRUE in kept:
                return TRUE
            return kept[0] if len(kept) == 1 else Or(tuple(kept))
        case Not(inner):
            folded = fold(inner)
            return FALSE if folded == TRUE else TRUE if folded == FALSE else Not(folded)
        case Item():
            return node


def compile_rule(resolved: Resolved) -> Holds:
    """The predicate; raises for no document."""
    constants: dict[str, object] = {}
    names: dict[str, str] = {}

    def operand(field: str) -> str:
        name = names.get(field)
        if name is None:
            name = names[field] = f"_look_{len(names)}"
            constants[name] = look(resolved.where[field])
        return f"{name}(seen)"

    return to_function(resolved.node, operand, constants, ("seen",))
