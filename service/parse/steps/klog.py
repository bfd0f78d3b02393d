"""klog, the log format of Kubernetes components: ``I0715 12:34:56.789012       1 file.go:12] "message" key="value"``.

Format: k8s.io/klog/v2, "formatHeader" and "KObj"/"KeysAndValues" of its structured text output.
"""

from __future__ import annotations

import re
from typing import Any

from service.errors import EventError

_HEADER = re.compile(r"([IWEF])(\d\d)(\d\d) (\d\d:\d\d:\d\d\.\d{1,9}) {1,16}(\d{1,20}) ([^\s:\]]{1,255}):(\d{1,9})\] ?", re.ASCII)
_LEVELS = {"I": "info", "W": "warning", "E": "error", "F": "fatal"}
_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_QUOTED = re.compile(r'"((?:[^"\\]++|\\.)*+)"')
_PAIR = re.compile(
    r'\s*([A-Za-z_][A-Za-z0-9_./-]{0,99})=(?:"((?:[^"\\]++|\\.)*+)"|(<\n(?:\t[^\n]*\n)* >)|([\[{(]|map\[|&)?([^\s"]*))'
)
_CLOSE = {"[": "]", "{": "}", "(": ")", "map[": "]", "&": "}"}
_ESCAPE = re.compile(r'\\(["\\nt])')
_PLAIN = {'"': '"', "\\": "\\", "n": "\n", "t": "\t"}
_MOST = 64
"""Pairs of one line that are taken apart; each may look once through the rest of the line."""


def klog(text: str) -> dict[str, Any]:
    """Header, message and pairs of a line.

    Keys: ``level`` (a word), ``stamp`` (``Jul 15 12:34:56.789012``: klog writes no year), ``thread``, ``file``, ``line``,
    ``message``, and ``pairs`` of structured messages. A line without the header (what a panic prints) is all message.
    Raises EventError ``empty`` for a line of blanks.
    """
    rest = text.strip("\ufeff\r\n\0 ")
    if not rest:
        raise EventError("parse", "empty", "there is nothing but blanks")
    header = _HEADER.match(rest)
    if header is None:
        return {"message": rest}
    letter, month, day, clock, thread, file, line = header.groups()
    found: dict[str, Any] = {"level": _LEVELS[letter], "thread": thread, "file": file, "line": int(line)}
    if 1 <= int(month) <= 12:
        found["stamp"] = f"{_MONTHS[int(month)]} {day} {clock}"
    message = rest[header.end() :]
    quoted = _QUOTED.match(message) if message[:1] == '"' else None
    pairs = None if quoted is None else _pairs(message, quoted.end())
    if quoted is None or pairs is None:
        found["message"] = message
        return found
    found["message"] = _unquoted(quoted[1])
    if pairs:
        found["pairs"] = pairs
    return found


def _pairs(text: str, at: int) -> dict[str, str] | None:
    """The pairs from ``at`` to the end; None when there is something else or too much. The last of a key wins."""
    pairs: dict[str, str] = {}
    end = len(text.rstrip())
    for _ in range(_MOST):
        if at >= end:
            return pairs
        pair = _PAIR.match(text, at)
        if pair is None:
            return None
        value, at = _value(text, pair)
        if value not in ("", "<nil>", "[]", "map[]"):
            pairs[pair[1]] = value
    return None


def _value(text: str, pair: re.Match[str]) -> tuple[str, int]:
    """The value of a pair, and where it ends."""
    _, quoted, block, opening, word = pair.groups()
    if quoted is not None:
        return _unquoted(quoted), pair.end()
    if block is not None:
        return block[1:-2].replace("\n\t", "\n").strip("\n"), pair.end()
    if opening is None:
        return word, pair.end()
    # What Go prints for slices, maps and structs holds blanks: it lasts until the next key or the end.
    closing = _closing(text, pair.end(), _CLOSE[opening])
    return text[pair.start(4) : closing], closing


_NEXT = re.compile(r"(?=\s[A-Za-z_][A-Za-z0-9_./-]{0,99}=)|$")


def _closing(text: str, at: int, bracket: str) -> int:
    """Where a printed Go value ends: behind the first closing bracket that a further key or the end follows."""
    for _ in range(_MOST):
        found = text.find(bracket, at)
        if found < 0:
            break
        at = found + 1
        if _NEXT.match(text, at):
            return at
    return len(text)


def _unquoted(text: str) -> str:
    return _ESCAPE.sub(lambda found: _PLAIN[found[1]], text) if "\\" in text else text
