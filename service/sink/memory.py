"""Sinks in memory: the same contract as the real ones, for tests, ``siem test`` and benches."""

from __future__ import annotations

from collections.abc import Sequence

from service.event import DeadLetter
from service.sink.letter import letter_id
from service.sink.parcel import Parcel


class MemorySink:
    """Keeps documents by index and id, first write wins, as OpenSearch does with ``create``."""

    def __init__(self, *, keep: bool = True) -> None:
        """``keep`` False only counts: for benches."""
        self._keep = keep
        self.documents: dict[str, str] = {}
        """Action line → document line."""
        self.count = 0

    async def put(self, parcel: Parcel) -> None:
        """Take everything at once."""
        if not parcel.open:
            return
        fresh = parcel.open
        if self._keep:
            before = len(self.documents)
            for piece in parcel.pieces:
                action, document, _ = piece.split("\n")
                self.documents.setdefault(action, document)
            fresh = len(self.documents) - before
        self.count += parcel.open
        parcel.settle(indexed=fresh, already_there=parcel.open - fresh)

    async def drain(self, deadline: float) -> int:  # noqa: ARG002 - the contract's
        """Nothing ever waits."""
        return 0


class MemoryDeadLetters:
    """Keeps dead letters by identity."""

    def __init__(self) -> None:
        """Start empty."""
        self.letters: dict[str, DeadLetter] = {}

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        """Keep them."""
        for letter in letters:
            self.letters[letter_id(letter)] = letter
