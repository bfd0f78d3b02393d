"""What a worker heard of each source since it last told: counted by message, never by event."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from service.silence.rhythm import BUCKET_MS

MOST = 20_000
"""Sources; names come from streams.yml and the pipelines, so this is never reached."""
Key = tuple[str, str, str, str]
"""Project, environment, stream, dataset."""


class Heard(msgspec.Struct, array_like=True):
    """One source: when something arrived, by quarter of an hour, and when last."""

    source: Key
    last_ms: int
    buckets: set[int]


class Arrivals:
    """The arrivals of one worker."""

    def __init__(self) -> None:
        """Nothing was heard yet."""
        self._heard: dict[Key, Heard] = {}

    def hear(self, source: Key, newest_ms: int, times_ms: Iterable[int] = ()) -> None:
        """Something arrived; ``times_ms`` are given where one message holds more than one quarter of an hour."""
        heard = self._heard.get(source)
        if heard is None:
            if len(self._heard) >= MOST:
                return
            heard = self._heard[source] = Heard(source, newest_ms, set())
        elif newest_ms > heard.last_ms:
            heard.last_ms = newest_ms
        heard.buckets.add(newest_ms // BUCKET_MS)
        for at_ms in times_ms:
            heard.buckets.add(at_ms // BUCKET_MS)

    def take(self) -> list[Heard]:
        """What was heard since the last call."""
        heard, self._heard = list(self._heard.values()), {}
        return heard
