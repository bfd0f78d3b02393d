"""JSON raw events, forgivingly: what the fast parser refuses although people can read it."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from service.errors import EventError

DEEPEST = 64
_SURROGATE = re.compile("[\ud800-\udfff]")


def read_json(text: str) -> tuple[dict[str, Any], bool]:
    """The object, and whether it had to be repaired (lone surrogates, NaN and Infinity).

    Of a key that stands twice the last one wins. Raises EventError ``not_json``, ``not_object`` or ``too_deep``.
    """
    repaired = False
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as refusal:
        value = _repair(text, refusal)
        repaired = True
    if not isinstance(value, dict):
        raise EventError("parse", "not_object", f"expected a JSON object, found {type(value).__name__}")
    if text.count("{") + text.count("[") > DEEPEST and _deeper_than(value, DEEPEST):
        raise EventError("parse", "too_deep", f"nested deeper than {DEEPEST} levels")
    return value, repaired


def _repair(text: str, refusal: orjson.JSONDecodeError) -> Any:
    try:
        value = json.loads(text.removeprefix("\ufeff"), parse_constant=lambda word: word)
    except RecursionError as error:
        raise EventError("parse", "too_deep", f"nested deeper than {DEEPEST} levels") from error
    except ValueError as error:
        raise EventError("parse", "not_json", str(refusal)) from error
    return _whole(value)


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        return str(value)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return value


def _deeper_than(value: Any, levels: int) -> bool:
    within = [value]
    for _ in range(levels):
        within = [
            item
            for each in within
            for item in (each.values() if isinstance(each, dict) else each)
            if isinstance(item, dict | list)
        ]
        if not within:
            return False
    return True
