"""What the readers of JSON forms have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.parse.windows.words import keyword_words, outcome_word


def at(event: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """The value at a path of keys, None where there is none or an object."""
    value: Any = event
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if not isinstance(value, dict) else None


def take_keywords(raw: dict[str, Any], keywords: object, outcome: object) -> None:
    """Put the names of the keywords (a list, a mask, text) and what they say of the outcome, else ``outcome``, into the event."""
    words: list[str] = []
    if isinstance(keywords, list):
        words = [word for word in keywords if isinstance(word, str) and word]
    elif isinstance(keywords, str | int) and not isinstance(keywords, bool):
        words = list(keyword_words(keywords)) or (
            [keywords] if isinstance(keywords, str) and keywords.replace(" ", "").isalpha() else []
        )
    raw["keywords"] = words
    raw["outcome"] = outcome_word(words) or (outcome if outcome in ("success", "failure") else None)
