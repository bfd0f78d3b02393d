"""One line of separated values → the list of its values."""

from __future__ import annotations

import csv
import re

import orjson

from service.errors import EventError

_QUOTED = re.compile(r'"((?:[^"\\]++|\\.|"(?! |\Z))*+)(?:"|\Z)|([^ ]++)', re.DOTALL)
_BRACKETED = re.compile(r"([^\"\[]*+)\[([^\]\"]*+)\](?: |\Z)")
"""A quote ends a value where a blank or the end follows: clients put quotes into what load balancers log as it came."""
_WRAPPED = ("log", "message", "body")
_ESCAPED = re.compile(r'\\(["\\])')
_BETWEEN = re.compile(r"[\W_]+")


def split_quoted(text: str) -> list[str]:
    """Values separated by blanks, some in double quotes; for lines without backslashes, fast.

    Raises ValueError where a quote stands inside a value: that is for ``split_carefully``.
    """
    first, *rest = text.split('"')
    row = first.split()
    if not rest:
        return row
    if len(rest) % 2 or (first and first[-1] != " "):
        raise ValueError(text)
    *between, tail = rest[1::2]
    for value, after in zip(rest[::2], between, strict=False):
        row.append(value)
        if after == " ":
            continue
        if not after or after[0] != " " or after[-1] != " ":
            raise ValueError(text)
        row += after.split()
    if tail and tail[0] != " ":
        raise ValueError(text)
    row.append(rest[-2])
    row += tail.split()
    return row


def split_bracketed(text: str) -> list[str]:
    """``split_quoted`` where the first value in square brackets before any quote is one value, without its brackets.

    Raises ValueError as ``split_quoted`` does, and where no bracket closes.
    """
    opening = text.find("[")
    quote = text.find('"')
    if opening < 0 or -1 < quote < opening:
        return split_quoted(text)
    closing = text.index("]", opening)
    if -1 < quote < closing or text[closing + 1 : closing + 2] not in (" ", ""):
        raise ValueError(text)
    return [*text[:opening].split(), text[opening + 1 : closing], *split_quoted(text[closing + 2 :])]


def line_of(text: str) -> str:
    """The line itself: log routers wrap lines in JSON objects, under ``log``, ``message`` or ``body``.

    Raises EventError ``not_columns`` for a JSON object that wraps none.
    """
    if text[:1] != "{":
        return text
    try:
        wrapped = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    for key in _WRAPPED:
        line = wrapped.get(key)
        if isinstance(line, str) and line.strip():
            return line
    raise EventError("parse", "not_columns", "a JSON object that holds no line under log, message or body")


def split_carefully(text: str, separator: str, *, quoted: bool, brackets: bool = False) -> list[str]:
    """The same for any line: backslash escapes inside quotes, an unclosed quote, repeated blanks.

    Raises EventError ``unclosed_bracket`` where the value in brackets does not end before the first quote.
    """
    if brackets and "[" in text.partition('"')[0]:
        found = _BRACKETED.match(text)
        if found is None:
            raise EventError("parse", "unclosed_bracket", "a value in square brackets does not end")
        return [*found[1].split(), found[2], *split_carefully(text[found.end() :], separator, quoted=quoted)]
    if not quoted:
        return text.split() if separator == " " else text.split(separator)
    if separator != " ":
        return _split_separated(text, separator)
    row: list[str] = []
    for value, plain in _QUOTED.findall(text):
        row.append(plain if plain and not plain.startswith('"') else _ESCAPED.sub(r"\1", value or plain.removeprefix('"')))
    return row


def split_separated(text: str, separator: str) -> list[str]:
    """Values as RFC 4180 writes them, fast. Raises ValueError for what only ``split_carefully`` can read."""
    try:
        (row,) = csv.reader([text], delimiter=separator, strict=True)
    except csv.Error as error:
        raise ValueError(text) from error
    return row


def _split_separated(text: str, separator: str) -> list[str]:
    """The same for any line: doubled quotes, values over several lines; a quote inside an unquoted value is part of it."""
    row, at = [], 0
    while at <= len(text):
        if text[at : at + 1] == '"':
            end = at + 1
            while (end := text.find('"', end)) >= 0 and text[end + 1 : end + 2] == '"':
                end += 2
            if end < 0:
                raise EventError("parse", "unclosed_quote", "a quoted value does not end")
            after = text.find(separator, end)
            after = len(text) if after < 0 else after
            # What stands between the quote and the separator should not be there; it is kept.
            row.append(text[at + 1 : end].replace('""', '"') + text[end + 1 : after])
            at = after + 1
        else:
            end = text.find(separator, at)
            end = len(text) if end < 0 else end
            row.append(text[at:end])
            at = end + 1
    return row


def layout_of(header: str, separator: str) -> tuple[str, ...]:
    """Column names of a header or declaration: ``${srcaddr}`` or plain, separated by blanks or the separator."""
    if separator in ",;|" and separator in header:
        return tuple(name.strip() for name in _split_separated(header.removeprefix("\ufeff"), separator))
    words = header.replace("${", "").replace("}", "").replace("#Fields:", "").replace(separator, " ").replace(",", " ").split()
    return tuple(word.strip('"') for word in words)


def folded(name: str) -> str:
    """A column's name without what differs between the ways to deliver it: ``account-id``, ``account_id``, ``accountId``."""
    return _BETWEEN.sub("", name).lower()
