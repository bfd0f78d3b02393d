"""A plain payload falls into its units: JSON values however they are laid out, and lines of text."""

from __future__ import annotations

import re

from service.decode.extent import ALONE, end_of_broken, flaw, measure
from service.decode.header import directive, is_header, unwrapped
from service.decode.json_value import PROBE, WRONG, read_array, read_object
from service.decode.limits import Limits
from service.decode.nesting import HARMLESS, too_deep
from service.decode.salvage import salvage
from service.decode.tables import read_table
from service.decode.units import Units

BOM, BOM16 = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
SMALL, LARGE = 1 << 12, 1 << 18
"""Bytes of JSON lines taken at once: few where the last attempt met something else."""
ATTEMPTS = 64
"""Broken values whose end is searched beyond their line; bounds the work a hostile record can ask for."""

_BLANK = re.compile(rb"[ \t\r\n]*")
_JSON = re.compile(rb'\{[ \t\r]*(?:["}\n]|\Z)|\[[ \t\r]*(?:[{\[\]"\n]|\Z)')
_AFTER = re.compile(rb"[ \t\r]*(?:[\n{\[,]|\Z)")
_NEXT = re.compile(rb"\n[{\[]")


def read_payload(data: bytes, units: Units) -> None:
    """Add everything an uncompressed payload holds."""
    if data.startswith(BOM16):
        data = data.decode("utf-16", "replace").encode()
    data = data.removeprefix(BOM)
    if not read_table(data, units):
        _Scan(data, units).run()
    units.finish()
    if not units.found():
        units.breaks(data, 1, "empty", "there is nothing but white space")


class _Scan:
    def __init__(self, data: bytes, units: Units) -> None:
        self.data = data
        self.units = units
        self.at = 0
        self.line = 1
        self.attempts = ATTEMPTS
        self.line_end = -1
        self.chunk = SMALL

    def run(self) -> None:
        data, size = self.data, len(self.data)
        while True:
            blank = _BLANK.match(data, self.at)
            if blank is not None and blank.end() > self.at and data[blank.end() : blank.end() + 1] in (b"{", b"[", b""):
                self.move(blank.end())
            if self.at >= size:
                return
            if self.units.full:
                self.units.gives_up(data[self.at :], self.line)
                return
            if data.startswith(b'{"', self.at) and self.json_lines():
                continue
            if not (_JSON.match(data, self.at) and self.value()):
                self.text()

    def move(self, end: int) -> None:
        """Step forward, counting lines."""
        self.line += self.data.count(b"\n", self.at, end)
        self.at = end

    def end_of_line(self) -> int:
        """Where the current line ends; remembered, because many values may share a long line."""
        if self.line_end < self.at:
            found = self.data.find(b"\n", self.at)
            self.line_end = found if found >= 0 else len(self.data)
        return self.line_end

    def json_lines(self) -> bool:
        """Take lines that are one JSON object each, up to the first that is not; False when there is none."""
        end = self.at + self.chunk
        stop = len(self.data) if end >= len(self.data) else self.data.rfind(b"\n", self.at, end)
        self.chunk = SMALL
        try:
            lines = self.data[self.at : max(stop, self.at)].decode().split("\n")
        except UnicodeDecodeError:
            return False
        good = objects(lines, self.units.limits)
        if not good:
            return False
        taken = sum(len(line) if line.isascii() else len(line.encode()) for line in lines[:good])
        if good == len(lines):
            self.chunk = LARGE
        self.units.plain_lines([line.rstrip() for line in lines[:good]], self.line)
        self.at = min(self.at + taken + good, len(self.data))
        self.line += good
        return True

    def value(self) -> bool:
        """Read the JSON value that begins here; False when it is a line of text after all."""
        end, error = self.end_of_value()
        if end:
            value = self.data[self.at : end]
            self.units.values += 1
            if value.startswith(b"{"):
                read_object(value, self.line, self.units)
            elif not read_array(value, self.line, self.units):
                return False
            self.move(end)
            if self.data[end : end + 1] == b",":
                self.move(end + 1)
            return True
        if not self.data.startswith((b"{", b"[{", b"[\n", b"[\r"), self.at):
            return False
        self.units.values += 1
        stop = salvage(self.data, self.at, self.line, self.units)
        if not stop:
            stop = end_of_broken(self.data, self.at, self.end_of_line(), error)
            unit = self.data[self.at : stop]
            self.units.breaks(unit, self.line, *flaw(unit, error))
        self.move(stop)
        return True

    def end_of_value(self) -> tuple[int, str]:
        """Where the value ends, 0 if it is none, then with the parser's reason."""
        data, at = self.data, self.at
        line_end = self.end_of_line()
        end, error = measure(data, at, line_end)
        if not end and line_end < len(data) and self.attempts:
            end, error_of_rest = measure(data, at, len(data))
            if not end:
                self.attempts -= 1
                error = error_of_rest if ALONE.fullmatch(data, at, line_end) else error
        if end and not _AFTER.match(data, end):
            return 0, "text after a JSON value"
        return end, error

    def text(self) -> None:
        """Read lines of text up to the next line that may begin a JSON value; at least one."""
        following = _NEXT.search(self.data, self.at)
        end = following.start() if following else len(self.data)
        chunk = self.data[self.at : end]
        try:
            text = chunk.decode()
        except UnicodeDecodeError:
            self.raw_lines(chunk)
        else:
            self.lines(text.removesuffix("\n").split("\n"), has_returns="\r" in text)
        self.line += chunk.count(b"\n") + 1
        self.at = end + 1

    def lines(self, lines: list[str], *, has_returns: bool = True) -> None:
        """Add decoded lines, the first of them being number ``line``; headers and directives say what the others are."""
        if (entries := unwrapped(lines)) is not None:
            self.units.values += len(entries)
            for number, entry in entries:
                self.units.plain(entry.rstrip(), self.line + number)
            return
        if not has_returns and len(lines) > 1:
            starts = {line[:1] for line in lines[1:]}
            if not any(start in ("", "#") or start.isspace() for start in starts):
                self.lines(lines[:1])
                self.units.plain_lines(lines[1:], self.line + 1)
                return
        units = self.units
        for number, line in enumerate(lines, self.line):
            if units.full:
                units.gives_up("\n".join(lines[number - self.line :]).encode(), number)
                return
            text = line.rstrip("\r")
            if not text or text.isspace():
                continue
            units.values += 1
            if units.next == 0 and units.columns is None and is_header(text):
                units.columns = text
                units.control += 1
            elif text[0] == "#" and (found := directive(text)) is not None:
                units.control += 1
                if found[0] == "Fields":
                    units.columns = found[1]
            else:
                units.plain(text, number)

    def raw_lines(self, chunk: bytes) -> None:
        """The same for text that is not all UTF-8: broken lines alone are lost."""
        first = self.line
        lines = chunk.split(b"\n")
        for number, line in enumerate(lines, first):
            if self.units.full:
                self.units.gives_up(b"\n".join(lines[number - first :]), number)
                break
            try:
                text = line.decode()
            except UnicodeDecodeError as error:
                self.units.values += 1
                self.units.breaks(line, number, "invalid_utf8", str(error))
                continue
            self.line = number
            self.lines([text])
        self.line = first


def objects(lines: list[str], limits: Limits) -> int:
    """Return how many lines from the first are one JSON event each."""
    for number, line in enumerate(lines):
        if line[:1] != "{":
            return number
        try:
            if PROBE.decode(line).wraps():
                return number
        except WRONG:
            return number
        if len(line) >= HARMLESS and too_deep(line, limits.depth):
            return number
    return len(lines)
