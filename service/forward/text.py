"""A file of text, line by line: whole blocks at once where nothing in them asks for a closer look."""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.decode.header import directive, is_header
from service.forward.blocks import Block, Feed, Flawed
from service.forward.bounds import KEPT_BYTES, Bounds
from service.forward.skipping import skip_line

_ODD = re.compile(rb"\n[\n#\r \t\v\f]")
"""Lines that may be blank or say what the columns are; a line that only begins with a blank is looked at as well."""
_WIDEST = 32_768
"""Bytes of a line that may name columns."""


class TextWalk:
    """Blocks of lines. Blank lines and header lines have no number; the header in force travels with each block."""

    def __init__(self, feed: Feed, bounds: Bounds) -> None:
        """Walk over the rest of the feed."""
        self._feed = feed
        self._bounds = bounds
        self._columns: str | None = None
        self.number = 0
        """Of the next unit."""

    def run(self) -> Iterator[Block | Flawed]:
        """Yield every line once."""
        feed = self._feed
        while True:
            cut = feed.data.rfind(b"\n", feed.at) + 1
            if cut:
                block, feed.at = feed.data[feed.at : cut], cut
                yield from self._block(block)
            elif feed.left > self._bounds.unit:
                kept = feed.data[feed.at : feed.at + KEPT_BYTES]
                yield self._too_long(kept, skip_line(feed))
            elif not feed.more():
                break
        if feed.spoiled is not None:
            feed.give_up()
        elif feed.left:
            yield from self._block(feed.data[feed.at :] + b"\n")
            feed.at = len(feed.data)

    def _block(self, block: bytes) -> Iterator[Block | Flawed]:
        # With a line break in front the first line is looked at like the others.
        if self.number and len(block) <= self._bounds.unit and _ODD.search(b"\n" + block) is None:
            yield self._made(block, block.count(b"\n"))
            return
        kept: list[bytes] = []
        for line in block.split(b"\n"):
            if not line or line.isspace():
                continue
            if len(line) > self._bounds.unit:
                if kept:
                    yield self._made(b"\n".join(kept), len(kept))
                    kept = []
                yield self._too_long(line[:KEPT_BYTES], len(line))
                continue
            header = self._header(line, first=not self.number and not kept)
            if header is None:
                kept.append(line)
                continue
            if kept and header != self._columns:
                yield self._made(b"\n".join(kept), len(kept))
                kept = []
            self._columns = header or self._columns
        if kept:
            yield self._made(b"\n".join(kept), len(kept))

    def _header(self, line: bytes, *, first: bool) -> str | None:
        """The column list of a header line, "" for a line that says something else about the file, None for all others."""
        if (not first and line[:1] != b"#") or len(line) > _WIDEST:
            return None
        try:
            text = line.decode().rstrip("\r")
        except UnicodeDecodeError:
            return None
        if first and self._columns is None and is_header(text):
            return text
        found = directive(text) if text[:1] == "#" else None
        return None if found is None else found[1] if found[0] == "Fields" else ""

    def _made(self, data: bytes, count: int) -> Block:
        block = Block("lines", self.number, count, data, self._columns)
        self.number += count
        return block

    def _too_long(self, kept: bytes, size: int) -> Flawed:
        flawed = Flawed(self.number, "too_long", f"a line of {size} bytes, {self._bounds.unit} may be", kept)
        self.number += 1
        return flawed
