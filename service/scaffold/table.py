"""Lines of separated values: what separates them, and what the columns are called."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from service.errors import EventError
from service.parse.columns import split_carefully
from service.scaffold.naming import names_of

_NAME = re.compile(r"[A-Za-z_#][A-Za-z0-9_.\-()/# ]*")
_SEPARATORS = ("\t", "|", ";", ",", " ")
_ABSENT = ("", "-")
_LEAST = 4
"""Values of a line that nobody named; fewer may be chance."""
_KNOWN = 4
"""Columns from which on decoding knows a header by itself."""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns with their names, and the rows that have them all."""

    names: list[str]
    separator: str
    rows: list[list[str]]
    quoted: bool
    header: str | None = None
    """The line of names, where there is one."""

    def yaml(self) -> str:
        """The line below ``parse:``."""
        separators = {"\t": ', separator: "\\t"', " ": ""}
        separator = separators.get(self.separator, f', separator: "{self.separator}"')
        quoted = ", quoted: true" if self.quoted else ""
        return f'columns: {{ from: [declared, header, default], default: "{" ".join(self.names)}"{separator}{quoted} }}'

    def events(self) -> list[dict[str, Any]]:
        """The raw fields of every row."""
        return [{name: value for name, value in zip(self.names, row, strict=True) if value not in _ABSENT} for row in self.rows]

    def dropped(self) -> tuple[str, str] | None:
        """First column and what stands in it in the header, where that comes as an event among the others."""
        if self.header is None or (self.separator != " " and len(self.names) >= _KNOWN):
            return None
        return self.names[0], split_carefully(self.header, self.separator, quoted=self.quoted)[0]


def table_of(texts: list[str], columns: str | None) -> Table | None:
    """The table that the lines are; ``columns`` is the header line that decoding took off."""
    if columns:
        return _table(texts, columns.split(), " ", None)
    for separator in _SEPARATORS:
        found = _headed(texts, separator) or _unnamed(texts, separator)
        if found is not None:
            return found
    return None


def _headed(texts: list[str], separator: str) -> Table | None:
    """A first line of names over lines that are not."""
    if len(texts) < 2:
        return None
    names = _split(texts[0], separator)
    rows = [_split(text, separator) for text in texts[1:50]]
    named = all(_NAME.fullmatch(name) for name in names) and len(set(names)) == len(names) > 2
    same = sum(len(row) == len(names) for row in rows) * 10 >= len(rows) * 9
    digits = any(any(character.isdigit() for character in value) for row in rows for value in row)
    if not (named and same and digits) or any(name.isdigit() for name in names):
        return None
    return _table(texts[1:], [_column(name) for name in names], separator, texts[0])


def _unnamed(texts: list[str], separator: str) -> Table | None:
    """No names, but always as many values."""
    rows = [_split(text, separator) for text in texts]
    width, times = Counter(map(len, rows)).most_common(1)[0]
    if width < _LEAST or times * 10 < len(texts) * 9:
        return None
    whole = [row for row in rows if len(row) == width]
    columns = [[row[at].strip() for row in whole if row[at] not in _ABSENT] for at in range(width)]
    return _table(texts, names_of(columns), separator, None)


def _table(texts: list[str], names: list[str], separator: str, header: str | None) -> Table:
    quoted = separator != " " or sum('"' in text for text in texts) * 2 > len(texts)
    rows = [split_carefully(text, separator, quoted=quoted) for text in texts]
    return Table(names, separator, [row for row in rows if len(row) == len(names)], quoted, header)


def _split(text: str, separator: str) -> list[str]:
    try:
        return split_carefully(text, separator, quoted=True)
    except EventError:
        return text.split(separator)


def _column(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.\-]+", "_", name.strip()).strip("_") or "_"
