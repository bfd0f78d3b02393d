"""Bytes as the readers of the forward role give them."""

from __future__ import annotations

from service.forward.spoiled import Spoiled


class Pieces:
    """Data in pieces of a size; then the end, or what spoils it."""

    def __init__(self, data: bytes, piece: int, spoiled: Spoiled | None = None) -> None:
        self._data = data
        self._piece = piece
        self._spoiled = spoiled
        self._at = 0

    def read(self, size: int) -> bytes:
        data = self._data[self._at : self._at + min(size, self._piece)]
        self._at += len(data)
        if not data and self._spoiled is not None:
            raise self._spoiled
        return data
