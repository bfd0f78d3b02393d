"""A rule as a question to an index: a Lucene query, by pySigma's OpenSearch backend, that finds whatever the rule matches.

An index cannot answer everything that a rule asks: some fields are not indexed, the raw event is only stored, keywords know the
case of their letters. What it cannot answer is left open, so that the query finds too much and never too little; its finds are
candidates, which the rule itself is asked about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from sigma.backends.opensearch.opensearch import OpensearchLuceneBackend
from sigma.conditions import ConditionAND, ConditionFieldEqualsValueExpression, ConditionItem, ConditionNOT, ConditionOR
from sigma.conversion.state import ConversionState
from sigma.exceptions import SigmaError
from sigma.types import (
    SigmaBool,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaType,
)

from service.detect.compiled import Resolved
from service.detect.spots import KEYWORDS, Spot
from service.match import And, Item, Node, Not, Or
from service.match.nodes import Compare, Null, Present, Test, Text, Wildcard, Within

MOST_TESTS = 200
"""Values of one item, beyond which the index is only asked whether there is a value: queries have an end."""
LONGEST_PATTERN = 800
"""Characters of a pattern; an index takes 1,000 (``index.max_regex_length``)."""
_INTEGERS = frozenset({"long", "integer", "short", "byte"})
_OPERATORS = {
    "<": SigmaCompareExpression.CompareOperators.LT,
    "<=": SigmaCompareExpression.CompareOperators.LTE,
    ">": SigmaCompareExpression.CompareOperators.GT,
    ">=": SigmaCompareExpression.CompareOperators.GTE,
}
_THERE = SigmaExists(True)  # noqa: FBT003 - pySigma's own
# In Python and RE2 these letters have a third form: the Kelvin sign, the long s, the dotted I.
_FORMS = {"k": "kK\u212a", "s": "sS\u017f", "i": "iI\u0130"}


@dataclass(frozen=True, slots=True)
class Column:
    """What every index of a dataset can be asked about a field."""

    type: str
    """As OpenSearch calls it."""
    longest: int | None = None
    """Texts with more characters are stored and not indexed."""


@dataclass(slots=True)
class Question:
    """A rule as an index can be asked about it."""

    query: str | None
    """Lucene; None: every event of the log source is a candidate."""
    open: list[str] = field(default_factory=list)
    """What of the rule the index is not asked, and why."""


def asked_of(rule: Resolved) -> set[str]:
    """Fields of the document that the rule asks for: those whose columns are worth knowing."""
    return {spot.path for found in rule.where.values() for spot in found if spot.plain}


def question(rule: Resolved, columns: Mapping[str, Column]) -> Question:
    """The query that finds every document the rule matches, where ``columns`` are what all its indices have."""
    writer = _Writer(rule, columns)
    condition = writer.node(rule.node, positive=True)
    said = list(dict.fromkeys(writer.open))
    if condition is True:
        return Question(None, said)
    if condition is False:
        return Question("NOT *:*", said)
    try:
        query = OpensearchLuceneBackend().convert_condition(condition, ConversionState())
    except SigmaError as error:
        return Question(None, [*said, f"pySigma: {error}"])
    return Question(str(query), said)


Condition = ConditionItem | ConditionFieldEqualsValueExpression | bool
"""True and False are what is always and never so."""


class _Writer:
    """Writes nodes as pySigma's conditions: one that holds whenever the node does, or (not ``positive``) only when it does."""

    def __init__(self, rule: Resolved, columns: Mapping[str, Column]) -> None:
        self.rule = rule
        self.columns = columns
        self.open: list[str] = []

    def node(self, node: Node, *, positive: bool) -> Condition:
        match node:
            case And(nodes):
                return _all([self.node(each, positive=positive) for each in nodes])
            case Or(nodes):
                return _any([self.node(each, positive=positive) for each in nodes])
            case Not(inner):
                return _not(self.node(inner, positive=not positive))
            case Item(name, tests):
                spots = self.rule.where[name]
                return self._may(name, spots, tests) if positive else self._must(name, spots, tests)

    def _may(self, name: str, spots: Sequence[Spot], tests: Sequence[Test]) -> Condition:
        """Whatever the item holds for is found."""
        if not self._known(name, spots):
            return True
        nothing: list[Condition] = []
        values: list[Condition] = []
        if any(isinstance(test, Null) for test in tests):
            nothing.append(_all([_not(_exists(spot.path)) for spot in spots]))
        asked = [test for test in tests if not isinstance(test, Null)]
        for spot in spots if asked else ():
            column = self.columns[spot.path]
            answers = [_value(test, column, loose=True) for test in asked[: MOST_TESTS + 1]]
            if len(asked) > MOST_TESTS or any(each is None for each in answers):
                values.append(_exists(spot.path))
                self._leave_open(spot.path, "what its value must be like")
            else:
                values += [_is(spot.path, each) for each in answers if each is not None]
            # A text that was too long for the index can only be told by its absence.
            if column.longest is not None and not all(_is_short(test, column.longest) for test in asked):
                if self._is_list(spot.path):
                    self._leave_open(spot.path, f"texts of more than {column.longest} characters in its lists")
                    return True
                values.append(_not(_exists(spot.path)))
        return _any([*nothing, *values])

    def _must(self, name: str, spots: Sequence[Spot], tests: Sequence[Test]) -> Condition:
        """Only what the item holds for is found."""
        if not self._known(name, spots):
            return False
        found: list[Condition] = []
        path = spots[0].path
        column = self.columns[path]
        for test in tests[:MOST_TESTS]:
            if isinstance(test, Null):
                if all(self.columns[spot.path].longest is None for spot in spots):
                    found.append(_all([_not(_exists(spot.path)) for spot in spots]))
            elif isinstance(test, Present):
                found.append(_exists(path))
            elif (value := _value(test, column, loose=False)) is not None:
                found.append(_is(path, value))
        return _any(found)

    def _known(self, name: str, spots: Sequence[Spot]) -> bool:
        for spot in spots:
            if name == KEYWORDS:
                self._leave_open("keywords", "they are looked for in the raw event, which is stored, not indexed")
            elif spot.raw is not None:
                self._leave_open(spot.path, "it stands in the raw event alone, which is stored, not indexed")
            elif spot.bare:
                self._leave_open(spot.path, "its folder")
            elif not spot.plain:
                self._leave_open(spot.path, "which of them")
            elif spot.path not in self.columns:
                self._leave_open(spot.path, "not every index has an index of it")
            else:
                continue
            return False
        return True

    def _is_list(self, path: str) -> bool:
        spec = self.rule.catalogue.get(path)
        return spec is not None and spec.array

    def _leave_open(self, path: str, what: str) -> None:
        self.open.append(f"{path}: {what}")


