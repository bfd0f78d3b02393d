"""How deep JSON text nests, found before anything recurses into it."""

from __future__ import annotations

import re

HARMLESS = 2_000
"""Text shorter than this cannot nest a thousand deep, where parsers give up; it is not looked at."""
_TOKENS = re.compile(r'[\[\]{}]|"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)


def too_deep(text: str, depth: int) -> bool:
    """Whether more than ``depth`` brackets are open at once; text shorter than HARMLESS passes unread."""
    if len(text) < HARMLESS or text.count("{") + text.count("[") <= depth:
        return False
    open_now = 0
    for token in _TOKENS.finditer(text):
        char = text[token.start()]
        if char in "{[":
            open_now += 1
            if open_now > depth:
                return True
        elif char in "}]":
            open_now -= 1
    return False
