"""What happened to the streams, appended to a file as it happens; replayed, it gives the same streams again.

An entry is a method call with the time it was made at: replaying calls the same methods with the clock standing at that
time, so that sequence numbers, shard ids and ARNs come out the same. The file only grows; remove it to start afresh.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from service.clock import Clock

Note = Callable[..., None]
"""Takes the name of a call and its arguments."""
Entry = tuple[int, str, list[Any]]
_LENGTH = 4


class RecordedClock:
    """The clock of an account: it stands still during a ``moment``, and at a recorded time during a replay."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.standing: int | None = None

    def monotonic(self) -> float:
        """Seconds of the real clock."""
        return self._clock.monotonic()

    def now_ms(self) -> int:
        """Milliseconds since the epoch, of the real clock or as recorded."""
        return self._clock.now_ms() if self.standing is None else self.standing

    @contextmanager
    def moment(self) -> Iterator[None]:
        """Let no time pass in the body: what is recorded under one time must have happened at one time."""
        before = self.standing
        self.standing = self.now_ms()
        try:
            yield
        finally:
            self.standing = before

    async def sleep(self, seconds: float) -> None:
        """Wait on the real clock."""
        await self._clock.sleep(seconds)


class Journal:
    """An append-only file of calls; what was appended survives the death of this process, not that of the machine."""

    def __init__(self, file: Path, clock: RecordedClock) -> None:
        self._clock = clock
        self._file = file
        self._descriptor: int | None = None
        self._encode = msgspec.msgpack.Encoder().encode

    def replay(self, apply: Callable[[str, list[Any]], None]) -> None:
        """Make every recorded call again, then be ready for more; an entry that was cut off by a crash is cut away."""
        whole = 0
        if self._file.exists():
            for end, (now, call, arguments) in self._entries():
                self._clock.standing = now
                apply(call, arguments)
                whole = end
        self._clock.standing = None
        self._descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.truncate(self._descriptor, whole)
        os.lseek(self._descriptor, 0, os.SEEK_END)

    def _entries(self) -> Iterator[tuple[int, Entry]]:
        decode = msgspec.msgpack.Decoder(Entry).decode
        with self._file.open("rb") as opened:
            while len(prefix := opened.read(_LENGTH)) == _LENGTH:
                length = int.from_bytes(prefix, "big")
                entry = opened.read(length)
                if len(entry) < length:
                    return
                yield opened.tell(), decode(entry)

    def append(self, call: str, *arguments: str | int | bytes) -> None:
        """Write one call, unless it is being replayed right now."""
        if self._descriptor is not None:
            entry = self._encode((self._clock.now_ms(), call, arguments))
            os.write(self._descriptor, len(entry).to_bytes(_LENGTH, "big") + entry)
