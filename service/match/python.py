"""Nodes → a Python boolean expression for generated code, and the same as a predicate over mappings.

Text of a selection never becomes part of the code: values stand in ``constants`` under names made here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import re2

from service.match.nodes import (
    And,
    Compare,
    Item,
    Node,
    Not,
    Null,
    Or,
    Present,
    Regex,
    SameAs,
    Test,
    Text,
    TimePart,
    Where,
    Wildcard,
    Within,
)
from service.match.values import Networks, any_text, found_by, number_of, split_path, text_of, time_part, value_at

INLINE_SUBSTRINGS = 16
LONGEST_NUMBER = 100
_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
_VALUE, _LOWERED = "_match_v", "_match_t"


def to_python(node: Node, resolve: Callable[[str], str], constants: dict[str, object]) -> str:
    """Write the Python boolean expression that is true when the node matches; joins safely with and, or, not.

    ``resolve(field)`` gives the Python expression of a field's value (None, str, number, bool, list or dict; a local
    name is fastest). What the expression needs at run time is put into ``constants`` under fresh names. It uses the
    local names ``_match_v`` and ``_match_t`` and never raises.
    """
    match node:
        case And(nodes):
            return _join(" and ", "True", [to_python(child, resolve, constants) for child in nodes])
        case Or(nodes):
            return _join(" or ", "False", [to_python(child, resolve, constants) for child in nodes])
        case Not(child):
            return f"(not {to_python(child, resolve, constants)})"
        case Item(field, tests):
            return _item(field, tests, resolve, constants)


def predicate(node: Node) -> Callable[[Mapping[str, object]], bool]:
    """``event -> does it match``; fields are keys of the mapping, else dotted paths into it."""
    constants: dict[str, object] = {"_match_at": value_at}

    def resolve(field: str) -> str:
        keys = split_path(field)
        name = _constant(constants, field)
        if len(keys) == 1 and keys[0] == field:
            return f"event.get({name})"
        return f"_match_at(event, {name}, {_constant(constants, keys)})"

    return to_function(node, resolve, constants, ("event",))


def to_function(
    node: Node, resolve: Callable[[str], str], constants: dict[str, object], parameters: Sequence[str]
) -> Callable[..., bool]:
    """Make a function of these parameters that says whether the node matches; the rest as for ``to_python``."""
    return _function(f"lambda {', '.join(parameters)}: {to_python(node, resolve, constants)}", constants)


def _item(field: str, tests: tuple[Test, ...], resolve: Callable[[str], str], constants: dict[str, object]) -> str:
    expression = resolve(field)
    value, first = (expression, expression) if expression.isidentifier() else (_VALUE, f"({_VALUE} := {expression})")
    ways: list[str] = []
    on_text = [test for test in tests if isinstance(test, (Text, Wildcard, Regex, Within, Compare, TimePart))]
    if on_text:
        ways.append(_scalar(on_text, value, first, constants))
        first = value
    for test in tests:
        if isinstance(test, Null):
            ways.append(f"{first} is None")
        elif isinstance(test, Present):
            ways.append(f"{first} is not None")
        elif isinstance(test, SameAs):
            ways.append(f"{_constant(constants, _same(test.where))}({first}, {resolve(test.field)})")
        else:
            continue
        first = value
    return _join(" or ", "False", ways)


def _scalar(tests: Sequence[Test], value: str, first: str, constants: dict[str, object]) -> str:
    on_string = _string(tests, value, constants)
    general = any_text(_function(f"lambda {value}: {on_string}", constants))
    otherwise = f"({value} is not None and {_constant(constants, general)}({value}))"  # most fields are missing in most events
    numbers = _numbers(tests, value, constants)
    if numbers:
        otherwise = f"({numbers} if {value}.__class__ is int else {otherwise})"
    return f"({on_string} if {first}.__class__ is str else {otherwise})"


def _numbers(tests: Sequence[Test], value: str, constants: dict[str, object]) -> str:
    """Write the tests for integers, where no text need be made of them; else nothing."""
    ways: list[str] = []
    equal: set[int] = set()
    for test in tests:
        if isinstance(test, Compare):
            ways.append(f"{value} {test.operator} {_constant(constants, test.number)}")
        elif not (isinstance(test, Text) and test.where == "whole" and len(test.text) <= LONGEST_NUMBER):
            return ""
        elif _INTEGER.fullmatch(test.text):
            equal.add(int(test.text))
    if equal:
        ways.append(f"{value} in {_constant(constants, frozenset(equal))}")
    return _join(" or ", "False", ways) if ways else ""


def _string(tests: Sequence[Test], value: str, constants: dict[str, object]) -> str:
    ways: list[str] = []
    lowered = 0
    for cased in (False, True):
        texts = [test for test in tests if isinstance(test, Text) and test.cased is cased]
        ways += (found := _texts(texts, value if cased else "{}", constants, cased=cased))
        lowered += 0 if cased else len(found)
    # The text is lowered once, by whichever comparison comes first.
    once = f"({_LOWERED} := {value}.lower())" if lowered > 1 else f"{value}.lower()"
    for number in range(lowered):
        ways[number] = ways[number].format(once if number == 0 else _LOWERED)
    for test in tests:
        if isinstance(test, Wildcard):
            ways.append(f"{_constant(constants, found_by(_pattern(test), 's' if test.cased else 'is'))}({value})")
        elif isinstance(test, Regex):
            ways.append(f"{_constant(constants, found_by(test.pattern, test.flags))}({value})")
        elif isinstance(test, Compare):
            as_number = f"{_constant(constants, number_of)}({value})"
            ways.append(f"{as_number} {test.operator} {_constant(constants, test.number)}")
        elif isinstance(test, TimePart):
            part = f"{_constant(constants, time_part(test.part))}({value})"
            ways.append(f"{part} {test.operator} {_constant(constants, test.number)}")
    networks = tuple(test.network for test in tests if isinstance(test, Within))
    if networks:
        ways.append(f"{_constant(constants, Networks(networks))}[{value}]")
    return _join(" or ", "False", ways)


def _texts(texts: list[Text], value: str, constants: dict[str, object], *, cased: bool) -> list[str]:
    def of(where: Where) -> list[str]:
        return [test.text if cased else test.text.lower() for test in texts if test.where == where]

    ways: list[str] = []
    if whole := of("whole"):
        ways.append(f"{value} in {_constant(constants, frozenset(whole))}")
    if start := of("start"):
        ways.append(f"{value}.startswith({_constant(constants, tuple(start))})")
    if end := of("end"):
        ways.append(f"{value}.endswith({_constant(constants, tuple(end))})")
    inside = of("inside")
    if len(inside) > INLINE_SUBSTRINGS:
        found = found_by("|".join(re2.escape(text) for text in inside), "s")
        ways.append(f"{_constant(constants, found)}({value})")
    else:
        ways += [f"{_constant(constants, text)} in {value}" for text in inside]
    return ways


def _pattern(test: Wildcard) -> str:
    pieces = [".*" if part is True else "." if part is None else re2.escape(part) for part in test.parts]
    return r"\A" + "".join(pieces) + r"\z"


def _same(where: Where) -> Callable[[object, object], bool]:
    def holds(left: str, right: str) -> bool:
        if where == "whole":
            return left == right
        if where == "inside":
            return right in left
        return left.startswith(right) if where == "start" else left.endswith(right)

    def same(value: object, other: object) -> bool:
        if value.__class__ is str and value == other:
            return True  # whatever way they are compared
        right = None if value is None else text_of(other)
        if right is None:
            return False
        wanted = right.lower()
        return any_text(lambda text: holds(text.lower(), wanted))(value)

    return same


def _join(operator: str, empty: str, parts: list[str]) -> str:
    if len(parts) == 1:
        return parts[0]
    return f"({operator.join(parts)})" if parts else empty


def _constant(constants: dict[str, object], value: object) -> str:
    name = f"_match_{len(constants)}"
    while name in constants:
        name += "_"
    constants[name] = value
    return name


def _function(source: str, constants: dict[str, object]) -> Callable[..., bool]:
    # Code of this module and names it made; no text of a selection is in it.
    return eval(source, dict(constants))  # type: ignore[no-any-return]  # noqa: S307 - an expression of ours; values are constants
