"""No faster than so many bytes a second."""

from __future__ import annotations

from service.clock import Clock


class Pace:
    """Lets bytes pass at a rate; nothing is saved up while idle."""

    def __init__(self, bytes_per_second: float, clock: Clock) -> None:
        """Zero: no limit."""
        self._rate = bytes_per_second
        self._clock = clock
        self._free_at = clock.monotonic()

    async def wait(self, size: int) -> None:
        """Return when ``size`` bytes may pass."""
        if not self._rate:
            return
        now = self._clock.monotonic()
        if self._free_at > now:
            await self._clock.sleep(self._free_at - now)
        self._free_at = max(now, self._free_at) + size / self._rate
