"""Selections as they stand in YAML → nodes; pySigma reads every item, so its rules of escaping and modifiers hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Literal

import re2
from sigma.conditions import ConditionAND
from sigma.exceptions import SigmaError, SigmaRegularExpressionError
from sigma.modifiers import modifier_mapping
from sigma.rule import SigmaDetectionItem
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    SpecialChars,
    TimestampPart,
)

from service.errors import ContentError, Place
from service.match.nodes import (
    And,
    Compare,
    Item,
    Node,
    Not,
    Null,
    Operator,
    Or,
    Part,
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
from service.match.values import compile_regex, text_of

Locate = Callable[..., Place]
"""``locate(*keys) -> Place`` of a key inside the selection; keys are mapping keys and list indices."""

At = tuple[str | int, ...]

TEXT = "_text"
EXPAND = "expand"
ALIASES = {"utf16le": "wide"}
"""Names of the specification that pySigma does not know, and the same modifier's name there."""
SUPPORTED = sorted({*modifier_mapping, *ALIASES} - {EXPAND})
_PARTS: dict[TimestampPart, Part] = {
    TimestampPart.MINUTE: "minute",
    TimestampPart.HOUR: "hour",
    TimestampPart.DAY: "day",
    TimestampPart.WEEK: "week",
    TimestampPart.MONTH: "month",
    TimestampPart.YEAR: "year",
}
Lists = Mapping[str, Sequence[str]]
"""Placeholder → what it stands for, for ``|expand``."""
_FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}
_RE2_HINT = "RE2 syntax: no look-around, no back references, no repetition over 1000"
_OPERATORS: dict[CompareOperators, Operator] = {
    CompareOperators.LT: "<",
    CompareOperators.LTE: "<=",
    CompareOperators.GT: ">",
    CompareOperators.GTE: ">=",
}


def parse_selection(selection: object, place: Place, locate: Locate | None = None, lists: Lists | None = None) -> Node:
    """Read a Sigma selection: a mapping is AND, a list of mappings OR, a list of plain values keywords in ``_text``.

    ``place`` is where the selection stands; ``locate``, when given, finds the place of a key inside it. ``lists`` are
    what ``|expand`` puts in for placeholders; without them it is refused. Raises ContentError: bad_selection,
    empty_selection, bad_field, bad_value, bad_regex, unknown_modifier, unknown_placeholder.
    """
    return _Reader(place, locate, lists).node(selection, ())


