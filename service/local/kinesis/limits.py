"""Quotas of Kinesis that the double enforces, and the meters that enforce them."""

from __future__ import annotations

from dataclasses import dataclass

from service.clock import Clock

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Which quotas count; the defaults are those of AWS, ``Limits.none()`` lifts the ones that cost time.

    Rates are per shard: ``reads_per_second`` calls and ``read_bytes`` a second shared by all pollers, ``write_bytes``
    and ``write_records`` a second; 0 lifts a rate. ``subscription_seconds`` is how long a subscription lives,
    ``takeover_seconds`` how long it is safe from being taken over.
    """

    reads_per_second: int = 5
    read_bytes: int = 2 * MEBIBYTE
    write_bytes: int = MEBIBYTE
    write_records: int = 1000
    fan_out_bytes: int = 2 * MEBIBYTE
    get_bytes: int = 10 * MEBIBYTE
    get_records: int = 10_000
    put_records: int = 500
    put_bytes: int = 10 * MEBIBYTE
    iterator_seconds: float = 300.0
    subscription_seconds: float = 300.0
    takeover_seconds: float = 5.0
    heartbeat_seconds: float = 5.0
    consumers: int = 20

    @classmethod
    def none(cls) -> Limits:
        """All rates lifted; sizes, lifetimes and counts stay."""
        return cls(reads_per_second=0, read_bytes=0, write_bytes=0, write_records=0, fan_out_bytes=0)


class Meter:
    """A bucket that refills at ``rate`` units a second up to one second's worth; a rate of 0 never refuses."""

    __slots__ = ("_clock", "_left", "_rate", "_seen")

    def __init__(self, rate: float, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._left = rate
        self._seen = clock.monotonic()

    def _refill(self) -> None:
        now = self._clock.monotonic()
        self._left = min(self._rate, self._left + (now - self._seen) * self._rate)
        self._seen = now

    def allows(self, units: float) -> bool:
        """Take ``units`` if that many are there; False takes nothing."""
        if not self._rate:
            return True
        self._refill()
        if self._left < units:
            return False
        self._left -= units
        return True

    def is_empty(self) -> bool:
        """Whether the bucket is overdrawn right now."""
        if not self._rate:
            return False
        self._refill()
        return self._left <= 0

    def charge(self, units: float) -> float:
        """Take ``units`` even below zero; the seconds until the bucket is level again."""
        if not self._rate:
            return 0.0
        self._refill()
        self._left -= units
        return max(0.0, -self._left / self._rate)
