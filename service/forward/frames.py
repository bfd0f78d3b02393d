"""Units of an object as forwarded records: compressed, none larger than Kinesis takes or decoding unpacks."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import zstandard

from service.decode.forwarded import Head, head_line
from service.decode.limits import DEFAULT
from service.forward.blocks import Block, Flawed
from service.forward.bounds import KEPT_BYTES, Bounds
from service.forward.thing import Named

LEVEL = 1
"""Of zstd. What is saved in Kinesis by higher ones costs more on both sides."""
ROOM = 512
"""Bytes of a Kinesis record that are not the forwarded record's: partition key, frame of the aggregate."""
_REASON = 2000


class Frames:
    """Makes the forwarded records of one object."""

    def __init__(self, name: Named, bounds: Bounds) -> None:
        """Of which object."""
        self._bounds = bounds
        self._most = bounds.record - ROOM
        self._compressor = zstandard.ZstdCompressor(level=LEVEL)
        self._head = Head(
            siem="forwarded/1", bucket=name.bucket, key=name.key, version=name.version, written=name.written_ms, first=0,
            form="lines",
        )  # fmt: skip

    def of(self, part: str, item: Block | Flawed) -> Iterator[bytes]:
        """The forwarded records of one item of the object's content."""
        if isinstance(item, Flawed):
            yield self.letter(part, item)
        elif len(item.data) <= 2 * self._bounds.frame or item.separator is not None:
            yield from self._block(part, item)
        else:
            for piece in _cut(item, self._bounds.frame):
                yield from self._block(part, piece)

    def letter(self, part: str, flawed: Flawed) -> bytes:
        """What cannot be used, as a dead letter on its way."""
        head = msgspec.structs.replace(
            self._head, first=flawed.number, part=part, form="letter", code=flawed.code, reason=flawed.reason[:_REASON]
        )
        return self._compressor.compress(head_line(head) + flawed.data[:KEPT_BYTES])

    def _block(self, part: str, block: Block) -> Iterator[bytes]:
        head = msgspec.structs.replace(
            self._head, first=block.first, part=part, form=block.form, columns=block.columns, separator=block.separator
        )
        plain = head_line(head) + block.data
        packed = self._compressor.compress(plain)
        if len(plain) > DEFAULT.inflated(len(packed)):
            packed = plain  # as it is, or decoding would take it for a bomb
        if len(packed) <= self._most:
            yield packed
        elif block.units > 1 and block.separator is None:
            for piece in _cut(block, len(block.data) // 2):
                yield from self._block(part, piece)
        else:
            reason = (
                f"{len(block.data)} bytes do not fit into a Kinesis record of {self._bounds.record}, {len(packed)} compressed"
            )
            yield self.letter(part, Flawed(block.first, "too_long", reason, block.data[:KEPT_BYTES]))


def _cut(block: Block, size: int) -> Iterator[Block]:
    """The block in pieces of about ``size`` bytes; a larger unit is a piece of its own."""
    lines = [line for line in block.data.split(b"\n") if line and not line.isspace()]
    start, held = 0, 0
    for at, line in enumerate(lines):
        if at > start and held + len(line) > size:
            yield _piece(block, lines, start, at)
            start, held = at, 0
        held += len(line) + 1
    yield _piece(block, lines, start, len(lines))


def _piece(block: Block, lines: list[bytes], start: int, end: int) -> Block:
    return Block(block.form, block.first + start, end - start, b"\n".join(lines[start:end]), block.columns)
