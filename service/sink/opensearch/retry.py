"""When to try again, and how much at once: jittered backoff, a gate for outages, a window that yields to overload."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential, jittered between half and all of it; no number of attempts ends it."""

    base: float = 0.2
    """Seconds before the first retry, at most."""
    cap: float = 30.0
    """Longest wait, seconds."""
    rng: random.Random = field(default_factory=random.Random)

    def delay(self, attempts: int) -> float:
        """Seconds to wait after that many attempts failed (1 or more)."""
        full = min(self.cap, self.base * 2.0 ** min(attempts - 1, 30))
        return full * (0.5 + 0.5 * self.rng.random())


class Gate:
    """Closes while whole requests fail, lets one probe through at a time, opens with the first success."""

    def __init__(self, backoff: Backoff) -> None:
        """Start open."""
        self._backoff = backoff
        self._failures = 0
        self._until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the last whole request succeeded."""
        return not self._failures

    def admits(self, in_flight: int, now: float) -> bool:
        """Whether one more request may go out (``now`` monotonic, seconds)."""
        return not self._failures or (in_flight == 0 and now >= self._until)

    def failed(self, now: float) -> None:
        """A whole request failed."""
        self._failures += 1
        self._until = now + self._backoff.delay(self._failures)

    def succeeded(self) -> None:
        """A request was answered."""
        self._failures = 0


class Window:
    """How many requests at once and how large: additive increase, multiplicative decrease (AIMD)."""

    def __init__(self, requests: int, size: int) -> None:
        """Start at the most: ``requests`` in flight, ``size`` bytes each."""
        self._most_requests = requests
        self._most_size = size
        self._requests = float(requests)
        self._size = float(size)
        self._ceiling = float(size)

    @property
    def requests(self) -> int:
        """Requests that may be in flight now; never fewer than one."""
        return int(self._requests)

    @property
    def size(self) -> int:
        """Bytes a request should have now."""
        return int(self._size)

    def grow(self) -> None:
        """A request succeeded."""
        if self._requests < self._most_requests:
            self._requests = min(self._most_requests, self._requests + 1 / self._requests)
        if self._size < self._ceiling:
            self._size = min(self._ceiling, self._size + self._most_size / 32)

    def shrink(self) -> None:
        """OpenSearch is overloaded: half as many, half as large."""
        self._requests = max(1.0, self._requests / 2)
        self._size = max(min(self._ceiling, 256 * 1024), self._size / 2)

    def refuse(self, size: int) -> None:
        """A request of ``size`` bytes was too large for the server (413): never that large again."""
        self._ceiling = max(1024.0, min(self._ceiling, size / 2))
        self._size = min(self._size, self._ceiling)
