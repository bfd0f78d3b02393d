"""What kind of text is this? JSON, XML, CEF, columns, pairs, syslog, JSON behind a header, lines written alike, or just text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import re2

from service.errors import EventError
from service.parse.joins import JOINED, JOINS
from service.parse.json_event import read_json
from service.parse.steps import PARSERS
from service.scaffold.table import Table, table_of
from service.scaffold.template import templates_of

_MODERN = (
    r"<(?P<syslog_priority>\d{1,3})>(?P<syslog_version>\d{1,2}) (?:-|(?P<syslog_time>\S+)) (?:-|(?P<syslog_host>\S+)) "
    r"(?:-|(?P<syslog_program>\S+)) (?:-|(?P<syslog_pid>\S+)) (?:-|(?P<syslog_msgid>\S+))(?: -)?(?: (?P<syslog_text>.+))?"
)
_OLD = (
    r"(?:<(?P<syslog_priority>\d{1,3})>)?"
    r"(?P<syslog_time>[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) (?P<syslog_host>\S+)"
    r"(?: (?P<syslog_program>[^\s:\[\]]+)(?:\[(?P<syslog_pid>\d+)\])?:?)?(?: (?P<syslog_text>.+))?"
)
_HEADS = (_MODERN, _OLD)
"""Headers of syslog, as they are left where a step took the pairs or the object behind them."""
_SYSLOG = re.compile(
    r"<\d{1,3}>(?:\d )?(?:[A-Z][a-z]{2} [ \d]\d |\d{4}-|- )"
    r"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ \S+"
    r"|\d{4}-\d\d-\d\dT[\d:.]{8,18}(?:Z|[+-]\d\d:?\d\d) [a-z][\w.-]* [\w./-]{1,64}(?:\[\d{1,10}\])?: "
)
_DATED = re.compile(r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d ")
_PAIRS = 3
"""Pairs that a line of pairs has at least."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How to parse, as a pipeline says it, and the raw fields of every event that could be parsed that way."""

    what: str
    """For people."""
    decode: str
    parse: list[str]
    """Lines of YAML below ``parse:``."""
    events: list[dict[str, Any]] = field(default_factory=list)
    step: str = ""
    """The named parse step, if there is one."""
    table: Table | None = None
    leftover: str | None = None
    """Raw field with the text that no pattern matched."""


def shape_of(texts: list[str], columns: str | None = None) -> Shape:
    """The likeliest shape; ``columns`` is the header line that decoding found."""
    texts, joined = _whole(texts)
    shape = _shape_of(texts, columns, joined=joined)
    if not joined:
        return shape
    return replace(shape, decode=f"{shape.decode}, multiline", parse=["join: container", *shape.parse])


def _shape_of(texts: list[str], columns: str | None, *, joined: bool) -> Shape:
    for step, begins in (("cef", r"CEF: ?\d"), ("leef", r"LEEF: ?\d"), ("xml", r"\s*<[A-Za-z?]")):
        test = re.compile(begins).match if step == "xml" else re.compile(begins).search
        if _most(texts, test) and (found := _step(step, texts)) is not None:
            return found
    if (found := _json(texts)) is not None:
        return found
    if (found := _step("json_tail", texts)) is not None:
        return found
    if not joined and (table := table_of(texts, columns)) is not None and (table.separator != " " or table.header or columns):
        return _of_table(table)
    pairs = _pairs(texts)
    if _most(texts, _SYSLOG.match):
        structured = any("structured_data" in PARSERS["syslog"](text) for text in texts)
        return pairs if pairs is not None and not structured else _syslog(texts)
    if pairs is not None:
        return pairs
    return _templates(texts, many_lines=joined) or _spaced(texts) or _text(texts)


def _whole(texts: list[str]) -> tuple[list[str], bool]:
    """The events with their stack traces, and whether there were any."""
    pieces = list(texts)
    return ([text for text in pieces if text != JOINED], True) if JOINS["container"](pieces) else (texts, False)


def _json(texts: list[str]) -> Shape | None:
    parsed = []
    for text in texts:
        try:
            parsed.append(read_json(text)[0])
        except EventError:
            continue
    return Shape("JSON", "json", ["json: {}"], parsed) if len(parsed) * 2 > len(texts) else None


