"""``key=value`` text: ``user=ann action="log in" bytes=12``; what has no key is the message."""

from __future__ import annotations

from itertools import islice
from typing import Any

import re2

from service.errors import EventError

_PAIR = re2.compile(r'([A-Za-z_@][A-Za-z0-9_.@-]{0,99})=("(?:[^"\\]|\\.)*"|[^\s,;|"]*)[\s,;|]*')
_ABSENT = ("", "-")
_MOST = 2_000
"""Pairs of one text; what follows them stays as it is."""


def key_value(text: str) -> dict[str, Any]:
    """The pairs, and under ``_rest`` the words between them; of a key that stands twice the first wins.

    Raises EventError ``no_pairs`` for text that has not one.
    """
    found: dict[str, Any] = {}
    rest: list[str] = []
    at = 0
    for pair in islice(_PAIR.finditer(text), _MOST):
        rest.append(text[at : pair.start()].strip(" \t,;|"))
        at = pair.end()
        key, value = pair.groups()
        if value[:1] == '"':
            value = value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
        if value not in _ABSENT:
            found.setdefault(key, value)
    if not at:
        raise EventError("parse", "no_pairs", "the text has no key=value pair")
    rest.append(text[at:].strip(" \t,;|"))
    words = " ".join(filter(None, rest))
    if words:
        found["_rest"] = words
    return found


def logfmt(text: str) -> dict[str, Any]:
    """The same for a program's log, in which a line without any pair (a panic, a banner) is all ``_rest``.

    Raises EventError ``empty`` for a line of blanks.
    """
    if not text.strip():
        raise EventError("parse", "empty", "there is nothing but blanks")
    try:
        return key_value(text)
    except EventError:
        return {"_rest": text.strip()}
