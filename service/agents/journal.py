"""What a worker was just parsing, kept where its death does not reach: so that an event that kills is found and set apart.

A segmentation fault or a memory limit leaves no exception behind. Before a message is carried its place is written into a
mapped file, afterwards it is cleared; both cost a copy of some bytes in memory. The process that comes next finds what the
last one died over.
"""

from __future__ import annotations

import mmap
import zlib
from pathlib import Path

import msgspec

SIZE = 4096
DEATHS_ARE_SUSPICIOUS = 3
"""After so many deaths over one message (kill -9 may hit by chance) it is carried event by event."""
DEATHS_ARE_PROOF = 2
"""And after so many over one event of it, that event is a dead letter."""
REMEMBERED = 20


class Death(msgspec.Struct, array_like=True):
    """A message over which workers died."""

    topic: str
    partition: int
    offset: int
    count: int = 0
    event: int = -1
    """Number, within the message, of the event that was under way when it was carried event by event."""
    event_count: int = 0
    deadly: list[int] = []
    """Events that are set apart."""


class _Page(msgspec.Struct, array_like=True):
    deaths: list[Death]


class Journal:
    """One worker's file; ``carrying`` and ``done`` around the work."""

    def __init__(self, path: Path) -> None:
        """Open the file and learn what the last process died over; a torn or foreign file counts as empty."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            # Really written: a mapped page for which the disk has no room ends the process at the first touch.
            file.write(bytes(max(0, 2 * SIZE - file.tell())))
        with path.open("r+b") as file:
            file.truncate(2 * SIZE)
            self._map = mmap.mmap(file.fileno(), 2 * SIZE)
        self._known = {(death.topic, death.partition, death.offset): death for death in self._read()}
        self._learn()

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()

    def suspicion(self, topic: str, partition: int, offset: int) -> Death | None:
        """Return what is known of a message that must be carried event by event, None for every other."""
        if not self._known:
            return None
        death = self._known.get((topic, partition, offset))
        return death if death is not None and death.count >= DEATHS_ARE_SUSPICIOUS else None

    def carrying(self, topic: str, partition: int, offset: int, event: int = -1) -> None:
        """Note what is parsed from now on."""
        note = b"%s %d %d %d\n" % (topic.encode(), partition, offset, event)
        self._map[SIZE : SIZE + len(note)] = note

    def done(self) -> None:
        """Nothing is."""
        self._map[SIZE : SIZE + 1] = b"\n"

    def forget(self, topic: str, partition: int, offset: int) -> None:
        """The message is accounted for."""
        if self._known.pop((topic, partition, offset), None) is not None:
            self._write()

    def _learn(self) -> None:
        note = bytes(self._map[SIZE:]).split(b"\n", 1)[0].decode(errors="replace").split(" ")
        self.done()
        if len(note) != 4:
            return
        try:
            topic, partition, offset, event = note[0], int(note[1]), int(note[2]), int(note[3])
        except ValueError:
            return
        key = (topic, partition, offset)
        death = self._known.pop(key, None) or Death(*key)
        death.count += 1
        if event >= 0:
            death.event_count = death.event_count + 1 if death.event == event else 1
            death.event = event
            if death.event_count >= DEATHS_ARE_PROOF and event not in death.deadly:
                death.deadly.append(event)
        self._known[key] = death
        while len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
        self._write()

    def _read(self) -> list[Death]:
        length = int.from_bytes(self._map[:4], "big")
        if not 0 < length <= SIZE - 8:
            return []
        body = bytes(self._map[8 : 8 + length])
        if zlib.crc32(body) != int.from_bytes(self._map[4:8], "big"):
            return []
        try:
            return msgspec.msgpack.decode(body, type=_Page).deaths
        except msgspec.DecodeError:
            return []

    def _write(self) -> None:
        deaths = list(self._known.values())
        while len(body := msgspec.msgpack.encode(_Page(deaths))) > SIZE - 8:
            deaths = deaths[1:]
        self._map[: 8 + len(body)] = len(body).to_bytes(4, "big") + zlib.crc32(body).to_bytes(4, "big") + body
