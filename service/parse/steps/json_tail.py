"""A line that ends in a JSON object, with a time, a level or a whole header of syslog before it."""

from __future__ import annotations

from typing import Any

from service.errors import EventError
from service.parse.json_event import read_json

_MOST = 8
"""Braces before the object that are tried: a header may hold some of its own."""


def json_tail(text: str) -> dict[str, Any]:
    """The fields of the object, and under ``_rest`` the words before it.

    Raises EventError ``no_object`` where the line does not end in one.
    """
    text = text.strip()
    at = -1
    for _ in range(_MOST):
        at = text.find("{", at + 1)
        if at < 0 or text[-1] != "}":
            break
        try:
            found, _ = read_json(text[at:])
        except EventError:
            continue
        before = text[:at].strip()
        return {**found, "_rest": before} if before else found
    raise EventError("parse", "no_object", "the line does not end in a JSON object")
