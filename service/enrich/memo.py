"""A bounded memory of answers: a dict whose hits run at C speed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")

LONGEST_KEY = 1024
"""Longer keys are answered but not remembered: an attacker picks them, we pay for the memory."""


class Memo(dict[str, V], Generic[V]):
    """``memo[key]`` is what ``make(key)`` returned, remembered for about ``limit`` to ``2 * limit`` keys.

    When ``limit`` answers are held they become the older generation and a new one begins; what is asked for again moves
    over. So a flood of new keys costs answers, never memory, and the busy ones survive it.
    """

    __slots__ = ("_limit", "_make", "_older")

    def __init__(self, make: Callable[[str], V], limit: int) -> None:
        """Remember nothing yet; ``make`` must answer any text without raising."""
        super().__init__()
        self._make = make
        self._limit = limit
        self._older: dict[str, V] = {}

    def __missing__(self, key: str) -> V:
        older = self._older
        value = older[key] if key in older else self._make(key)
        if len(key) > LONGEST_KEY:
            return value
        if len(self) >= self._limit:
            self._older = dict(self)
            self.clear()
        self[key] = value
        return value

    def forget(self) -> None:
        """Forget all answers, because what they were made from has changed."""
        self._older = {}
        self.clear()
