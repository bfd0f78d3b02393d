"""Sigma conditions (``selection and not 1 of filter_*``) over named selections → nodes; pySigma's grammar reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sigma.conditions import (
    ConditionAND,
    ConditionIdentifier,
    ConditionItem,
    ConditionNOT,
    ConditionOR,
    ConditionSelector,
    SigmaCondition,
    unwrap_parse_result_operand,
)
from sigma.exceptions import SigmaError
from sigma.rule.detection import EmptySigmaDetections

from service.errors import ContentError, Place
from service.match.nodes import And, Node, Not, Or

MAX_LENGTH = 10_000
_SHIELD = "name_"
_LIKE_OPERATOR = re.compile(rf"(?<![\w*-])(?={_SHIELD}|(?:not|and|or)[\w*-])")
"""Before names that begin like an operator: pySigma's grammar reads ``nothing`` as ``not hing``."""
_PIPE_HINT = "aggregations are correlation rules of their own now"


def parse_condition(text: str, selections: Mapping[str, Node], place: Place) -> Node:
    """Put the selections together as the condition says.

    Raises ContentError: bad_condition (it is none, it has a pipe, or it names a selection that is not there).
    """
    if "|" in text:
        raise ContentError(place, "bad_condition", f"{text}: conditions with a pipe are not Sigma any more", _PIPE_HINT)
    if len(text) > MAX_LENGTH:
        raise ContentError(place, "bad_condition", f"is longer than {MAX_LENGTH} characters")
    try:
        condition = SigmaCondition(_LIKE_OPERATOR.sub(_SHIELD, text), EmptySigmaDetections())
        parsed = unwrap_parse_result_operand(condition.parse(postprocess=False))
    except (SigmaError, RecursionError) as error:
        raise ContentError(place, "bad_condition", f"{text}: {error}") from error
    return _Reader(text, selections, place).node(parsed)


class _Reader:
    def __init__(self, text: str, selections: Mapping[str, Node], place: Place) -> None:
        self.text = text
        self.selections = selections
        self.place = place

    def node(self, parsed: object) -> Node:
        match parsed:
            case ConditionIdentifier():
                return self.named(parsed.identifier.removeprefix(_SHIELD))
            case ConditionSelector():
                return self.selected(parsed)
            case ConditionNOT():
                return Not(self.node(self.operands(parsed)[0]))
            case ConditionAND():
                return And(tuple(self.node(each) for each in self.operands(parsed)))
            case ConditionOR():
                return Or(tuple(self.node(each) for each in self.operands(parsed)))
        raise ContentError(self.place, "bad_condition", f"{self.text}: not understood")

    def operands(self, parsed: ConditionItem) -> list[object]:
        return [unwrap_parse_result_operand(each) for each in parsed.args]

    def named(self, name: str) -> Node:
        if name not in self.selections:
            hint = f"there are: {', '.join(self.selections)}" if self.selections else ""
            raise ContentError(self.place, "bad_condition", f"there is no selection `{name}`", hint)
        return self.selections[name]

    def selected(self, parsed: ConditionSelector) -> Node:
        wanted = parsed.pattern.removeprefix(_SHIELD)
        pattern = ".*" if wanted == "them" else re.escape(wanted).replace(r"\*", ".*")
        hidden = wanted.startswith("_")  # names that begin so are meant to be named
        found = [
            node for name, node in self.selections.items() if re.fullmatch(pattern, name) and (hidden or not name.startswith("_"))
        ]
        if not found:
            raise ContentError(self.place, "bad_condition", f"no selection is called like `{wanted}`")
        if len(found) == 1:
            return found[0]
        return And(tuple(found)) if parsed.cond_class is ConditionAND else Or(tuple(found))