def _value(test: Test, column: Column, *, loose: bool) -> SigmaType | None:
    """The test as pySigma writes it for a column of this type; None where the index cannot be asked.

    ``loose``: it may find more than the test holds for; otherwise it must find nothing else.
    """
    match test:
        case Present():
            return _THERE
        case Text() | Wildcard() if column.type == "keyword":
            return _pattern(test, loose=loose)
        case Text(text, "whole"):
            return _plain(text, column.type)
        case Compare(operator, number) if column.type in _INTEGERS:
            return SigmaCompareExpression(SigmaNumber(number), _OPERATORS[operator])
        case Within(network) if column.type == "ip":
            return SigmaCIDRExpression(str(network))
    return None


def _plain(text: str, kind: str) -> SigmaType | None:
    if kind in _INTEGERS and text.removeprefix("-").isdecimal() and text.isascii() and str(int(text)) == text:
        return SigmaNumber(int(text))
    if kind == "boolean" and text.lower() in ("true", "false"):
        return SigmaBool(text.lower() == "true")
    if kind == "ip":
        try:
            return SigmaString(str(ip_address(text))) if "%" not in text else None
        except ValueError:
            return None
    return None


def _pattern(test: Text | Wildcard, *, loose: bool) -> SigmaType | None:
    """A regular expression of Lucene's: an index of keywords knows the letters as they were written."""
    match test:
        case Text(text, where):
            before = (True,) if where in ("end", "inside") else ()
            after = (True,) if where in ("start", "inside") else ()
            parts: tuple[str | bool | None, ...] = (*before, text, *after)
        case Wildcard():
            parts = test.parts
    written: list[str] = []
    length = 0
    for part in parts:
        pieces = [".*"] if part is True else ["."] if not isinstance(part, str) else [_letter(each, test, loose) for each in part]
        for piece in pieces:
            if piece is None:  # a letter whose forms nobody knows
                return None
            length += len(piece)
            if length > LONGEST_PATTERN:
                return SigmaRegularExpression("".join(written) + ".*") if loose else None
            written.append(piece)
    return SigmaRegularExpression("".join(written)) if written else None


def _letter(letter: str, test: Text | Wildcard, loose: bool) -> str | None:  # noqa: FBT001 - internal, beside its only caller
    if not letter.isascii():
        return letter if test.cased and letter.isprintable() else ".?" if loose else None
    if letter.isalpha():
        lower = letter.lower()
        if test.cased:
            return letter
        return f"[{_FORMS.get(lower, lower + lower.upper()) if loose else lower + lower.upper()}]"
    if letter.isdecimal():
        return letter
    # Before the closing slash a backslash would be taken for an escape.
    return "[\\\\]" if letter == "\\" else letter if letter in "/ _" or not letter.isprintable() else f"\\{letter}"


def _is_short(test: Test, longest: int) -> bool:
    """Whether a value for which the test holds is short enough to be in the index."""
    return isinstance(test, Text) and test.where == "whole" and len(test.text) * 2 <= longest


def _is(path: str, value: SigmaType) -> ConditionFieldEqualsValueExpression:
    return ConditionFieldEqualsValueExpression(path, value)


def _exists(path: str) -> ConditionFieldEqualsValueExpression:
    return _is(path, _THERE)


def _all(conditions: Sequence[Condition]) -> Condition:
    if any(each is False for each in conditions):
        return False
    kept = [each for each in conditions if not isinstance(each, bool)]
    return _joined(ConditionAND, kept) if kept else True


def _any(conditions: Sequence[Condition]) -> Condition:
    if any(each is True for each in conditions):
        return True
    kept = [each for each in conditions if not isinstance(each, bool)]
    return _joined(ConditionOR, kept) if kept else False


def _joined(kind: type[ConditionAND | ConditionOR], kept: list[ConditionItem | ConditionFieldEqualsValueExpression]) -> Condition:
    return kept[0] if len(kept) == 1 else kind(list(kept))


def _not(condition: Condition) -> Condition:
    return not condition if isinstance(condition, bool) else ConditionNOT([condition])
