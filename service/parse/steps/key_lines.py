"""Blocks of text with a name and a value on every line, as appliances print their records: ``Opcode : CN_LOGIN (0xd)``."""

from __future__ import annotations

import re
from typing import Any

from service.errors import EventError

_LINE = re.compile(r"\s{0,40}([A-Za-z][^:\n]{0,99}?)\s{0,40}:[ \t]{0,40}+(.*)")
_CODED = re.compile(r"(\S.*?) \((0x[0-9A-Fa-f]{1,16}|\d{1,19})\)")
_NOT_OF_A_NAME = re.compile(r"[^A-Za-z0-9]{1,20}")
_BRACKETS = re.compile(r"\([^()]{0,40}\)")
_MOST = 200
"""Lines of one block that are read."""


def key_lines(text: str) -> dict[str, Any]:
    """The values by the names in lower case with underscores; of ``CN_LOGIN (0xd)`` the number as ``<name>_code``.

    Of a name that stands twice the first counts; lines without a name are together under ``_rest``. Raises EventError
    ``no_pairs`` for text in which no line has a name.
    """
    found: dict[str, Any] = {}
    rest: list[str] = []
    for line in text.replace("\r", "\n").split("\n")[:_MOST]:
        pair = _LINE.fullmatch(line)
        if pair is None:
            rest.append(line.strip())
            continue
        name = _NOT_OF_A_NAME.sub("_", _BRACKETS.sub("", pair[1])).strip("_").lower()
        value = pair[2].strip()
        coded = _CODED.fullmatch(value)
        if not value or not name or name in found:
            continue
        found[name] = value if coded is None else coded[1]
        if coded is not None:
            found[f"{name}_code"] = coded[2]
    if not found:
        raise EventError("parse", "no_pairs", "no line of the text has a name and a value")
    words = "\n".join(filter(None, rest))
    if words:
        found["_rest"] = words
    return found
