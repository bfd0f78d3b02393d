"""An object of S3 as the forward role reads it, wherever it really lies."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from service.forward.blocks import Bytes


class Named(NamedTuple):
    """What identifies an object, and when it was written."""

    bucket: str
    key: str
    version: str
    """Version id, else ETag."""
    written_ms: int


class Thing(Protocol):
    """An open object. Its methods block, and raise Backpressure when the object cannot be read for the moment."""

    @property
    def name(self) -> Named:
        """Which one."""
        ...

    @property
    def size(self) -> int:
        """Bytes it has."""
        ...

    def read(self, size: int) -> bytes:
        """The next bytes, at most so many, none only at the end."""
        ...

    def again(self) -> Bytes:
        """The same bytes once more, from their begin."""
        ...

    def read_at(self, start: int, size: int) -> bytes:
        """Exactly these bytes, fewer at the end only."""
        ...
