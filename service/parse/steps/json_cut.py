"""JSON objects that a service cuts off after so many characters, and text that is no JSON at all."""

from __future__ import annotations

import re
from typing import Any

from service.errors import EventError
from service.parse.json_event import read_json

CUT = "_cut"
"""Raw field that says so when the object was cut off."""
LONGEST = 1 << 17
"""Characters of a broken object that are looked through; what is longer stays text."""
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[{}\[\],]', re.DOTALL)
_CLOSING = {"{": "}", "[": "]"}


def json_cut(text: str) -> dict[str, Any]:
    """The raw fields of a JSON object, of one that was cut off those before the cut and ``_cut``; none for other text.

    Raises EventError for nothing, and for an object that is nested too deep.
    """
    start = text.lstrip()
    if not start:
        raise EventError("parse", "empty", "there is nothing but blanks")
    if start[0] != "{":
        return {}
    try:
        return read_json(text)[0]
    except EventError as error:
        if error.code != "not_json" or len(start) > LONGEST:
            if error.code == "not_json":
                return {}
            raise
    whole = closed(start)
    if whole is None:
        return {}
    try:
        fields = read_json(whole)[0]
    except EventError:
        return {}
    return {**fields, CUT: True} if fields else {}


def closed(text: str) -> str | None:
    """The text up to its last whole value, with what is open there closed; None when it is no object that was cut off."""
    open_: list[str] = []
    end, closing = 0, ""
    for token in _TOKEN.finditer(text):
        match token[0]:
            case "{" | "[" as bracket:
                open_.append(_CLOSING[bracket])
                if len(open_) > 64:
                    return None
            case "}" | "]" as bracket:
                if not open_ or open_.pop() != bracket:
                    return None
                if not open_:
                    return None  # it ends: what is broken is broken inside
                end, closing = token.end(), "".join(reversed(open_))
            case ",":
                end, closing = token.start(), "".join(reversed(open_))
    return text[:end] + closing if end else None
