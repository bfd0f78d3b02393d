"""Raw objects into open fields: the mapping looks at a few declared leaves, and those are made safe for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from service.normalise.fitting import Shape

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9_]+")
_KEYS_KEPT = 8192
MOST_ITEMS = 1000
"""Objects of a list that are kept; the event has the others."""


@lru_cache(maxsize=_KEYS_KEPT)
def snake(key: str) -> str:
    """``ruleGroupId`` → ``rule_group_id``, ``IpV4Addresses`` → ``ip_v4_addresses``, ``aws/name`` → ``aws_name``."""
    return _WORDS.sub("_", key).lower() if len(key) <= 256 else key


def snaked(value: Any, depth: int = 32) -> Any:
    """The value with all keys in snake case, without nulls and empties; of two keys that become one the first stays."""
    if value.__class__ is dict and depth:
        renamed: dict[str, Any] = {}
        for key, item in value.items():
            kind = item.__class__
            if kind is dict or kind is list:
                item = snaked(item, depth - 1)
                if not item:
                    continue
            elif item is None or item == "":
                continue
            name = snake(key)
            if name not in renamed:
                renamed[name] = item
        return renamed
    if value.__class__ is list and depth:
        items = [snaked(item, depth - 1) if item.__class__ in (dict, list) else item for item in value]
        return [item for item in items if item or item.__class__ in (int, float, bool)]
    return value


@lru_cache(maxsize=512)
def open_object(leaves: tuple[str, ...], *, snake_case: bool) -> Callable[[object], str | None]:
    """A cast for an open field of which ``leaves`` are mapped: JSON text of an object, or of a list of objects.

    None for anything else (a lone scalar, a list that holds one), which the mapping would refuse.
    """
    shape = Shape(leaves)

    def cast(value: object) -> str | None:
        if not value or value.__class__ not in (dict, list):
            return None
        if snake_case:
            value = snaked(value)
        if isinstance(value, list):
            if not all(item.__class__ is dict for item in value):
                return None
            texts = [text for item in value[:MOST_ITEMS] if (text := shape.fit(item)) is not None]
            return f"[{','.join(texts)}]" if texts else None
        return shape.fit(value)

    return cast
