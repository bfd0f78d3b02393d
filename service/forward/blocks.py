"""What the walks over a file give: units that can be used, and what cannot, in their order and with their numbers."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

from service.decode.forwarded import Flaw
from service.forward.spoiled import Spoiled


class Block(NamedTuple):
    """Units next to each other, one a line (a row may have several)."""

    form: Literal["lines", "json", "rows"]
    first: int
    units: int
    data: bytes
    columns: str | None = None
    """Header line in force."""
    separator: str | None = None
    """Of rows, which may go on over lines: such a block is not to be cut."""


class Flawed(NamedTuple):
    """A unit, or all that follows it, as a dead letter."""

    number: int
    code: Flaw
    reason: str
    data: bytes


class Bytes(Protocol):
    """A file that is read from its begin to its end."""

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes, none only at the end. Raises Spoiled where nothing more can be read."""
        ...


class Feed:
    """The part of a file that is in memory: ``data`` from ``at`` on has not been walked over yet."""

    def __init__(self, source: Bytes, chunk: int) -> None:
        """Read ``chunk`` bytes at a time, nothing yet."""
        self._source = source
        self._chunk = chunk
        self.data = b""
        self.at = 0
        self.ended = False
        self.spoiled: Spoiled | None = None
        """Why the end is none, if so."""
        self.rest = b""
        """What stood there before the end that is none."""

    @property
    def left(self) -> int:
        """Bytes in memory that were not walked over."""
        return len(self.data) - self.at

    def give_up(self) -> None:
        """Walk over what is left in memory without using it."""
        self.rest, self.at = self.data[self.at :], len(self.data)

    def more(self, wanted: int = 1) -> bool:
        """Read on, at least ``wanted`` bytes; False when there is no more. Places in ``data`` change."""
        if self.ended:
            return False
        pieces = [self.data[self.at :] if self.at else self.data]
        while wanted > 0:
            try:
                piece = self._source.read(self._chunk)
            except Spoiled as spoiled:
                self.spoiled, piece = spoiled, b""
            if not piece:
                self.ended = True
                break
            pieces.append(piece)
            wanted -= len(piece)
        self.data = b"".join(pieces) if len(pieces) > 1 else pieces[0]
        self.at = 0
        return len(pieces) > 1
