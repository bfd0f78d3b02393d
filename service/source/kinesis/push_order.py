"""The order of pushed events: which of them nothing earlier can follow any more.

A subscription may push an event late, after one that lies behind it, and no event says where it begins. So an event is
believed once another came that lies wholly beyond it; until then it is held back: its records go on at once, but neither
a checkpoint nor a new subscription may start beyond them. The empty events that Kinesis pushes every few seconds count.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.source.kinesis.client import StartAt
from service.source.kinesis.lease import LATEST
from service.source.kinesis.wire import SubscriptionEvent, WireRecord

_PATIENCE = 16
"""Events in a row that do not lie beyond those before; after so many, what there is is believed to be the order."""


@dataclass(frozen=True, slots=True)
class _Held:
    """The event that is held back, by its records: between these, so many."""

    first: int
    last: int
    count: int


class PushOrder:
    """Watches one shard's events over however many subscriptions it takes."""

    def __init__(self, start: StartAt) -> None:
        """Nothing came yet."""
        self.resume = start
        """Where the next subscription begins: before the event that is held back."""
        self._next = start
        self._reached = -1
        """The highest sequence number that came."""
        self._told = -1
        """The highest position that an event gave for going on."""
        self._held: _Held | None = None
        self._unordered = 0
        self._fresh = False

    def subscribed(self) -> None:
        """A subscription begins, at ``resume``: what was held back comes a second time."""
        self._fresh = True

    def take(self, event: SubscriptionEvent) -> bool:
        """Note an event; True if all that came before it is certain now."""
        numbers = [int(record.sequence_number) for record in event.records]
        told = int(event.continuation_sequence_number or -1)
        lowest = numbers[0] if numbers else told
        beyond = lowest >= max(self._reached, self._told) and numbers[:1] != [self._reached]
        # Two subscriptions from the same place begin alike: nothing was missing there.
        again = self._fresh and self._held is not None and numbers[:1] == [self._held.first]
        self._fresh = False
        self._unordered += 1
        certain = beyond or again or self._unordered > _PATIENCE
        if certain:
            self._unordered = 0
            self.resume = self._next
            new = [number for number in numbers if number > self._reached]
            self._held = _Held(new[0], new[-1], len(new)) if new else None
        self._reached = max([self._reached, *numbers[-1:]])
        if told > self._told:
            self._told = told
            self._next = StartAt("AFTER_SEQUENCE_NUMBER", str(told))
            if self.resume.kind == LATEST:
                self.resume = self._next  # a second time LATEST would skip what comes meanwhile
        return certain

    def unseen(self, records: list[WireRecord]) -> list[WireRecord]:
        """Without what was held back and came again whole; ask before ``take``."""
        held = self._held
        if not self._fresh or held is None:
            return records
        rest = [record for record in records if not held.first <= int(record.sequence_number) <= held.last]
        return rest if len(records) - len(rest) == held.count else records
