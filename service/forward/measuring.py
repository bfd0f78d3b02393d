"""What begins at a place of a file of JSON, and where it ends, as far as what is in memory tells."""

from __future__ import annotations

import re
from enum import Enum

import msgspec

LISTS = (b"Records", b"configurationItems")
"""Keys at the top of an object whose lists hold the file's events."""
NEAR = 16
"""Bytes from the end of what is in memory: there the parser calls wrong what is only not all there yet."""
MEMBER = re.compile(rb'[ \t\r\n]*"((?:[^"\\]|\\.){0,256})"[ \t\r\n]*:[ \t\r\n]*')

_TRAILING = re.compile(r"trailing characters \(byte (\d+)\)")
_PLACE = re.compile(r"\(byte (\d+)\)")
_COMMA = re.compile(rb"[ \t\r\n]*,")
_BRACE = ord("{")
_skip = msgspec.json.Decoder(msgspec.Raw)


class Found(Enum):
    """What begins at a place."""

    WHOLE = "whole"
    """A value that ends in memory."""
    OPEN = "open"
    """A value that goes on behind what is in memory."""
    LIST = "list"
    """An object whose list of events begins in memory."""
    LONG = "long"
    """A value larger than any may be."""
    CUT = "cut"
    """A value inside which the file ends."""
    BROKEN = "broken"
    """No value."""


def value_at(data: bytes, at: int, *, ended: bool) -> tuple[Found, int]:
    """What begins at a place, and where it ends or is wrong; ``ended``: nothing comes after ``data``."""
    try:
        _skip.decode(memoryview(data)[at:])
    except RecursionError:
        return Found.BROKEN, at
    except msgspec.DecodeError as error:
        reason = str(error)
        if (trailing := _TRAILING.search(reason)) is not None:
            return Found.WHOLE, at + int(trailing[1]) - 1
        place = _PLACE.search(reason)
        near = place is not None and at + int(place[1]) >= len(data) - NEAR and not ended
        if near or "truncated" in reason:
            return Found.OPEN, len(data)
        return Found.BROKEN, at + int(place[1]) if place is not None else at
    if not ended and data[at : at + 1] not in (b"{", b"[", b'"'):
        return Found.OPEN, len(data)  # a number may go on
    return Found.WHOLE, len(data)


def has_list(value: bytes) -> bool:
    """Whether one of the keys of lists of events may be in there."""
    return any(b'"%b"' % key in value for key in LISTS)


def list_in(data: bytes, at: int) -> int:
    """Where the list of events in the object that begins at ``at`` begins, behind its bracket; 0 when none is in memory."""
    at += 1
    while (member := MEMBER.match(data, at)) is not None:
        at = member.end()
        if member[1] in LISTS and data[at : at + 1] == b"[":
            return at + 1
        found, end = value_at(data, at, ended=True)
        comma = _COMMA.match(data, end)
        if found is not Found.WHOLE or comma is None:
            return 0
        at = comma.end()
    return 0


def lines_of(block: bytes) -> int:
    """How many lines there are, when every one of them is an object and nothing else; 0 otherwise."""
    try:
        values = _skip.decode_lines(block)
    except (msgspec.DecodeError, RecursionError):
        return 0
    if b"\n".join(values) != block or block.count(b"\n") != len(values) - 1:
        return 0
    return len(values) if all(memoryview(value)[0] == _BRACE for value in values) else 0
