"""Thrift's compact protocol, as Parquet writes its footer and page headers: what is asked for is read, the rest stepped over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Wanted = Mapping[int, "Wanted | None"]
"""Number of a field that is read → fields of the struct it holds, or of the structs in the list it holds; else None."""

DEEPEST = 12
_STOP, _TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(13)
_INTEGERS = (_I16, _I32, _I64)


class Struct(NamedTuple):
    """A struct that was read: the fields that were asked for and are there, and where it ends."""

    fields: dict[int, Any]
    """Field number → number, bytes, fields of a struct, or a list of these."""
    end: int


def read_struct(data: bytes, at: int, wanted: Wanted, depth: int = DEEPEST) -> Struct:
    """The struct that begins at ``at``; fields that hold neither integers, bytes, structs nor lists are not read.

    Raises IndexError when it goes on beyond ``data``, ValueError when it is none.
    """
    if not depth:
        raise ValueError("structs nest too deep")
    found: dict[int, Any] = {}
    number = 0
    while True:
        head = data[at]
        at += 1
        kind, delta = head & 15, head >> 4
        if kind == _STOP:
            return Struct(found, at)
        if delta:
            number += delta
        else:
            number, at = _signed(data, at)
        if number in wanted and kind in (*_INTEGERS, _BINARY, _STRUCT, _LIST):
            found[number], at = _value(data, at, kind, wanted[number] or {}, depth)
        else:
            at = _past_field(data, at, kind, depth)


def _value(data: bytes, at: int, kind: int, wanted: Wanted, depth: int) -> tuple[Any, int]:
    if kind in _INTEGERS:
        return _signed(data, at)
    if kind == _STRUCT:
        return read_struct(data, at, wanted, depth - 1)
    if kind == _LIST:
        return _list(data, at, wanted, depth)
    size, at = _varint(data, at)
    if at + size > len(data):
        raise IndexError(at + size)
    return data[at : at + size], at + size


def _list(data: bytes, at: int, wanted: Wanted, depth: int) -> tuple[list[Any], int]:
    size, kind, at = _list_head(data, at)
    if kind not in (*_INTEGERS, _BINARY, _STRUCT):
        return [], _past_elements(data, at, (kind,), size, depth)
    found: list[Any] = []
    for _ in range(size):
        value, at = _value(data, at, kind, wanted, depth)
        found.append(value)
    return found, at


def _past_field(data: bytes, at: int, kind: int, depth: int) -> int:
    """Where a field's value ends; a truth is part of its head."""
    return at if kind in (_TRUE, _FALSE) else _past(data, at, kind, depth)


def _past(data: bytes, at: int, kind: int, depth: int) -> int:
    """Where a value ends; a truth in a list is a byte."""
    if kind in _INTEGERS:
        return _varint(data, at)[1]
    if kind == _BINARY:
        size, at = _varint(data, at)
        return at + size
    if kind in (_TRUE, _FALSE, _BYTE):
        return at + 1
    if kind == _DOUBLE:
        return at + 8
    if kind == _STRUCT:
        return read_struct(data, at, {}, depth - 1).end
    if depth and kind in (_LIST, _SET):
        size, inner, at = _list_head(data, at)
        return _past_elements(data, at, (inner,), size, depth - 1)
    if depth and kind == _MAP:
        size, at = _varint(data, at)
        return _past_elements(data, at + 1, (data[at] >> 4, data[at] & 15), size, depth - 1) if size else at
    raise ValueError(f"there is no type {kind}")


def _list_head(data: bytes, at: int) -> tuple[int, int, int]:
    """How many elements of what type, and where they begin."""
    size, kind = data[at] >> 4, data[at] & 15
    at += 1
    if size == 15:
        size, at = _varint(data, at)
    return size, kind, at


def _past_elements(data: bytes, at: int, kinds: tuple[int, ...], size: int, depth: int) -> int:
    for _ in range(size):
        for kind in kinds:
            at = _past(data, at, kind, depth)
        if at > len(data):  # every element has a byte: a size that lies ends here
            raise IndexError(at)
    return at


def _signed(data: bytes, at: int) -> tuple[int, int]:
    number, at = _varint(data, at)
    return (number >> 1) ^ -(number & 1), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while shift < 70:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
    raise ValueError("a number does not end")
