"""No faster than so many bytes a second."""

from __future__ import annotations

from collections.abc import Callable

from service.clock import Clock


class Pace:
    """Lets bytes pass at a rate that may change; nothing is saved up while idle."""

    def __init__(self, bytes_per_second: Callable[[], float], clock: Clock) -> None:
        """Ask for the rate at every passage; zero: no limit."""
        self._rate = bytes_per_second
        self._clock = clock
        self._free_at = clock.monotonic()

    def passed(self, size: int) -> float:
        """Count ``size`` bytes that passed; the seconds to wait before more may."""
        rate = self._rate()
        if not rate:
            return 0.0
        now = self._clock.monotonic()
        self._free_at = max(now, self._free_at) + size / rate
        return self._free_at - now
