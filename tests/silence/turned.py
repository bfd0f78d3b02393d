"""A clock that is turned by hand."""

from __future__ import annotations


class TurnedClock:
    """Stands still; ``sleep`` turns it."""

    def __init__(self, now_ms: int) -> None:
        self.at_ms = now_ms

    def monotonic(self) -> float:
        return self.at_ms / 1000

    def now_ms(self) -> int:
        return self.at_ms

    async def sleep(self, seconds: float) -> None:
        self.at_ms += round(seconds * 1000)
