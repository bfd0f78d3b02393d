"""What may be checkpointed: the contiguous prefix of what was handed over and is safe."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from service.source.kinesis.lease import Checkpoint


@dataclass(slots=True)
class Handed:
    """One batch on its way: what it weighs, whether it is safe, and up to where everything is once it and all before are."""

    upto: Checkpoint | None
    size: int
    accounted_ms: int | None
    safe: bool = False


class CheckpointTracker:
    """Batches of one shard in the order they were read; they may become safe in any order.

    ``accounted_ms`` of a batch: everything that had arrived by then (Kinesis's clock) is in this or an earlier batch.
    """

    def __init__(self, start: Checkpoint) -> None:
        """Nothing in flight, everything up to ``start`` safe."""
        self.safe = start
        self.accounted_ms: int | None = None
        self.in_flight_bytes = 0
        self._handed: deque[Handed] = deque()

    @property
    def in_flight(self) -> int:
        """Batches handed over and not yet in the safe prefix."""
        return len(self._handed)

    def hand(self, upto: Checkpoint | None, size: int, accounted_ms: int | None = None) -> Handed:
        """Note a batch that is about to be handed over; pass the result to ``settle`` once it is safe.

        ``upto`` None: what lies before its end may still come; ``vouch`` when that is over.
        """
        handed = Handed(upto, size, accounted_ms)
        self._handed.append(handed)
        self.in_flight_bytes += size
        return handed

    def vouch(self, upto: Checkpoint, accounted_ms: int | None = None) -> None:
        """Note that everything up to ``upto`` has been handed over: it is safe as soon as all in flight now is."""
        if not self._handed:
            self._reach(upto, accounted_ms)
            return
        last = self._handed[-1]
        if last.upto is None or upto.rank > last.upto.rank:
            last.upto = upto
        if accounted_ms is not None:
            last.accounted_ms = max(accounted_ms, last.accounted_ms or 0)

    def settle(self, handed: Handed) -> bool:
        """Mark one batch safe; True if the safe prefix grew. Settling twice changes nothing."""
        if not handed.safe:
            handed.safe = True
            self.in_flight_bytes -= handed.size
        grew = False
        while self._handed and self._handed[0].safe:
            first = self._handed.popleft()
            self._reach(first.upto, first.accounted_ms)
            grew = True
        return grew

    def idle(self, accounted_ms: int) -> None:
        """Note that Kinesis had nothing newer at ``accounted_ms``; counts only when nothing is in flight."""
        if not self._handed:
            self.accounted_ms = max(accounted_ms, self.accounted_ms or 0)

    def _reach(self, upto: Checkpoint | None, accounted_ms: int | None) -> None:
        # A late, out-of-order record lies behind; the checkpoint never goes there.
        if upto is not None and upto.rank > self.safe.rank:
            self.safe = upto
        if accounted_ms is not None:
            self.accounted_ms = max(accounted_ms, self.accounted_ms or 0)
