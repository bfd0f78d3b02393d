"""Were records gone before they were read? Retention ends whether or not anybody had read; that must never be silent."""

from __future__ import annotations

import structlog

from service.clock import Clock
from service.source.kinesis.lease import Checkpoint
from service.source.kinesis.status import ShardStatus
from service.source.kinesis.wire import WireRecord

log = structlog.get_logger(__name__)

_CLOCKS_APART_MS = 300_000
"""How far this machine's clock and Kinesis's may disagree."""


class HorizonWatch:
    """Watches one shard for records that expired unread: counts gaps in its status and logs each as an error."""

    def __init__(self, lease_key: str, retention_ms: int, status: ShardStatus, clock: Clock) -> None:
        """``retention_ms``: how long the stream keeps records."""
        self._lease_key = lease_key
        self._retention_ms = retention_ms
        self._status = status
        self._clock = clock
        self._near = False
        self.untold = ""
        """A gap that no batch has told of yet."""

    def told(self) -> str:
        """The gap, once: for the batch that comes after it."""
        untold, self.untold = self.untold, ""
        return untold

    def resumed(self, first: WireRecord, after: Checkpoint, safe_until_ms: int | None) -> None:
        """Reading went on at a safe position; ``first`` is what came.

        Reading begins *at* the last safe record. When that one is gone, what followed it may be gone as well, unless
        everything that arrived within the retention is known to be safe.
        """
        if first.sequence_number == after.sequence:
            return
        horizon_ms = self._clock.now_ms() - self._retention_ms
        if safe_until_ms is None or safe_until_ms < horizon_ms + _CLOCKS_APART_MS:
            facts = {"after": after.sequence, "first": first.sequence_number, "safe_until_ms": safe_until_ms}
            self.gap("records_expired_unread", **facts)

    def behind(self, behind_ms: int) -> None:
        """A chunk that is as far behind as the retention reaches: from here on records vanish while we read."""
        near = behind_ms >= self._retention_ms - _CLOCKS_APART_MS
        if near and not self._near:
            self.gap("reading_at_retention_limit", behind_ms=behind_ms)
        self._near = near

    def gap(self, event: str, **facts: object) -> None:
        """Count one."""
        self.untold = event
        self._status.gaps += 1
        self._status.last_error = event
        self._status.last_error_ms = self._clock.now_ms()
        log.error(event, lease=self._lease_key, **facts)
