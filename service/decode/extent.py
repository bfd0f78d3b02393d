"""Where JSON values end, whole or broken, and what is wrong with the broken ones."""

from __future__ import annotations

import re

import msgspec

ALONE = re.compile(rb"[{\[][ \t\r]*")
_skip = msgspec.json.Decoder(msgspec.Raw)
_TRAILING = re.compile(r"trailing characters \(byte (\d+)\)")
_END = re.compile(rb"\n[}\]][ \t\r]*(?=\n|\Z)|\n(?=[{\[])")
_GOES_ON = re.compile(rb"\n[ \t]")


def measure(data: bytes, start: int, end: int) -> tuple[int, str]:
    """Where the JSON value beginning at ``start`` ends, at most ``end``; 0 and the reason if there is none."""
    try:
        _skip.decode(memoryview(data)[start:end])
    except msgspec.DecodeError as error:
        reason = str(error)
        trailing = _TRAILING.search(reason)
        if trailing is None:
            return 0, reason
        stop = start + int(trailing[1]) - 1
        return start + len(data[start:stop].rstrip()), ""
    except RecursionError:
        return 0, "nested too deep"
    return start + len(data[start:end].rstrip()) if data[end - 1] in b" \t\r\n" else end, ""


def end_of_broken(data: bytes, start: int, line_end: int, error: str) -> int:
    """Where a broken value stops: at its line; if it goes on over lines, at its closing one or before the next value."""
    goes_on = "truncated" in error and _GOES_ON.match(data, line_end) is not None
    if not goes_on and not ALONE.fullmatch(data, start, line_end):
        return line_end
    stop = _END.search(data, start)
    return stop.end() if stop else len(data)


def flaw(unit: bytes, error: str) -> tuple[str, str]:
    """Code and reason of a broken value, given what the parser said."""
    try:
        unit.decode()
    except UnicodeDecodeError as utf8:
        return "invalid_utf8", str(utf8)
    if "too deep" in error:
        return "too_deep", error
    if "truncated" in error:
        # The parser says "truncated" of half a surrogate pair too.
        return ("lone_surrogate", "half a surrogate pair") if b"\\ud" in unit.lower() else ("truncated_json", error)
    return "not_json", error