def _step(step: str, texts: list[str]) -> Shape | None:
    """The parse step, where it reads nearly all lines; the words it leaves are a header, or written alike."""
    parsed = _parsed(step, texts)
    if len(parsed) * 10 < len(texts) * 9:
        return None
    what = {"key_value": "key=value", "json_tail": "JSON behind a header", "leef": "LEEF", "cef": "CEF", "xml": "XML"}
    shape = Shape(what.get(step, step), "lines", [f"step: {step}"], parsed, step)
    heads = [event["_rest"] for event in parsed if isinstance(event.get("_rest"), str)]
    if len(heads) * 2 < len(texts):
        return shape
    keys = frozenset(key for event in parsed for key in event)
    regexes = _syslog_head(heads) or _regexes(heads, avoid=keys)
    if not regexes:
        return shape
    return replace(
        shape,
        parse=[*shape.parse, *_pattern(regexes, "_rest")],
        events=[_matched(event, regexes, "_rest") for event in parsed],
        leftover="_rest",
    )


def _syslog_head(heads: list[str]) -> list[str]:
    if not _most(heads, lambda head: _SYSLOG.match(head) or _DATED.match(head)):
        return []
    return [head for head in _HEADS if _most(heads, partial(re2.fullmatch, head))][:1]


def _parsed(step: str, texts: list[str]) -> list[dict[str, Any]]:
    found = []
    for text in texts:
        try:
            found.append(PARSERS[step](text))
        except EventError:
            continue
    return found


def _pairs(texts: list[str]) -> Shape | None:
    parsed = _parsed("key_value", texts)
    rich = sum(len(event) - ("_rest" in event) >= _PAIRS for event in parsed)
    return _step("key_value", texts) if rich * 10 >= len(texts) * 8 else None


def _syslog(texts: list[str]) -> Shape:
    return Shape("syslog", "lines", ["step: syslog"], _parsed("syslog", texts), "syslog")


def _of_table(table: Table) -> Shape:
    what = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "pipes", " ": "blanks"}[table.separator]
    return Shape(f"columns between {what}", "lines", [table.yaml()], table.events(), table=table)


def _spaced(texts: list[str]) -> Shape | None:
    table = table_of(texts, None)
    return _of_table(table) if table is not None else None


def _templates(texts: list[str], *, many_lines: bool) -> Shape | None:
    regexes = _regexes(texts, many_lines=many_lines)
    if not regexes:
        return None
    events = [_matched({"_text": text}, regexes, "_text") for text in texts]
    return Shape("lines of text", "lines", _pattern(regexes, "_text"), events, leftover="_text")


def _regexes(texts: list[str], *, many_lines: bool = False, avoid: frozenset[str] = frozenset()) -> list[str]:
    """Patterns that match most of the texts, or none; no group has a name to ``avoid``."""
    regexes = [each.regex for each in templates_of(texts, many_lines=many_lines, avoid=avoid)]
    matched = [any(re2.fullmatch(regex, text) is not None for regex in regexes) for text in texts]
    return regexes if sum(matched) * 10 >= len(texts) * 6 else []


def _matched(event: dict[str, Any], regexes: list[str], source: str) -> dict[str, Any]:
    """The event with the groups of the first pattern that matches, in place of the text."""
    for regex in regexes:
        found = re2.fullmatch(regex, event[source]) if source in event else None
        if found is not None:
            rest = {key: value for key, value in event.items() if key != source}
            names = sorted(found.re.groupindex, key=found.re.groupindex.__getitem__)
            return {**rest, **{name: found[name] for name in names if found[name] is not None}}
    return event


def _pattern(regexes: list[str], source: str) -> list[str]:
    names = ["line", *(f"line_{number}" for number in range(2, len(regexes) + 1))]
    lines = ["pattern:", *([f"  from: {source}"] if source != "_text" else []), "  any_of:"]
    for name, regex in zip(names, regexes, strict=True):
        lines += [f"    - name: {name}", "      regex: '" + regex.replace("'", "''") + "'"]
    return lines


def _text(texts: list[str]) -> Shape:
    lines = ["pattern:", "  any_of:", "    - { name: line, regex: '(?s)(?P<text>.*)' }"]
    return Shape("text", "lines", lines, [{"text": text} for text in texts])


def _most(texts: list[str], match: Callable[[str], object]) -> bool:
    """Whether more than half of them match."""
    return sum(match(text) is not None for text in texts) * 2 > len(texts)
