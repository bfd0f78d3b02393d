"""The footer of a Parquet file: its columns, and where their pages lie. Read here, before any of it reaches pyarrow.

pyarrow's own view of it ends the process where a hostile footer contradicts itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from service.decode.thrift import Wanted, read_struct
from service.decode.units import failure

_MOST_COLUMNS = 20_000
_REPEATED = 2
_BYTE_ARRAY = 6
_DECIMAL = 5
"""Both the converted and the logical type of decimals have this number."""
_SCHEMA: Wanted = {1: None, 2: None, 3: None, 4: None, 5: None, 6: None, 10: {_DECIMAL: {}}}
_COLUMN: Wanted = {3: {4: None, 5: None, 7: None, 9: None, 11: None}}
_FILE: Wanted = {2: _SCHEMA, 3: None, 4: {1: _COLUMN, 3: None}}


@dataclass(frozen=True, slots=True)
class Column:
    """A column that holds values: a leaf of the schema."""

    path: str
    text: bool
    """Holds strings, or bytes that nothing is said of."""
    repeated: bool
    """It, or something it is part of, is a list."""
    width: int
    """Bytes of every value, where the type fixes that beyond a word; else 0."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """The values of one column in one row group."""

    column: Column
    codec: int
    start: int
    end: int
    values: int


@dataclass(frozen=True, slots=True)
class Footer:
    """What a file says it holds."""

    columns: list[Column]
    groups: list[list[Chunk]]
    """The row groups, in the order of the rows."""
    rows: int


def read_footer(data: bytes, size: int, depth: int) -> Footer:
    """The footer of a file of ``size`` bytes; columns nest ``depth`` deep at most.

    Raises EventError ``corrupt_parquet`` for what is none.
    """
    try:
        said = read_struct(data, 0, _FILE).fields
        columns = list(_columns(said[2], depth))
        groups = [list(_chunks(group, columns, size)) for group in said.get(4, [])]
        rows, counted = said[3], sum(group[3] for group in said.get(4, []))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise failure("corrupt_parquet", f"the footer is none: {type(error).__name__}: {error}"[:200]) from error
    if rows < 0 or counted != rows:
        raise failure("corrupt_parquet", "the row groups are not the file's rows")
    return Footer(columns, groups, rows)


def _columns(schema: list[Any], depth: int) -> Iterator[Column]:
    """The leaves; ``schema`` lists its elements depth first, each group before its children."""
    if len(schema) > _MOST_COLUMNS:
        raise ValueError(f"more than {_MOST_COLUMNS} columns")
    open_groups: list[tuple[int, str, bool]] = [(1, "", False)]
    for number, fields in enumerate(schema):
        while open_groups and not open_groups[-1][0]:
            open_groups.pop()
        left, path, repeated = open_groups.pop()
        open_groups.append((left - 1, path, repeated))
        if number:
            path += ("." if path else "") + fields[4].decode()
            repeated = repeated or fields.get(3) == _REPEATED
        children = fields.get(5, 0)
        if children > 0 or not number:
            open_groups.append((children, path, repeated))
            if len(open_groups) > depth:
                raise ValueError(f"columns nest deeper than {depth}")
        else:
            logical = fields.get(10, {})
            text = fields[1] == _BYTE_ARRAY and _DECIMAL not in logical and fields.get(6) != _DECIMAL
            yield Column(path, text, repeated, max(fields.get(2, 0), 0))
    if any(left for left, _, _ in open_groups):
        raise ValueError("the schema is cut off")


def _chunks(group: dict[int, Any], columns: list[Column], size: int) -> Iterator[Chunk]:
    chunks = group[1]
    if len(chunks) != len(columns):
        raise ValueError("a row group has other columns than the file")
    for column, chunk in zip(columns, chunks, strict=True):
        said = chunk[3]
        if said[5] == 0:  # then writers leave the places out
            yield Chunk(column, 0, 4, 4, 0)
            continue
        start = said[9]
        if 0 < said.get(11, 0) < start:
            start = said[11]
        end = start + said[7]
        if not 4 <= start <= end <= size or said[5] < 0:
            raise ValueError("a column lies outside of the file")
        yield Chunk(column, said.get(4, 0), start, end, said[5])
