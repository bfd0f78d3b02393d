"""What a way of reading a shard gives: chunks of records, whatever the transport."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Protocol

from service.source.kinesis.client import StartAt
from service.source.kinesis.wire import ChildShard, WireRecord


@dataclass(frozen=True, slots=True)
class Chunk:
    """What one reply or event brought, possibly nothing."""

    records: list[WireRecord]
    behind_ms: int
    """How far this chunk's end is behind the tip of the shard, milliseconds."""
    ended: bool = False
    """True: the shard is closed and this was its last."""
    children: list[ChildShard] = field(default_factory=list)
    final: bool = True
    """True: nothing that lies before the end of this chunk can still come."""
    follows: bool = True
    """True: nothing that lies before the end of the chunks before this one can still come."""


class Reader(Protocol):
    """Reads one shard; ``mode`` names how (``polling``, ``fan_out/http2``, …)."""

    mode: str

    def read(self, start: StartAt) -> AsyncGenerator[Chunk, None]:
        """Chunks from ``start`` until the shard ends.

        The next one is fetched when the last was dealt with, and passing faults are waited out inside. Raises
        KinesisFault for those that another reader or an operator must deal with.
        """
        ...
