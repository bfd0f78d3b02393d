"""Objects as the forward role reads them, and what decoding makes of what it writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from service.decode import decode_record
from service.event import DeadLetter, Record, RecordBatch
from service.forward.bounds import Bounds
from service.forward.contents import contents
from service.forward.frames import Frames
from service.forward.spoiled import Spoiled
from service.forward.thing import Named
from service.pipeline.runtime import facts_of

WRITTEN = 1_795_200_000_000


class Pieces:
    """Data in pieces of a size; then the end, or what spoils it."""

    def __init__(self, data: bytes, piece: int, spoiled: Spoiled | None = None) -> None:
        self._data = data
        self._piece = piece
        self._spoiled = spoiled
        self._at = 0

    def read(self, size: int) -> bytes:
        data = self._data[self._at : self._at + min(size, self._piece)]
        self._at += len(data)
        if not data and self._spoiled is not None:
            raise self._spoiled
        return data


class Stored(Pieces):
    """An object in memory."""

    def __init__(self, data: bytes, key: str = "logs/one.gz", piece: int = 1 << 20) -> None:
        super().__init__(data, piece)
        self.name = Named("bucket", key, "v1", WRITTEN)
        self.size = len(data)

    def again(self) -> Pieces:
        return Pieces(self._data, self._piece)

    def read_at(self, start: int, size: int) -> bytes:
        return self._data[start : start + size]


def frames_of(stored: Stored, bounds: Bounds) -> Iterator[bytes]:
    """The forwarded records of an object."""
    frames = Frames(stored.name, bounds)
    for part, item in contents(stored, bounds):
        yield from frames.of(part, item)


def received(records: Iterable[bytes], first: int = 0) -> tuple[dict[str, str], list[DeadLetter]]:
    """``_id`` → event of records that came through a stream, and the dead letters."""
    ids: dict[str, str] = {}
    dead: list[DeadLetter] = []
    batch = RecordBatch("shop", "prod", "audit", "shardId-0", [])
    for number, data in enumerate(records, first):
        decoded = decode_record(batch, Record(data, "k", str(number), 0, WRITTEN + number * 1000))
        dead += decoded.dead
        for piece in decoded.slices:
            facts = facts_of(piece)
            for at, event in enumerate(piece.events):
                name = facts.position + (facts.ids[at] if facts.ids is not None else str(piece.first + at))
                assert ids.setdefault(name, event) == event
    return ids, dead
