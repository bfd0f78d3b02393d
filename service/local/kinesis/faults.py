"""Misbehaviour on purpose: what the double does wrong, how often, and to whom.

A fault waits in line until a request matches it, hits, and is used up after ``times`` hits. Faults of requests:
``throttle``, ``fail``, ``drop`` (the connection closes in the middle of the answer), ``stall`` (no answer ever comes).
Faults of subscriptions hit when an event is about to be pushed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from service.local.kinesis.refusal import Refusal


class Kind(Enum):
    """What happens to the request or event that a fault hits."""

    REFUSE = "refuse"
    DROP = "drop"
    STALL = "stall"
    HALF_OPEN = "half_open"
    DUPLICATE = "duplicate"
    REVERSE = "reverse"
    CORRUPT = "corrupt"
    END = "end"
    EXCEPTION = "exception"


REQUEST_KINDS = frozenset({Kind.REFUSE, Kind.DROP, Kind.STALL})


@dataclass(slots=True)
class Fault:
    """One planned fault; ``operation`` "" means any, ``key`` must occur in the request's body ("" is in all).

    ``apart``: seconds between events that were pushed in reverse.
    """

    kind: Kind
    operation: str = ""
    times: int = 1
    key: str = ""
    refusal: Refusal | None = None
    hits: int = 0
    apart: float = 0.0


@dataclass(slots=True)
class Faults:
    """The faults that are planned; ``hits`` on a returned Fault tell a test whether it happened."""

    planned: list[Fault] = field(default_factory=list)

    def _plan(self, fault: Fault) -> Fault:
        self.planned.append(fault)
        return fault

    def throttle(self, operation: str, times: int = 1, key: str = "") -> Fault:
        """Answer ProvisionedThroughputExceededException."""
        code = "ProvisionedThroughputExceededException"
        return self.fail(operation, times, key=key, code=code, status=400, message="Rate exceeded for shard.")

    def fail(
        self,
        operation: str,
        times: int = 1,
        *,
        key: str = "",
        code: str = "InternalFailure",
        status: int = 500,
        message: str = "Injected.",
    ) -> Fault:
        """Answer any error of the API, 500 by default."""
        return self._plan(Fault(Kind.REFUSE, operation, times, key, Refusal(code, message, status)))

    def drop(self, operation: str, times: int = 1, key: str = "") -> Fault:
        """Send half of the answer, then close the connection; what was asked for is done nevertheless."""
        return self._plan(Fault(Kind.DROP, operation, times, key))

    def stall(self, operation: str, times: int = 1, key: str = "") -> Fault:
        """Never answer; the connection stays open."""
        return self._plan(Fault(Kind.STALL, operation, times, key))

    def half_open(self, times: int = 1, key: str = "") -> Fault:
        """Push nothing any more on a subscription, not even heartbeats, and keep it open."""
        return self._plan(Fault(Kind.HALF_OPEN, "SubscribeToShard", times, key))

    def duplicate_event(self, times: int = 1, key: str = "") -> Fault:
        """Push an event with records twice."""
        return self._plan(Fault(Kind.DUPLICATE, "SubscribeToShard", times, key))

    def reverse_events(self, times: int = 1, key: str = "", *, apart: float = 0.0) -> Fault:
        """Push an event with records after the one that follows it, ``apart`` seconds later.

        With ``apart`` infinite the subscription ends before the late one comes.
        """
        return self._plan(Fault(Kind.REVERSE, "SubscribeToShard", times, key, apart=apart))

    def corrupt_event(self, times: int = 1, key: str = "") -> Fault:
        """Flip a byte in the payload, so that its checksum is wrong."""
        return self._plan(Fault(Kind.CORRUPT, "SubscribeToShard", times, key))

    def end_subscription(self, times: int = 1, key: str = "") -> Fault:
        """End a subscription early, in good order, as a deployment at AWS does."""
        return self._plan(Fault(Kind.END, "SubscribeToShard", times, key))

    def event_exception(self, code: str, times: int = 1, key: str = "") -> Fault:
        """Send an error of the given type as an event, then end."""
        return self._plan(Fault(Kind.EXCEPTION, "SubscribeToShard", times, key, Refusal(code, "Injected.")))

    def clear(self) -> None:
        """Plan nothing any more."""
        self.planned.clear()

    def hit(self, operation: str, body: str, *, on_request: bool) -> Fault | None:
        """The first planned fault that matches, one hit less; None when all is well."""
        for fault in self.planned:
            if (fault.kind in REQUEST_KINDS) is on_request and fault.operation in ("", operation) and fault.key in body:
                fault.hits += 1
                fault.times -= 1
                if fault.times <= 0:
                    self.planned.remove(fault)
                return fault
        return None
