"""What kind of text is this? JSON, columns with or without a header, separated values, key=value, syslog, or just text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from service.errors import EventError
from service.parse.columns import split_carefully
from service.parse.json_event import read_json
from service.parse.steps import PARSERS
from service.parse.steps.key_value import key_value

_SYSLOG = re.compile(r"(<\d{1,3}>)?(1 )?([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) \S+ ")
_NAME = re.compile(r"[A-Za-z_#][A-Za-z0-9_.\-()/# ]*")
_SEPARATORS = ("\t", ",", ";", " ")


@dataclass(frozen=True, slots=True)
class Shape:
    """How to parse, as a pipeline says it, and the raw fields of every event that could be parsed that way."""

    decode: str
    parse: list[str]
    """Lines of YAML below ``parse:``."""
    events: list[dict[str, Any]] = field(default_factory=list)
    header: tuple[str, str] | None = None
    """First column and what stands in it in the header line, which comes as an event among the others."""


def shape_of(events: list[str], columns: str | None = None) -> Shape:
    """The likeliest shape; ``columns`` is the header line that decoding found."""
    found = _json(events) or _declared(events, columns) or _headed(events) or _pairs(events)
    if found is not None:
        return found
    if "syslog" in PARSERS and _most(events, lambda text: _SYSLOG.match(text) is not None):
        return Shape("lines", ["step: syslog"], [PARSERS["syslog"](text) for text in events if _SYSLOG.match(text)])
    return _separated(events) or _text(events)


def _json(events: list[str]) -> Shape | None:
    parsed = []
    for text in events:
        try:
            parsed.append(read_json(text)[0])
        except EventError:
            continue
    return Shape("json", ["json: {}"], parsed) if len(parsed) * 2 > len(events) else None


def _declared(events: list[str], columns: str | None) -> Shape | None:
    return _columns(events, columns.split(), " ") if columns else None


def _headed(events: list[str]) -> Shape | None:
    """A first line of names over lines that are not."""
    if len(events) < 2:
        return None
    for separator in _SEPARATORS:
        names = split_carefully(events[0], separator, quoted=True)
        rows = [split_carefully(text, separator, quoted=True) for text in events[1:50]]
        named = all(_NAME.fullmatch(name) for name in names) and len(set(names)) == len(names) > 2
        same = sum(len(row) == len(names) for row in rows) * 10 >= len(rows) * 9
        numeric = any(any(character.isdigit() for character in value) for row in rows for value in row)
        if named and same and numeric and not any(name.isdigit() for name in names):
            columns = [_column(name) for name in names]
            shape = _columns(events[1:], columns, separator)
            return replace(shape, header=(columns[0], names[0]))
    return None


def _separated(events: list[str]) -> Shape | None:
    """No names, but always as many values."""
    for separator in _SEPARATORS:
        widths = Counter(len(split_carefully(text, separator, quoted=True)) for text in events)
        width, times = widths.most_common(1)[0]
        if width > 3 and times * 10 >= len(events) * 9:
            return _columns(events, [f"column_{number}" for number in range(1, width + 1)], separator)
    return None


def _columns(events: list[str], names: list[str], separator: str) -> Shape:
    quoted = separator != " " or _most(events, lambda text: '"' in text)
    rows = [split_carefully(text, separator, quoted=quoted) for text in events]
    parsed = [
        {name: value for name, value in zip(names, row, strict=False) if value not in ("", "-")}
        for row in rows
        if len(row) == len(names)
    ]
    options = "".join(
        [
            ', separator: "\\t"' if separator == "\t" else "",
            f', separator: "{separator}"' if separator in ",;" else "",
            ", quoted: true" if quoted else "",
        ]
    )
    line = f'columns: {{ from: [declared, header, default], default: "{" ".join(names)}"{options} }}'
    return Shape("lines", [line], parsed)


def _pairs(events: list[str]) -> Shape | None:
    parsed = []
    for text in events:
        try:
            pairs = key_value(text)
        except EventError:
            continue
        if len(pairs) > 2:
            parsed.append(pairs)
    return Shape("lines", ["step: key_value"], parsed) if len(parsed) * 10 >= len(events) * 8 else None


def _text(events: list[str]) -> Shape:
    lines = ["pattern:", "  any_of:", "    - { name: line, regex: '(?s)(?P<text>.*)' }"]
    return Shape("lines", lines, [{"text": text} for text in events])


def _most(events: list[str], test: Callable[[str], bool]) -> bool:
    return sum(test(text) for text in events) * 2 > len(events)


def _column(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.\-]+", "_", name.strip()).strip("_") or "_"
