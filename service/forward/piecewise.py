"""Reading in small pieces what may be damaged: a reader that comes to the damage loses what it had in hand, and no more."""

from __future__ import annotations

from abc import ABC, abstractmethod

from service.forward.spoiled import Spoiled

PIECE = 1 << 13
"""Bytes in hand at once."""


class Piecewise(ABC):
    """Bytes that are gathered from pieces. What spoils them is raised once everything before it was given, and ever after."""

    def __init__(self) -> None:
        """Nothing is wrong yet."""
        self._failed: Spoiled | None = None

    @abstractmethod
    def _piece(self, size: int) -> bytes:
        """At most ``size`` bytes, or a few more; none only at the end. Raises Spoiled."""

    def read(self, size: int) -> bytes:
        """About ``size`` bytes, none only at the end. Raises Spoiled."""
        pieces: list[bytes] = []
        while size > 0 and self._failed is None:
            try:
                piece = self._piece(min(size, PIECE))
            except Spoiled as spoiled:
                self._failed = spoiled
                break
            if not piece:
                break
            pieces.append(piece)
            size -= len(piece)
        if self._failed is not None and not pieces:
            raise self._failed
        return b"".join(pieces)
