"""Where the reading of a shard goes on from after an interruption, and what may be checkpointed of pushed chunks."""

from __future__ import annotations

from service.clock import Clock
from service.source.kinesis.checkpoint import CheckpointTracker
from service.source.kinesis.client import StartAt
from service.source.kinesis.lease import AT_TIMESTAMP, LATEST, TRIM_HORIZON, Checkpoint, Lease
from service.source.kinesis.reader import Chunk


class Resume:
    """Moves over a chunk once nothing that lies before its end can still come.

    What was handed over of a chunk that is not certain stays out of the checkpoint, and is read again if reading breaks.
    """

    def __init__(self, lease: Lease, start_ms: int | None, tracker: CheckpointTracker, clock: Clock) -> None:
        """Begin where ``lease`` says; ``start_ms``: what AT_TIMESTAMP means."""
        self.start = _start(lease, start_ms)
        self.after: Checkpoint | None = None if lease.checkpoint.is_start else lease.checkpoint
        """Everything up to here was handed over."""
        self.known_ms = lease.accounted_ms
        """Our clock up to which nothing was missed, as far as known."""
        self._tracker = tracker
        self._clock = clock
        self._unsure: Checkpoint | None = None
        self._unsure_ms: int | None = None

    def begin(self) -> None:
        """A reader begins at ``start``: what was not certain comes again, and in whatever order."""
        self._unsure = None

    def comes(self, chunk: Chunk) -> None:
        """A chunk came: what it shows about those before it. Call before it is handed over."""
        if chunk.follows and self._unsure is not None:
            self._tracker.vouch(self._unsure, self._unsure_ms)
            self._move(self._unsure)
            self._unsure = None

    def took(self, chunk: Chunk, last: Checkpoint, accounted_ms: int) -> None:
        """A chunk that ends at ``last`` was handed over."""
        if chunk.final or self.start.kind == LATEST:  # a second time LATEST would skip what comes meanwhile
            self._tracker.vouch(last)
            self._move(last)
        elif self._unsure is None or last.rank > self._unsure.rank:
            self._unsure, self._unsure_ms = last, accounted_ms

    def idle(self, accounted_ms: int) -> None:
        """Nothing came, and nothing newer was there at ``accounted_ms``."""
        if self._unsure is None:
            self._tracker.idle(accounted_ms)

    def _move(self, last: Checkpoint) -> None:
        self.start, self.after, self.known_ms = StartAt("AT_SEQUENCE_NUMBER", last.sequence), last, self._clock.now_ms()


def _start(lease: Lease, start_ms: int | None) -> StartAt:
    checkpoint = lease.checkpoint
    if not checkpoint.is_start:
        return StartAt("AT_SEQUENCE_NUMBER", checkpoint.sequence)
    if checkpoint.sequence == LATEST and lease.accounted_ms is not None:
        # The moment the lease was made: a worker that died before its first record must not skip what came since.
        return StartAt(AT_TIMESTAMP, timestamp_ms=lease.accounted_ms)
    if checkpoint.sequence == AT_TIMESTAMP:
        return StartAt(TRIM_HORIZON) if start_ms is None else StartAt(AT_TIMESTAMP, timestamp_ms=start_ms)
    return StartAt(checkpoint.sequence)
