"""What is left of a condition when most fields are missing, and which patterns it cannot do without."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from service.match.nodes import And, Item, Node, Not, Null, Or, Regex, SameAs

ALWAYS = And(())
NEVER = Or(())


def of_fields(node: Node, there: AbstractSet[str]) -> Node:
    """The condition on events that have no field but those in ``there``; ``ALWAYS`` or ``NEVER`` when nothing is left."""
    match node:
        case Item(field, tests):
            if field not in there:
                return ALWAYS if any(isinstance(test, Null) for test in tests) else NEVER
            left = tuple(test for test in tests if not isinstance(test, SameAs) or test.field in there)
            return Item(field, left) if left else NEVER
        case And(nodes):
            children = [child for child in (of_fields(each, there) for each in nodes) if child != ALWAYS]
            if NEVER in children:
                return NEVER
            return children[0] if len(children) == 1 else And(tuple(children))
        case Or(nodes):
            children = [child for child in (of_fields(each, there) for each in nodes) if child != NEVER]
            if ALWAYS in children:
                return ALWAYS
            return children[0] if len(children) == 1 else Or(tuple(children))
        case Not(child):
            inner = of_fields(child, there)
            return NEVER if inner == ALWAYS else ALWAYS if inner == NEVER else Not(inner)


def needed(node: Node, field: str) -> tuple[Regex, ...]:
    """Patterns one of which is found in the text of ``field`` whenever the node matches; none when that cannot be said."""
    match node:
        case Item(name, tests):
            patterns = tuple(test for test in tests if isinstance(test, Regex))
            return patterns if name == field and len(patterns) == len(tests) else ()
        case And(nodes):
            return next((found for child in nodes if (found := needed(child, field))), ())
        case Or(nodes):
            each = [needed(child, field) for child in nodes]
            return tuple(pattern for found in each for pattern in found) if all(each) else ()
        case Not():
            return ()
