"""Files of logs as events of a project: what ``siem parse`` reads, under ids that depend on the content alone.

Events that carry an id of their own (CloudTrail, CloudWatch Logs) get the id they had or would have had in the stream. The
others are identified by the file's content and their number in it: neither name nor compression matters.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from service.agents.packing import pack
from service.decode import Limits
from service.decode.inflate import unpack
from service.errors import EventError
from service.event import DeadLetter, RawBatch, Record, RecordBatch, Slice
from service.ledger.entry import Page, Part, Read, batch_key, minute_of, part_key
from service.replay.foresee import Foreseen, Foresight
from service.route.router import Piece

STREAM = "files"
"""``siem.stream`` of events out of files; their shard is the content's sha256."""
MOST_BYTES = 2 << 30
"""A file is read whole."""
LIMITS = Limits(output=MOST_BYTES, ratio=1000, events=1 << 26, broken=1 << 20)
"""Of files: an operator chose them, but a bomb is a bomb."""
_EARLIEST_MS = 1_143_000_000_000
"""March 2006, when there was no AWS yet: a file time before it means that nobody kept the time."""


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose events the files hold, and when they count as arrived (None: when the file was last changed)."""

    project: str
    environment: str
    arrived_ms: int | None = None
    dataset: str | None = None
    """None: content decides."""
    columns: str | None = None
    """Column list of text without a header line."""


@dataclass(frozen=True, slots=True)
class Load:
    """A part of a file, ready to be sent."""

    foreseen: Foreseen
    raw: RawBatch | None = None
    letters: list[DeadLetter] = field(default_factory=list)
    """What never got a dataset."""
    page: Page | None = None
    """What the ledger is told, with the last part: so many events were found, and here is where they went."""


def files_in(paths: Iterable[Path]) -> list[Path]:
    """The files named, and those in folders that were named, sorted; raises OSError for what is not there."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(each for each in path.rglob("*") if each.is_file())
        else:
            path.stat()
            found.append(path)
    return list(dict.fromkeys(found))


def loads(path: Path, whose: Whose, foresight: Foresight, now_ms: int, message_bytes: int) -> Iterator[Load]:
    """Everything one file holds; raises OSError when it cannot be read."""
    data, changed_ms = _read(path, now_ms)
    arrived_ms = changed_ms if whose.arrived_ms is None else whose.arrived_ms
    batch = RecordBatch(whose.project, whose.environment, STREAM, _digest(data), [])
    record = Record(data, "", "0", 0, arrived_ms)
    routed = foresight.router.route_file(batch, record, whose.dataset)
    letters = [letter for _, letter in routed.dead]
    first = Foreseen(records=1)
    first.bury(letters)
    dead = dict(first.dead)
    yield Load(first, letters=letters)
    key, minute_ms = batch_key(msgspec.structs.replace(batch, records=[record])), minute_of(arrived_ms)
    parts: list[Part] = []
    for dataset, slices in _by_dataset(routed.pieces, whose.columns).items():
        for raw in pack(dataset, slices, message_bytes):
            events = sum(len(piece.events) for piece in raw.slices)
            parts.append(Part(dataset, part_key(key, len(parts), events), events))
            foreseen = Foreseen()
            foresight.carry(dataset, raw.slices, now_ms, foreseen)
            yield Load(foreseen, raw=msgspec.structs.replace(raw, part=parts[-1].key, minute_ms=minute_ms))
    read = Read(key, minute_ms, 1, 0, dead, parts)
    yield Load(Foreseen(), page=Page(whose.project, whose.environment, STREAM, [read]))


def _by_dataset(pieces: Iterable[Piece], columns: str | None) -> dict[str, list[Slice]]:
    by_dataset: dict[str, list[Slice]] = {}
    for dataset, piece, _ in pieces:
        by_dataset.setdefault(dataset, []).append(piece if columns is None else msgspec.structs.replace(piece, columns=columns))
    return by_dataset


def _read(path: Path, now_ms: int) -> tuple[bytes, int]:
    """Content and time of a file."""
    with path.open("rb") as stream:
        data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise OSError(f"{path}: larger than {MOST_BYTES} bytes")
    changed_ms = path.stat().st_mtime_ns // 1_000_000
    return data, changed_ms if _EARLIEST_MS < changed_ms <= now_ms else now_ms


def _digest(data: bytes) -> str:
    """The sha256 of what is in the file, compressed or not."""
    with contextlib.suppress(EventError):  # then it is a dead letter, under the digest of its bytes
        data, _, _ = unpack(data, LIMITS)
    return hashlib.sha256(data).hexdigest()
