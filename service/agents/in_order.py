"""Which offsets may be committed: everything before the first message that is not yet accounted for.

Pure bookkeeping. A message is entered when it is *fetched*, before Faust hands it on, so a message that gets lost
between fetch and agent holds the line (it is read again after a restart) instead of being skipped. Bulks finish in any
order; only the contiguous finished head of a partition may be committed. A rebalance gives the partition a new lane, and
tickets of the old one change nothing any more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Partition = TypeVar("Partition", bound=Hashable)


@dataclass(slots=True)
class Lane:
    """One partition between two rebalances: offsets fetched and not committable yet, oldest first."""

    waiting: deque[int] = field(default_factory=deque)
    finished: set[int] = field(default_factory=set)
    highest: int = -1
    """Newest offset fetched."""
    next: int | None = None
    """Offset to commit (Kafka commits the next one to read); None while nothing has finished."""

    def enter(self, offset: int) -> None:
        """Expect this offset to finish; one that was entered before is not expected twice."""
        if offset > self.highest:
            self.highest = offset
            self.waiting.append(offset)

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

    def lane(self, partition: Partition) -> Lane:
        """Return the partition's current lane; whoever handles one of its messages keeps it as the ticket."""
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
        for partition in partitions:
            self._lanes.pop(partition, None)

    def partitions(self) -> list[Partition]:
        """All partitions with a lane."""
        return list(self._lanes)

    def waiting(self) -> int:
        """Messages fetched and not committable yet, over all partitions."""
        return sum(len(lane.waiting) for lane in self._lanes.values())

    def heads(self) -> dict[Partition, int]:
        """Oldest offset each partition waits for; a head that never changes is a stall."""
        return {partition: lane.waiting[0] for partition, lane in self._lanes.items() if lane.waiting}
