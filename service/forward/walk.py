"""The content of a file, whatever it is, as blocks of units: JSON value by value, text line by line."""

from __future__ import annotations

import codecs
import contextlib
import re
from collections.abc import Iterator

from service.decode.tables import LONGEST_HEADER, NONE, Tables
from service.forward.blocks import Block, Bytes, Feed, Flawed
from service.forward.bounds import KEPT_BYTES, Bounds
from service.forward.json_values import JsonWalk
from service.forward.table import TableWalk
from service.forward.text import TextWalk

_BOM, _BOM16 = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
_JSON = re.compile(rb'[ \t\r\n]*(?:\{[ \t\r\n]*["}]|\[[ \t\r\n]*(?:\{|\][ \t\r\n]*\Z))')
_LOOK = 4096
"""Bytes that decide whether a file is JSON, text or neither."""
_CONTROL = bytes([*range(7), *range(0x0E, 0x1B)])
_BINARY = 0.02
"""Share of control characters that no text has; one here or there may stand in any log."""


class Walk:
    """One file. After ``run``, ``number`` is that of the unit after the last."""

    def __init__(self, source: Bytes, bounds: Bounds, tables: Tables = NONE) -> None:
        """Read nothing yet; ``tables``: text whose first line names columns of one of them is a table."""
        self._source = source
        self._bounds = bounds
        self._tables = tables
        self.number = 0

    def run(self) -> Iterator[Block | Flawed]:
        """Yield every unit once, and what ends the file early, if something does."""
        feed = Feed(self._source, self._bounds.chunk)
        while feed.left < _LOOK and feed.more():
            pass
        if feed.data.startswith(_BOM16):
            feed = Feed(Utf16(feed.data, self._source), self._bounds.chunk)
            feed.more()
        feed.data = feed.data.removeprefix(_BOM)
        head = feed.data[:_LOOK]
        if len(head) - len(head.translate(None, _CONTROL)) > _BINARY * len(head):
            yield Flawed(
                0, "unsupported", f"neither text nor JSON nor any format that is read: {feed.data[:16]!r}", feed.data[:KEPT_BYTES]
            )
            return
        walk = JsonWalk(feed, self._bounds) if _JSON.match(feed.data) else self._text(feed)
        yield from walk.run()
        self.number = walk.number
        if feed.spoiled is not None:
            spoiled = feed.spoiled
            rest = feed.rest[:KEPT_BYTES] or spoiled.data
            reason = f"{spoiled.reason}; the bytes are what was read of unit {walk.number}" if feed.rest else spoiled.reason
            yield Flawed(walk.number, spoiled.code, reason, rest)

    def _text(self, feed: Feed) -> TextWalk | TableWalk:
        while (end := feed.data.find(b"\n")) < 0 and feed.left <= LONGEST_HEADER and feed.more():
            pass
        line = feed.data[: end if end >= 0 else len(feed.data)]
        with contextlib.suppress(UnicodeDecodeError):
            header = line.decode().rstrip("\r")
            if (separator := self._tables.separator_of(header)) is not None:
                return TableWalk(feed, self._bounds, header, separator)
        return TextWalk(feed, self._bounds)


class Utf16:
    """UTF-16 as UTF-8; what is damaged becomes U+FFFD."""

    def __init__(self, head: bytes, source: Bytes) -> None:
        """``head`` was read before."""
        self._head = head
        self._source = source
        self._decoder = codecs.getincrementaldecoder("utf-16")("replace")

    def read(self, size: int) -> bytes:
        """At most about ``size`` bytes, none only at the end. Raises Spoiled."""
        while True:
            data, self._head = self._head or self._source.read(size), b""
            text = self._decoder.decode(data, final=not data)
            if text or not data:
                return text.encode(errors="replace")
