"""Text tables with a header line, as RFC 4180 writes them: a row may go on over lines, inside quotes.

Which first lines are headers is known from the columns that pipelines read: an event that happens to hold names only is not
taken for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, NamedTuple

from service.errors import EventError
from service.parse.columns import folded, layout_of, split_carefully

if TYPE_CHECKING:
    from service.decode.units import Units

LONGEST_HEADER = 65_536
ENOUGH = 4
"""Known names that make a header of a line of distinct names."""
_SURROGATE = re.compile("[\udc80-\udcff]")
MOST_LINES, LONGEST_ROW = 1_000, 1 << 20
"""Lines and characters after which a quote that nobody closed is no quote."""


class Table(NamedTuple):
    """One kind of table: what separates its values, and names of columns it may have, folded."""

    separator: str
    names: AbstractSet[str]


class Row(NamedTuple):
    """A row of a table as text; it begins at line ``line``, from 0, and ends before line ``end``.

    ``closed`` False: a quoted value does not end.
    """

    text: str
    line: int
    end: int
    closed: bool = True


class Tables:
    """The tables that pipelines read."""

    def __init__(self, tables: Iterable[Table] = ()) -> None:
        """Of the same separator all names count together."""
        self._names: dict[str, set[str]] = {}
        for table in tables:
            self._names.setdefault(table.separator, set()).update(table.names)

    def separator_of(self, line: str) -> str | None:
        """What separates the columns that the line names; None for one that is no header."""
        if not self._names or len(line) > LONGEST_HEADER or line[:1] in "{[":
            return None
        for separator, names in self._names.items():
            if line.count(separator) < ENOUGH - 1 or line.count('"') & 1:
                continue
            found = layout_of(line, separator)
            known = sum(folded(name) in names for name in found if name[:1].isalpha())
            if known >= ENOUGH and len(set(found)) == len(found):
                return separator
        return None


NONE = Tables()


def rows_of(lines: list[str], separator: str, width: int, *, ended: bool = True) -> Iterator[Row]:
    """The rows that lines hold; blank ones are none. ``width`` is the number of columns.

    A line whose quotes do not come in pairs goes on in the next ones, unless it is a row as it stands: a quote inside a value
    that is not quoted is a character like others. Where more lines follow (not ``ended``), a row that may go on in them is not
    given.
    """
    at = 0
    while at < len(lines):
        text, start = lines[at], at
        at += 1
        if text.count('"') & 1 and not _is_row(text, separator, width):
            at = _closing(lines, start)
            if at < 0 and not ended:
                return
            if at <= 0:
                at = start + 1
                yield Row(text.removesuffix("\r"), start, at, closed=False)
                continue
            text = "\n".join(lines[start:at])
        text = text.removesuffix("\r")
        if text and not text.isspace():
            yield Row(text, start, at)


def _is_row(text: str, separator: str, width: int) -> bool:
    try:
        return len(split_carefully(text, separator, quoted=True)) >= width
    except EventError:
        return False


def _closing(lines: list[str], start: int) -> int:
    """The line after the one that closes the quote left open at ``start``; 0 when none near does, -1 when none that is there."""
    size = len(lines[start])
    for at in range(start + 1, min(start + MOST_LINES, len(lines))):
        size += len(lines[at]) + 1
        if size > LONGEST_ROW:
            return 0
        if lines[at].count('"') & 1:
            return at + 1
    return 0 if start + MOST_LINES <= len(lines) else -1


def read_table(data: bytes, units: Units) -> bool:
    """Add the rows of a table; False, and nothing is added, when its first line names no columns that anybody knows.

    The header may be written again, as where files were put together.
    """
    end = data.find(b"\n")
    try:
        header = data[: end if end >= 0 else len(data)].decode().rstrip("\r")
    except UnicodeDecodeError:
        return False
    separator = units.tables.separator_of(header)
    if separator is None:
        return False
    units.columns = header
    units.control += 1
    units.values += 1
    # Bytes that are no UTF-8 pass as lone surrogates until it is known whose they are.
    text = data[len(header.encode()) :].decode("utf-8", "surrogateescape")
    lines = text.split("\n")[1:]
    for row in rows_of(lines, separator, len(layout_of(header, separator))):
        if units.full:
            units.gives_up("\n".join(lines[row.line :]).encode("utf-8", "surrogateescape"), row.line + 2)
            break
        units.values += 1
        if row.text == header:
            units.control += 1
        else:
            add_row(row, units)
    return True


def add_row(row: Row, units: Units) -> None:
    """Add a row, or what is wrong with it. Bytes that are no UTF-8 stand in it as lone surrogates."""
    if not row.closed:
        units.breaks(_bytes(row.text), row.line + 2, "unclosed_quote", "a quoted value does not end")
    elif not row.text.isascii() and _SURROGATE.search(row.text) is not None:
        units.breaks(_bytes(row.text), row.line + 2, "invalid_utf8", "the row holds bytes that are no UTF-8")
    else:
        units.plain(row.text, row.line + 2)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
