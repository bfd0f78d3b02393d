"""Which offsets may be committed: everything before the first message that is not yet accounted for.

Pure bookkeeping. A message is entered when it is *fetched*, before Faust hands it on, so a message that gets lost
between fetch and agent holds the line (and is noticed) instead of being skipped. Bulks finish in any order; only the
contiguous finished head of a partition may be committed. A rebalance gives the partition a new lane, and tickets of the
old one change nothing any more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeVar

Partition = TypeVar("Partition", bound=Hashable)


class LostMessagesError(Exception):
    """Messages that were or should have been fetched never reach their agent; only a restart reads them."""


class Taken(Enum):
    """What an agent learns when it takes a message."""

    NEXT = "next"
    """The one that was expected: handle it."""
    AGAIN = "again"
    """It was taken before, or is of another lane: leave it."""
    LOST = "lost"
    """Messages before it were fetched and never arrived: nothing after them may be committed, start over."""


@dataclass(slots=True)
class Lane:
    """One partition between two rebalances: offsets fetched and not committable yet, oldest first."""

    waiting: deque[int] = field(default_factory=deque)
    """Fetched and not committable."""
    untaken: deque[int] = field(default_factory=deque)
    """Fetched and not yet taken by the agent."""
    finished: set[int] = field(default_factory=set)
    """Finished behind one that is not."""
    highest: int = -1
    """Newest offset fetched."""
    next: int | None = None
    """Offset to commit (Kafka commits the next one to read); None while nothing has finished."""

    def enter(self, offset: int) -> None:
        """Expect this offset to finish; one that was entered before is not expected twice."""
        if offset > self.highest:
            self.highest = offset
            self.waiting.append(offset)
            self.untaken.append(offset)

    def take(self, offset: int) -> Taken:
        """Note that the agent has this message now; messages of a partition arrive in their order or not at all."""
        untaken = self.untaken
        if not untaken or offset < untaken[0]:
            return Taken.AGAIN
        if offset > untaken[0]:
            return Taken.LOST
        untaken.popleft()
        return Taken.NEXT

    def finish(self, offset: int) -> None:
        """Account for this offset; moves ``next`` over the finished head. Unknown offsets and repeats do nothing."""
        waiting, finished = self.waiting, self.finished
        if not waiting or offset < waiting[0] or offset > self.highest:
            return
        finished.add(offset)
        while waiting and waiting[0] in finished:
            head = waiting.popleft()
            finished.discard(head)
            self.next = head + 1


class InOrder(Generic[Partition]):
    """The lanes of all partitions this worker owns."""

    def __init__(self) -> None:
        """Own nothing yet."""
        self._lanes: dict[Partition, Lane] = {}
        self.epoch = 0
        """Changes with every ``forget``: what was taken in another epoch is left alone."""

    def lane(self, partition: Partition) -> Lane:
        """Return the partition's current lane; whoever handles one of its messages keeps it."""
        lane = self._lanes.get(partition)
        if lane is None:
            lane = self._lanes[partition] = Lane()
        return lane

    def committable(self, partition: Partition) -> int | None:
        """Offset that may be committed for the partition, or None."""
        lane = self._lanes.get(partition)
        return None if lane is None else lane.next

    def forget(self, partitions: Iterable[Partition]) -> None:
        """Start these partitions afresh: they were revoked, or assigned anew and will be read from their commit."""
        self.epoch += 1
        for partition in list(partitions):
            self._lanes.pop(partition, None)

    def partitions(self) -> list[Partition]:
        """All partitions with a lane."""
        return list(self._lanes)

    def waiting(self) -> int:
        """Messages fetched and not committable yet, over all partitions."""
        return sum(len(lane.waiting) for lane in self._lanes.values())

    def ahead(self) -> Iterator[tuple[Partition, int]]:
        """How many fetched messages no agent has taken, of each partition with any."""
        return ((partition, len(lane.untaken)) for partition, lane in self._lanes.items() if lane.untaken)

    def untaken(self) -> dict[Partition, int]:
        """Oldest fetched offset that no agent has taken, by partition; one that never changes got lost."""
        return {partition: lane.untaken[0] for partition, lane in self._lanes.items() if lane.untaken}
