"""Raw value → the type of its field. The generated code handles the common type inline and comes here for the rest.

Every function gives None for a value that is not of the type (and cannot honestly be made so).
"""

from __future__ import annotations

from typing import Any

import orjson

LONG = 2**63
_TRUE = frozenset({"true", "yes", "1", "on"})
_FALSE = frozenset({"false", "no", "0", "off"})
_NUMBER = frozenset("0123456789+-.eE")


def to_keyword(value: object) -> str | None:
    """A string as people would write the scalar; a list of one scalar is that scalar."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list) and len(value) == 1:
        return to_keyword(value[0])
    return None


def to_long(value: object) -> int | None:
    """A whole number that fits a ``long``."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if -LONG <= value < LONG else None
    if isinstance(value, float):
        return to_long(int(value)) if value.is_integer() and abs(value) < LONG else None
    if isinstance(value, str) and 0 < len(value) <= 40:
        text = value.strip()
        if text.lstrip("+-").isdecimal() and text.isascii():
            return to_long(int(text))
        number = to_float(text)
        return to_long(number) if number is not None else None
    if isinstance(value, list) and len(value) == 1:
        return to_long(value[0])
    return None


def to_float(value: object) -> float | None:
    """A finite number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        number = float(value) if abs(value) < 1e300 else float("inf")
    elif isinstance(value, str) and 0 < len(value) <= 40 and _NUMBER.issuperset(value):
        try:
            number = float(value)
        except ValueError:
            return None
    else:
        return None
    return number if abs(number) < 1e300 else None


def to_boolean(value: object) -> bool | None:
    """True or False, also as the words that logs use for them."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.lower()
        return True if word in _TRUE else False if word in _FALSE else None
    if value in (0, 1):
        return bool(value)
    return None


def to_keywords(value: object) -> list[str] | None:
    """A list of strings without empties; a scalar is a list of one."""
    if not isinstance(value, list):
        word = to_keyword(value)
        return None if word is None else [word]
    plain = [item for item in value if item.__class__ is str and item]
    if len(plain) == len(value):
        return plain or None
    words: list[str] = []
    for item in value:
        word = to_keyword(item)
        if word is None:
            if item in (None, "", [], {}):
                continue
            return None
        words.append(word)
    return words or None


def to_longs(value: object) -> list[int] | None:
    """A list of whole numbers; a scalar is a list of one."""
    numbers = [to_long(item) for item in (value if isinstance(value, list) else [value]) if item is not None]
    return None if not numbers or None in numbers else [number for number in numbers if number is not None]


def to_json(value: object) -> str | None:
    """JSON text of an object or list of objects; None for anything else, which an object field would refuse."""
    if isinstance(value, list) and not all(isinstance(item, dict) for item in value):
        return None
    if isinstance(value, dict | list) and value:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    return None


def quote(value: str) -> str:
    """The JSON string of ``value``, quotes included; lone surrogates become U+FFFD."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return orjson.dumps(value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")).decode()


def quote_all(values: list[str]) -> str:
    """The JSON array of strings."""
    return "[" + ",".join([quote(value) for value in values]) + "]"


def dumps(value: Any) -> str:
    """Compact JSON text of any plain value."""
    return orjson.dumps(value).decode()
