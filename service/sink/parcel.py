"""A parcel: the documents of one Kafka message on their way into the index, and the promise of their fates."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from service.event import Slice


@dataclass(frozen=True, slots=True)
class Fates:
    """What became of a parcel's documents; the three add up to their number.

    ``demoted`` counts those among ``indexed`` and ``already_there`` of which a field had to move to ``unmapped`` first.
    """

    indexed: int
    already_there: int
    dead_lettered: int
    demoted: int = 0


class Parcel:
    """Documents of one dataset, ready as text, with where each came from.

    ``pieces[k]`` is exactly two lines: the ``create`` action and the document. ``origins`` names the slices in the
    order in which their pieces stand: ``(slice, at)``, the pieces of that slice being its events ``at[0]``, ``at[1]``
    … (the ``at`` of ``Carried``). ``done`` resolves with the Fates once every document has one; it is cancelled when
    the sink closes before that, and then nothing may be committed. Must be made inside a running event loop.
    """

    __slots__ = (
        "_already_there",
        "_dead_lettered",
        "_ends",
        "_indexed",
        "dataset",
        "demoted",
        "done",
        "open",
        "origins",
        "pieces",
        "size",
        "version",
    )

    def __init__(self, dataset: str, version: str, pieces: list[str], origins: Sequence[tuple[Slice, Sequence[int]]]) -> None:
        """Take over ``pieces`` (the sink may replace some); raises ValueError when ``origins`` does not cover them."""
        self.dataset = dataset
        self.version = version
        self.pieces = pieces
        self.origins = origins
        self._ends = list(accumulate(len(at) for _, at in origins))
        if (self._ends[-1] if self._ends else 0) != len(pieces):
            raise ValueError("the origins of a parcel must name every piece once")
        self.size = sum(map(len, pieces))
        """Characters; what the sink counts against its buffer."""
        self.open = len(pieces)
        """Documents without a fate."""
        self.demoted: set[int] = set()
        """Pieces of which a field was demoted: that is done once."""
        self.done: asyncio.Future[Fates] = asyncio.get_running_loop().create_future()
        self._indexed = self._already_there = self._dead_lettered = 0
        self._finish()

    @property
    def project(self) -> str:
        """Whose documents: project and environment of the first of them (an agent makes a parcel of one stream)."""
        if not self.origins:
            return ""
        piece, _ = self.origins[0]
        return f"{piece.project}/{piece.environment}"

    def origin(self, k: int) -> tuple[Slice, int]:
        """The slice of piece ``k`` and the number of its event in that slice."""
        group = bisect_right(self._ends, k)
        piece, at = self.origins[group]
        return piece, at[k - (self._ends[group - 1] if group else 0)]

    def settle(self, *, indexed: int = 0, already_there: int = 0, dead_lettered: int = 0) -> bool:
        """Give that many documents their fate; True when the parcel is complete with it."""
        self._indexed += indexed
        self._already_there += already_there
        self._dead_lettered += dead_lettered
        self.open -= indexed + already_there + dead_lettered
        if self.open < 0:
            raise AssertionError("a document was given two fates")
        return self._finish()

    def _finish(self) -> bool:
        if self.open:
            return False
        if not self.done.done():
            self.done.set_result(Fates(self._indexed, self._already_there, self._dead_lettered, len(self.demoted)))
        return True
