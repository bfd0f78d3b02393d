"""JSON text from values nobody has checked."""

from __future__ import annotations

import json
from collections.abc import Mapping

import orjson

TOO_DEEP = "[nested too deeply]"


def dump(value: object) -> str:
    """The value as JSON; what UTF-8 cannot say (lone surrogates) becomes ``?``, hundreds of levels a remark."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        pass  # a lone surrogate, a number beyond 64 bits, or more than 254 levels
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace").decode()
    except RecursionError:
        return f'"{TOO_DEEP}"'


def members(values: Mapping[str, object | None]) -> str:
    """``,"name":value`` of each value that is not None, to splice behind other members of an object."""
    present = {name: value for name, value in values.items() if value is not None}
    return "," + dump(present)[1:-1] if present else ""