class _Reader:
    def __init__(self, place: Place, locate: Locate | None, lists: Lists | None) -> None:
        self.place = place
        self.locate = locate
        self.lists = lists

    def node(self, selection: object, at: At) -> Node:
        if isinstance(selection, dict):
            if not selection:
                raise self.refused(at, "empty_selection", "an empty selection matches everything", "name a field")
            nodes = [self.item(key, value, (*at, key)) for key, value in selection.items()]
            return nodes[0] if len(nodes) == 1 else And(tuple(nodes))
        if isinstance(selection, list):
            if not selection:
                raise self.refused(at, "empty_selection", "an empty list matches nothing", "add a mapping or remove it")
            alternatives = [self.node(one, (*at, number)) for number, one in enumerate(selection)]
            return alternatives[0] if len(alternatives) == 1 else Or(tuple(alternatives))
        if isinstance(selection, (str, int, float)):
            return self.item("", selection, at)
        raise self.refused(at, "bad_selection", f"a selection cannot be {_kind(selection)}", "write a mapping of field: value")

    def item(self, key: object, value: object, at: At) -> Node:
        if not isinstance(key, str):
            raise self.refused(at, "bad_field", f"field names are text, {key!r} is not", "put it in quotes")
        self.check_modifiers(key, at)
        values = value if isinstance(value, list) else [value]
        for one in values:
            if one is not None and not isinstance(one, (str, int, float)):
                raise self.refused(at, "bad_value", f"{key}: {_kind(one)} is no value to compare with", "write text or numbers")
        if not values:
            raise self.refused(at, "bad_value", f"{key}: an empty list matches nothing", "add a value")
        try:
            known = "|".join(ALIASES.get(part, part) if at_ else part for at_, part in enumerate(key.split("|")))
            parsed = SigmaDetectionItem.from_mapping(known or None, value)  # type: ignore[arg-type]  # pySigma takes None for keywords
        except SigmaRegularExpressionError as error:
            raise self.refused(at, "bad_regex", f"{key}: {error.args[0]}", _RE2_HINT) from error
        except (SigmaError, AttributeError, TypeError) as error:
            raise self.refused(at, "bad_value", f"{key}: {error}", "see the Sigma specification of this modifier") from error
        field = parsed.field or TEXT
        groups = [self.tests(one, field, parsed.field is None, at) for one in parsed.value]
        if parsed.value_linking is ConditionAND and len(groups) > 1:
            node: Node = And(tuple(Item(field, group) for group in groups))
        else:
            node = Item(field, tuple(test for group in groups for test in group))
        return Not(node) if parsed.negated else node

    def check_modifiers(self, key: str, at: At) -> None:
        for modifier in key.split("|")[1:]:
            if modifier in SUPPORTED or (modifier == EXPAND and self.lists is not None):
                continue
            close = get_close_matches(modifier, SUPPORTED, 1)
            hint = f"did you mean |{close[0]}?" if close else "known: " + ", ".join(SUPPORTED)
            what = "is not supported here" if modifier == EXPAND else "is not a Sigma modifier"
            raise self.refused(at, "unknown_modifier", f"{key}: |{modifier} {what}", hint)

    def tests(self, value: SigmaType, field: str, keyword: bool, at: At) -> tuple[Test, ...]:  # noqa: FBT001 - this class alone calls it
        match value:
            case SigmaExpansion():
                return tuple(test for one in value.values for test in self.tests(one, field, keyword, at))
            case SigmaString():
                cased = isinstance(value, SigmaCasedString)
                return tuple(_of_string(each, cased=cased, keyword=keyword) for each in self.expanded(value, at))
            case SigmaTimestampPart():
                return (TimePart(_PARTS[value.timestamp_part], "==", value.number),)
            case SigmaNumber() | SigmaBool():
                plain = value.number if isinstance(value, SigmaNumber) else value.boolean
                return (Text(text_of(plain) or "", "inside" if keyword else "whole"),)
            case SigmaNull():
                return (Null(),)
            case SigmaExists():
                return (Present() if value.exists else Null(),)
            case SigmaRegularExpression():
                return (self.regex(value, field, at),)
            case SigmaCIDRExpression():
                return (Within(value.network),)
            case SigmaCompareExpression():
                return (_of_comparison(value),)
            case SigmaFieldReference():
                return (SameAs(value.field, _WHERE[value.starts_with, value.ends_with]),)
        raise self.refused(at, "bad_value", f"{field}: {type(value).__name__} is not supported", "")

    def regex(self, value: SigmaRegularExpression, field: str, at: At) -> Regex:
        regex = Regex(str(value.regexp), "".join(sorted(_FLAGS[f] for f in value.flags)))
        try:  # pySigma asked Python's engine, and RE2 will run it
            compile_regex(regex.pattern, regex.flags)
        except re2.error as error:
            raise self.refused(at, "bad_regex", f"{field}: {error}", _RE2_HINT) from error
        return regex

    def expanded(self, value: SigmaString, at: At) -> list[SigmaString]:
        """The texts that a text with placeholders stands for."""

        def values_of(placeholder: Placeholder) -> Iterator[str | SpecialChars | Placeholder | SigmaString]:
            found = None if self.lists is None else self.lists.get(placeholder.name)
            if not found:
                reason = f"nothing says what %{placeholder.name}% stands for"
                raise self.refused(at, "unknown_placeholder", reason, "name it in the file of placeholders")
            return iter([SigmaString(each) for each in found])

        return value.replace_placeholders(values_of)

    def refused(self, at: At, code: str, reason: str, hint: str) -> ContentError:
        place = self.place if self.locate is None or not at else self.locate(*at)
        return ContentError(place, code, reason, hint)


_WHERE: dict[tuple[bool, bool], Where] = {
    (False, False): "whole",
    (True, False): "start",
    (False, True): "end",
    (True, True): "inside",
}


def _of_comparison(value: SigmaCompareExpression) -> Test:
    operator = _OPERATORS[value.op]
    if isinstance(value.number, SigmaTimestampPart):
        return TimePart(_PARTS[value.number.timestamp_part], operator, value.number.number)
    return Compare(operator, value.number.number)


def _of_string(value: SigmaString, *, cased: bool, keyword: bool) -> Test:
    parts = _parts(value)
    if keyword:  # a keyword stands anywhere in the text
        if parts[:1] != [True]:
            parts.insert(0, True)
        if parts[-1:] != [True]:
            parts.append(True)
    match parts:
        case []:
            return Text("", "whole", cased)
        case [True]:
            return Present()
        case [str(text)]:
            return Text(text, "whole", cased)
        case [str(text), True]:
            return Text(text, "start", cased)
        case [True, str(text)]:
            return Text(text, "end", cased)
        case [True, str(text), True]:
            return Text(text, "inside", cased)
        case _:
            return Wildcard(tuple(parts), cased)


def _parts(value: SigmaString) -> list[str | Literal[True] | None]:
    parts: list[str | Literal[True] | None] = []
    for part in value.s:
        if isinstance(part, str):
            parts.append(part)
        elif part is not SpecialChars.WILDCARD_MULTI:
            parts.append(None)
        elif parts[-1:] != [True]:
            parts.append(True)
    return parts


def _kind(value: Any) -> str:
    return {dict: "a mapping", list: "a list", type(None): "empty"}.get(type(value), f"a {type(value).__name__}")
