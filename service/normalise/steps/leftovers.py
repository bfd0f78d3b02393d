"""What nothing moved, made safe for one ``flat_object``: it can be searched, and can never refuse the document."""

from __future__ import annotations

from math import isfinite

from service.enrich.fragments import dump
from service.normalise.steps.objects import CUT, LONGEST, cut

DEEPEST = 16
MOST_KEYS = 1000
MOST_ITEMS = 1000
LONGEST_KEY = 256
LONG = 2**63
MOST_BYTES = 24_000
"""Bytes of one value: with its path it must stay below Lucene's 32,766."""


class _Budget:
    __slots__ = ("keys", "more")

    def __init__(self) -> None:
        self.keys = MOST_KEYS
        self.more = 0


def safe_leftover(value: object) -> str:
    """JSON text of leftovers, bounded in every direction; "{}" when nothing is left.

    Deeper than 16 levels becomes a string of JSON, long strings are cut with a mark, numbers beyond ``long`` become
    strings, empty keys ``_``, nulls and empties go. A dotted key keeps its dots unless another key begins the same way;
    keys beyond 1,000 are counted under ``_more``.
    """
    budget = _Budget()
    made = _object(value, 1, budget) if isinstance(value, dict) else _value(value, 1, budget)
    if not isinstance(made, dict):
        made = {} if made is None else {"value": made}
    if budget.more:
        made["_more"] = budget.more
    return dump(made)


def _value(value: object, depth: int, budget: _Budget) -> object:
    if isinstance(value, str):
        return _string(value) if len(value) > MOST_BYTES // 4 else value or None
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -LONG <= value < LONG else _string(str(value) if value.bit_length() < 4096 else hex(value))
    if isinstance(value, float):
        return value if isfinite(value) else str(value)
    if not value:
        return None
    if depth > DEEPEST or not isinstance(value, dict | list):
        return _string(dump(value) if isinstance(value, dict | list) else str(value))
    if isinstance(value, dict):
        return _object(value, depth, budget) or None
    items = [_value(item, depth + 1, budget) for item in value[:MOST_ITEMS]]
    budget.more += max(0, len(value) - MOST_ITEMS)
    return [item for item in items if item is not None] or None


def _object(value: dict[object, object], depth: int, budget: _Budget) -> dict[str, object]:
    made: dict[str, object] = {}
    for key, item in value.items():
        if budget.keys <= 0:
            budget.more += 1
            continue
        budget.keys -= 1
        found = _value(item, depth + 1, budget)
        if found is not None:
            name = str(key) or "_"
            made[name if len(name) <= LONGEST_KEY else name[:LONGEST_KEY] + CUT] = found
    return _without_collisions(made) if any("." in name for name in made) else made


def _without_collisions(made: dict[str, object]) -> dict[str, object]:
    """``a`` beside ``a.b`` is one path with two meanings: the dotted one becomes ``a_b``. So do odd dots."""
    safe: dict[str, object] = {}
    for name, item in made.items():
        if "." not in name:
            safe[name] = item
            continue
        parts = name.split(".")
        odd = "" in parts or len(parts) > DEEPEST
        if odd or any(".".join(parts[:count]) in made for count in range(1, len(parts))):
            changed = name.replace(".", "_")
            while changed in made or changed in safe:
                changed += "_"
            safe[changed] = item
        else:
            safe[name] = item
    return safe


def _string(text: str) -> str:
    text = cut(text)
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= MOST_BYTES:
        return text
    return encoded[:MOST_BYTES].decode("utf-8", "ignore") + CUT


__all__ = ["DEEPEST", "LONGEST", "MOST_KEYS", "safe_leftover"]
