"""Single values out of documents that somebody else's pipeline wrote: whatever is odd is absent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

LONGEST = 1024


def first_text(document: Mapping[str, Any], path: str) -> str:
    """The text at a dotted path, the first of a list; "" when there is none."""
    value: Any = document
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    if isinstance(value, list):
        value = value[0] if value else None
    return value[:LONGEST] if isinstance(value, str) else ""


def moment_ms(text: object) -> int | None:
    """A document's time in milliseconds since the epoch; None when it is none."""
    if not isinstance(text, str):
        return None
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
