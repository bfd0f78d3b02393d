"""A lease: who reads a shard, and how far everything in it is safe.

Pure values: tables store them, the coordinator decides.

The words and the meaning of every field are KCL's, so that its tools can read the table. Every transition bumps the
counter: whoever writes with an old counter is refused, which is all the fencing there is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

TRIM_HORIZON = "TRIM_HORIZON"
LATEST = "LATEST"
AT_TIMESTAMP = "AT_TIMESTAMP"
SHARD_END = "SHARD_END"
STARTS = frozenset({TRIM_HORIZON, LATEST, AT_TIMESTAMP})


class Checkpoint(NamedTuple):
    """A position in a shard: everything up to and including it is safe.

    ``sequence`` is a sequence number or one of the words TRIM_HORIZON, LATEST, AT_TIMESTAMP (nothing read yet) and
    SHARD_END (nothing left to read).
    """

    sequence: str
    subsequence: int = 0

    @property
    def is_start(self) -> bool:
        """True while nothing has been checkpointed."""
        return self.sequence in STARTS

    @property
    def is_end(self) -> bool:
        """True once the whole shard is safe."""
        return self.sequence == SHARD_END

    @property
    def rank(self) -> tuple[int, int, int]:
        """What to compare positions by: start words < sequence numbers < SHARD_END."""
        if self.is_start:
            return (0, 0, 0)
        if self.is_end:
            return (2, 0, 0)
        return (1, int(self.sequence), self.subsequence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """One row of the lease table."""

    stream: str
    """Stream identifier ``account:name:creationEpoch``: a stream that was deleted and made anew is another stream."""
    shard: str
    owner: str | None = None
    counter: int = 0
    checkpoint: Checkpoint
    parents: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    hash_start: str | None = None
    hash_end: str | None = None
    owner_switches: int = 0
    checkpoint_owner: str | None = None
    """During a graceful handoff: the previous owner, which alone may checkpoint until it lets go."""
    accounted_ms: int | None = None
    """Wall clock of Kinesis up to which every arrived record is safe, as far as known. Ours, not KCL's."""
    mode: str | None = None
    """How the shard is read: polling, fan_out/http2, fan_out/http1. Ours, for people."""

    @property
    def key(self) -> str:
        """``leaseKey``: one table serves many streams."""
        return f"{self.stream}:{self.shard}"

    @property
    def in_handoff(self) -> bool:
        """True while the previous owner still finishes its work."""
        return self.checkpoint_owner is not None

    @property
    def writer(self) -> str | None:
        """The worker that may renew and checkpoint now."""
        return self.checkpoint_owner or self.owner

    def taken(self, worker: str) -> Lease:
        """Owned by ``worker`` alone, whoever had it before."""
        switches = self.owner_switches + (self.owner != worker)
        return replace(self, owner=worker, checkpoint_owner=None, counter=self.counter + 1, owner_switches=switches)

    def renewed(self, accounted_ms: int | None = None, mode: str | None = None) -> Lease:
        """Still alive; ``accounted_ms`` moves forward only."""
        accounted = _later(self.accounted_ms, accounted_ms)
        return replace(self, counter=self.counter + 1, accounted_ms=accounted, mode=mode or self.mode)

    def checkpointed(self, checkpoint: Checkpoint, accounted_ms: int | None = None) -> Lease:
        """Safe up to ``checkpoint``; a position behind the present one leaves it where it is."""
        forward = checkpoint if checkpoint.rank > self.checkpoint.rank else self.checkpoint
        return replace(self.renewed(accounted_ms), checkpoint=forward, owner_switches=0)

    def ended(self, children: tuple[str, ...]) -> Lease:
        """Wholly read: nobody needs to own it any more."""
        return replace(
            self,
            checkpoint=Checkpoint(SHARD_END),
            children=children or self.children,
            owner=None,
            checkpoint_owner=None,
            counter=self.counter + 1,
            owner_switches=0,
        )

    def released(self, accounted_ms: int | None = None) -> Lease:
        """Free for anybody at once."""
        return replace(self.renewed(accounted_ms), owner=None, checkpoint_owner=None)

    def stolen(self, worker: str) -> Lease:
        """Promised to ``worker``; the present owner may finish and checkpoint first."""
        return replace(
            self,
            owner=worker,
            checkpoint_owner=self.owner,
            counter=self.counter + 1,
            owner_switches=self.owner_switches + 1,
        )

    def handed_over(self, accounted_ms: int | None = None) -> Lease:
        """The previous owner is done with it."""
        return replace(self.renewed(accounted_ms), checkpoint_owner=None)


def _later(known: int | None, news: int | None) -> int | None:
    if known is None or news is None:
        return news if known is None else known
    return max(known, news)
