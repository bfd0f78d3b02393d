"""Events as security products send them for ArcSight and QRadar: CEF and LEEF, a header in pipes, then pairs.

Values are not quoted, and of CEF they hold blanks: one ends where the next key begins.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

import re2

from service.errors import EventError

_CEF = re.compile(r"CEF: ?(\d{1,3}(?:\.\d{1,3})?)\|")
_LEEF = re.compile(r"LEEF: ?(\d{1,3}(?:\.\d{1,3})?)\|")
_FIELD = re.compile(r"((?:[^|\\]|\\.)*+)(?:\||\Z)", re.DOTALL)
_KEY = re2.compile(r"(?:^|[ \t])([A-Za-z0-9_][A-Za-z0-9_.\-\[\]]{0,99})=")
_ESCAPED = re.compile(r"\\([\\|=nr])")
_LINES = {"n": "\n", "r": "\r"}
_DELIMITER = re.compile(r"0?[xX]([0-9A-Fa-f]{1,4})")
_CEF_HEADER = ("vendor", "product", "version", "signature", "name", "severity")
_LEEF_HEADER = ("vendor", "product", "version", "signature")
_MOST = 2_000
"""Pairs of one event; what follows them stays with the last."""


def cef(text: str) -> dict[str, Any]:
    """``vendor`` … ``severity`` of the header, the pairs under ``extension``, under ``_rest`` what stands before ``CEF:``.

    Of a key that stands twice the first wins. Raises EventError ``not_cef``.
    """
    begin = _CEF.search(text)
    if begin is None:
        raise EventError("parse", "not_cef", "the text has no CEF:0|")
    found, at = _header(text, begin, _CEF_HEADER)
    body = text[at:].rstrip("\r\n")
    keys = list(islice(_KEY.finditer(body), _MOST))
    ends = [*(key.start() for key in keys[1:]), len(body)]
    pairs = [(key[1], _plain(body[key.end() : end].strip())) for key, end in zip(keys, ends, strict=False)]
    words = body[: keys[0].start()] if keys else body
    return _whole(found, pairs, text[: begin.start()], words)


def leef(text: str) -> dict[str, Any]:
    """``vendor``, ``product``, ``version``, ``signature`` (the event's id), the pairs under ``extension``, the rest as ``cef``.

    Pairs stand between tabs, or between what the header of LEEF 2.0 names. Raises EventError ``not_leef``.
    """
    begin = _LEEF.search(text)
    if begin is None:
        raise EventError("parse", "not_leef", "the text has no LEEF:1.0|")
    found, at = _header(text, begin, _LEEF_HEADER)
    delimiter, body = "\t", text[at:].rstrip("\r\n")
    if not begin[1].startswith("1"):
        named, pipe, after = body.partition("|")
        if pipe and "=" not in named and len(named) <= 6:  # 2.0 without it is seen too
            code = _DELIMITER.fullmatch(named)
            delimiter, body = (chr(int(code[1], 16)) if code else named) or "\t", after
    pairs, words = [], []
    for piece in body.split(delimiter, _MOST):
        key, equals, value = piece.partition("=")
        if equals and key.strip():
            pairs.append((key.strip(), value.strip()))
        elif piece.strip():
            words.append(piece.strip())
    return _whole(found, pairs, text[: begin.start()], " ".join(words))


def _header(text: str, begin: re.Match[str], names: tuple[str, ...]) -> tuple[dict[str, Any], int]:
    """Values of the header that are there, and where what follows it begins."""
    found: dict[str, Any] = {"format": begin[1]}
    at = begin.end()
    for name in names:
        field = _FIELD.match(text, at)
        if field is None:
            break
        at = field.end()
        if value := _plain(field[1].strip()):
            found[name] = value
    return found, at


def _whole(found: dict[str, Any], pairs: list[tuple[str, str]], before: str, after: str) -> dict[str, Any]:
    extension: dict[str, str] = {}
    for key, value in pairs:
        if value:
            extension.setdefault(key, value)
    if extension:
        found["extension"] = extension
    if words := " ".join(filter(None, (before.strip(), after.strip()))):
        found["_rest"] = words
    return found


def _plain(value: str) -> str:
    return _ESCAPED.sub(lambda escape: _LINES.get(escape[1], escape[1]), value) if "\\" in value else value
