"""What a worker tells its parent once a second, as length-prefixed MessagePack over a socket only the two know."""

from __future__ import annotations

import struct

import msgspec

from service.telemetry.meters import Snapshot
from service.telemetry.problems import Problem

LARGEST = 64 * 1024 * 1024
_length = struct.Struct(">I")


class SourceLine(msgspec.Struct):
    """One stream as a worker's collector sees it."""

    project: str
    environment: str
    stream: str
    state: str
    mode: str
    shards: int
    behind_seconds: float | None
    last_error: str = ""


class HoldLine(msgspec.Struct):
    """Why documents of a dataset wait."""

    dataset: str
    code: str
    needs_action: bool
    seconds: float


class WatchLine(msgspec.Struct):
    """One watched source, as the worker that judges sees it; the dataset ``*`` is the stream as a whole."""

    project: str
    environment: str
    stream: str
    dataset: str
    state: str
    """learning, heard, silent, unknown, muted."""
    last_ms: int
    patience_seconds: float | None
    reason: str = ""


class Report(msgspec.Struct):
    """One worker, now."""

    worker: str
    pid: int
    state: str
    """starting, ready, draining."""
    partitions: int
    snapshot: Snapshot
    problems: list[Problem]
    sources: list[SourceLine]
    holds: list[HoldLine]
    stopped_datasets: list[str]
    memory_bytes: int
    watched: list[WatchLine] = []
    """Told by the one worker that judges."""


_decoder = msgspec.msgpack.Decoder(Report)


def pack_report(report: Report) -> bytes:
    """Return a frame: four bytes of length, then the report."""
    body = msgspec.msgpack.encode(report)
    return _length.pack(len(body)) + body


def frame_length(head: bytes) -> int:
    """Return the length of the frame that follows; raises ValueError when it cannot be one of ours."""
    (length,) = _length.unpack(head)
    if length > LARGEST:
        raise ValueError("frame too large")
    return int(length)


def unpack_report(body: bytes) -> Report:
    """Return the report of a frame's body; raises msgspec.DecodeError for anything else."""
    return _decoder.decode(body)
