"""A list of events that is no valid JSON as a whole: its sound elements flow on, the broken ones become dead letters."""

from __future__ import annotations

import re

from service.decode.extent import flaw, measure
from service.decode.json_value import read_element
from service.decode.units import Units

ATTEMPTS = 64
"""Broken elements before the rest of the list is given up; each may cost a look at all that follows."""
_LIST = re.compile(rb'(?:\{\s*"Records"\s*:\s*)?\[\s*(?=\{\s*["}])')
_BETWEEN = re.compile(rb"[\s,]*")
_OPENING = re.compile(rb'\{\s*"[^"\n]*"')
_OBJECT = re.compile(rb"[,\n][ \t\r\f\v]*+(?=\{)")
_CLOSING = re.compile(rb"\]\s*\}?")


def salvage(data: bytes, start: int, line: int, units: Units) -> int:
    """Add the elements of the list beginning at ``start`` (an array, or ``Records`` in an object).

    Gives where it ends; 0, and nothing is added, when no such list begins there.
    """
    head = _LIST.match(data, start)
    if head is None:
        return 0
    limit = data.find(b"\n" + head[0], head.end())
    limit = limit if limit >= 0 else len(data)
    units.enter(line)
    end = _elements(data, head.end(), limit, units)
    units.enter(0)
    return end


def _elements(data: bytes, at: int, limit: int, units: Units) -> int:
    number, attempts = 0, ATTEMPTS
    while True:
        between = _BETWEEN.match(data, at, limit)
        at = between.end() if between is not None else at
        closing = _CLOSING.match(data, at, limit)
        if at >= limit or closing is not None:
            return closing.end() if closing is not None else limit
        number += 1
        if units.full or not attempts:
            units.gives_up(data[at:limit], number)
            return limit
        end, error = measure(data, at, limit)
        if end and data[at : at + 1] == b"{":
            read_element(data[at:end], number, units)
            at = end
            continue
        attempts -= 1
        end = _next_element(data, at, limit)
        unit = data[at:end].rstrip(b" \t\r\n,")
        units.breaks(unit, number, *flaw(unit, error or "a list of events holds something that is no object"))
        at = end


def _next_element(data: bytes, at: int, limit: int) -> int:
    """Where something begins as the broken element at ``at`` did, for elements of a list mostly do; else any object."""
    opening = _OPENING.match(data, at, limit)
    if opening is None:
        following = _OBJECT.search(data, at, limit)
        return following.end() if following is not None else limit
    found = data.find(opening[0], at + 1, limit)
    return found if found >= 0 else limit
