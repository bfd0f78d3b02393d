"""Files of logs as events of a project: what ``siem parse`` reads, under ids that depend on the content alone.

Events that carry an id of their own (CloudTrail, CloudWatch Logs) get the id they had or would have had in the stream. The
others are identified by the file's content and their number in it: neither name nor compression matters.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from service.agents.packing import pack
from service.decode import Limits
from service.decode.inflate import unpack
from service.errors import EventError
from service.event import DeadLetter, RawBatch, Record, RecordBatch, Slice
from service.replay.foresee import Foreseen, Foresight

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
    """Some events of a file, ready to be sent; ``letters`` come with its last one."""

    raw: RawBatch | None
    letters: list[DeadLetter]
    foreseen: Foreseen


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
    routed = foresight.router.route_file(batch, Record(data, "", "0", 0, arrived_ms), whose.dataset)
    letters = [letter for _, letter in routed.dead]
    first = Foreseen(records=1)
    first.bury(letters)
    yield Load(None, letters, first)
    grouped: dict[str, list[Slice]] = {}
    for dataset, piece, _ in routed.pieces:
        slice_ = piece if whose.columns is None else msgspec.structs.replace(piece, columns=whose.columns)
        grouped.setdefault(dataset, []).append(slice_)
    for dataset, slices in grouped.items():
        for raw in pack(dataset, slices, message_bytes):
            foreseen = Foreseen()
            foresight.carry(dataset, raw.slices, now_ms, foreseen)
            yield Load(raw, [], foreseen)


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
