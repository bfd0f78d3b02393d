"""Correlation rules with their references resolved, and what their conditions mean over a window of events."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from service.detect.rule import About

Kind = Literal[
    "event_count",
    "value_count",
    "temporal",
    "temporal_ordered",
    "value_sum",
    "value_avg",
    "value_percentile",
    "value_median",
]
Operator = Literal["gt", "gte", "eq"]
Event = list[Any]
"""``[time, ref, rule, value]``: of the rule its number."""
TIME, REF, RULE, VALUE = range(4)


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part holds."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One part holds."""

    parts: tuple[Expression, ...]


Expression = AllOf | AnyOf | str
"""Over ids of rules: a rule's id holds when it occurred."""


@dataclass(frozen=True, slots=True)
class Correlation:
    """A correlation rule whose references are resolved."""

    about: About
    kind: Kind
    rules: tuple[str, ...]
    """Ids of the base rules (or correlations), in the order of the file."""
    timespan_ms: int
    group_by: tuple[str, ...]
    """As the rule writes them."""
    operator: Operator
    count: float
    fields: tuple[str, ...] = ()
    """Whose values are counted, summed …"""
    percentile: int | None = None
    expression: Expression | None = None
    """What must have occurred, where the condition of a temporal correlation is an expression."""
    generate: bool = False
    """Its base rules raise alerts of their own, too."""
    across_projects: bool = False
    """Events of all projects count together."""


def time_of(event: Event) -> int:
    """Milliseconds."""
    return int(event[TIME])


_COUNTING: frozenset[Kind] = frozenset({"event_count", "value_count", "temporal", "temporal_ordered"})
"""Kinds in which an event counts as one at most."""

Holds = Callable[[Sequence[Event]], bool]


def condition_of(correlation: Correlation, number: dict[str, int]) -> Holds:
    """``window -> does the condition hold``."""
    reached = _reached(correlation.operator, correlation.count)
    expression = correlation.expression
    match correlation.kind:
        case "event_count":
            return lambda window: reached(len(window))
        case "value_count":
            return lambda window: reached(len({event[VALUE] for event in window if event[VALUE] is not None}))
        case "temporal":
            if expression is not None:
                return lambda window: _true(expression, {event[RULE] for event in window}, number)
            return lambda window: reached(len({event[RULE] for event in window}))
        case "temporal_ordered":
            wanted = len(number)
            return lambda window: _in_order(window, wanted)
        case kind:
            return lambda window: _measured(kind, window, correlation.percentile, reached)


def least_events(correlation: Correlation) -> int:
    """How many events a window has at least for which the condition holds."""
    if correlation.expression is not None or correlation.kind not in _COUNTING:
        return 1
    return math.floor(correlation.count) + 1 if correlation.operator == "gt" else math.ceil(correlation.count)


def _reached(operator: Operator, count: float) -> Callable[[float], bool]:
    match operator:
        case "gt":
            return lambda value: value > count
        case "gte":
            return lambda value: value >= count
        case "eq":
            return lambda value: value == count


def _true(expression: Expression, occurred: set[int], number: dict[str, int]) -> bool:
    match expression:
        case AllOf(parts):
            return all(_true(part, occurred, number) for part in parts)
        case AnyOf(parts):
            return any(_true(part, occurred, number) for part in parts)
        case str(rule):
            return number[rule] in occurred


def _in_order(window: Sequence[Event], wanted: int) -> bool:
    """Whether the rules occurred one after the other, in their order; of what happened at the same time any may be first."""
    reached = 0
    for _, together in groupby(window, key=time_of):
        rules = {event[RULE] for event in together}
        while reached in rules:
            reached += 1
    return reached == wanted


def _measured(kind: Kind, window: Sequence[Event], percentile: int | None, reached: Callable[[float], bool]) -> bool:
    values = sorted(event[VALUE] for event in window if isinstance(event[VALUE], (int, float)))
    if not values:
        return False
    match kind:
        case "value_sum":
            return reached(sum(values))
        case "value_avg":
            return reached(sum(values) / len(values))
        case "value_median":
            return reached(statistics.median(values))
        case _:
            # The nearest rank: the smallest value that so many percent do not exceed.
            return reached(values[max(0, -(-len(values) * (percentile or 0) // 100) - 1)])
