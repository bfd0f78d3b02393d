"""A table of text row by row: a row may go on over lines, inside quotes, and is never cut."""

from __future__ import annotations

from collections.abc import Iterator

from service.decode.tables import LONGEST_ROW, rows_of
from service.forward.blocks import Block, Feed, Flawed
from service.forward.bounds import KEPT_BYTES, Bounds
from service.forward.skipping import skip_line
from service.parse.columns import layout_of


class TableWalk:
    """Blocks of rows. The header has no number, wherever it stands; it travels with each block."""

    def __init__(self, feed: Feed, bounds: Bounds, header: str, separator: str) -> None:
        """Walk over the rest of the feed, which begins with the header."""
        self._feed = feed
        self._bounds = bounds
        self._header = header
        self._separator = separator
        self._width = len(layout_of(header, separator))
        self.number = 0
        """Of the next unit."""

    def run(self) -> Iterator[Block | Flawed]:
        """Yield every row once."""
        feed = self._feed
        while True:
            cut = feed.data.rfind(b"\n", feed.at) + 1
            if cut:
                before = feed.at
                yield from self._rows(feed.data[before:cut], ended=False)
                if feed.at > before:
                    continue
            elif feed.left > self._bounds.unit:
                kept = feed.data[feed.at : feed.at + KEPT_BYTES]
                yield self._too_long(kept, skip_line(feed))
                continue
            # A row that does not end in memory: no more than its bound is waited for.
            if not feed.more(min(feed.left, LONGEST_ROW) + 1):
                break
        if feed.spoiled is not None:
            feed.give_up()
        elif feed.left:
            yield from self._rows(feed.data[feed.at :], ended=True)

    def _rows(self, block: bytes, *, ended: bool) -> Iterator[Block | Flawed]:
        """Take the rows that whole lines hold, and step over them; a last one that may go on behind them stays."""
        lines = block.decode("utf-8", "surrogateescape").removesuffix("\n").split("\n")
        kept: list[bytes] = []
        size, end = 0, 0
        for row in rows_of(lines, self._separator, self._width, ended=ended):
            end = row.end
            if row.text == self._header:
                continue
            text = row.text.encode("utf-8", "surrogateescape")
            too_long = len(text) > self._bounds.unit
            if kept and (too_long or size + len(text) > self._bounds.frame):
                yield self._made(kept)
                kept, size = [], 0
            if too_long:
                yield self._too_long(text[:KEPT_BYTES], len(text))
                continue
            kept.append(text)
            size += len(text) + 1
        if kept:
            yield self._made(kept)
        rest = len("\n".join(lines[end:]).encode("utf-8", "surrogateescape")) + 1 if end < len(lines) and not ended else 0
        self._feed.at += len(block) - rest

    def _made(self, rows: list[bytes]) -> Block:
        block = Block("rows", self.number, len(rows), b"\n".join(rows), self._header, self._separator)
        self.number += len(rows)
        return block

    def _too_long(self, kept: bytes, size: int) -> Flawed:
        flawed = Flawed(self.number, "too_long", f"a line of {size} bytes, {self._bounds.unit} may be", kept)
        self.number += 1
        return flawed
