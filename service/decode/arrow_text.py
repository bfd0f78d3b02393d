"""Arrow's columns as JSON text, a whole column at a time: never an object a value where a slice of text will do.

Of each column its values and the rows they stand in; nulls are left out, so that wide and sparse tables cost what they hold.
"""

from __future__ import annotations

import base64
import decimal
import itertools
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from service.decode.units import failure

_CODES = {"int8": "b", "int16": "h", "int32": "i", "int64": "q", "uint8": "B", "uint16": "H", "uint32": "I", "uint64": "Q"}

_MILLI = len("2026-01-15 12:00:00.000")


class Texts(NamedTuple):
    """JSON text of the values of a column that are not null; value k stands in row ``rows[k]``."""

    rows: Sequence[int]
    values: list[str]


def lines_of(batch: Any, room: int) -> list[str]:
    """Every row of a record batch as one JSON object, without nulls and empty objects.

    Raises EventError ``bomb`` as soon as the rows, or the values of one nested column, are longer than ``room`` together.
    """
    return _objects(batch.schema.names, batch.columns, batch.num_rows, room)


def texts_of(array: Any, room: int) -> Texts:
    """The values of an array. Raises EventError ``bomb`` when they are longer than ``room`` together."""
    from pyarrow import types

    kind = array.type
    rows: Sequence[int] = range(len(array))
    if array.null_count:
        if array.null_count == len(array):
            return Texts((), [])
        rows = _places(array)
        array = array.drop_null()
    if types.is_dictionary(kind):
        return _dictionary(array, rows, room)
    if types.is_struct(kind):
        values = _objects([field.name for field in kind], array.flatten(), len(array), room)
        full = [at for at, value in enumerate(values) if value != "{}"]
        return Texts([rows[at] for at in full], [values[at] for at in full])
    if types.is_map(kind):
        return Texts(rows, _maps(array, room))
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return Texts(rows, _lists(array, room))
    return Texts(rows, _scalars(array))


def _objects(names: Iterable[str], columns: Iterable[Any], rows: int, room: int) -> list[str]:
    members: list[list[str]] = [[] for _ in range(rows)]
    for name, column in zip(names, columns, strict=True):
        key = quoted(name) + ":"
        found = texts_of(column, room)
        for row, value in zip(found.rows, found.values, strict=True):
            members[row].append(key + value)
    return [f"{{{text}}}" for text in _joined(members, room)]


def _joined(lists: Iterable[list[str]], room: int) -> Iterator[str]:
    """The texts of each list in one; what values of a dictionary would come to is known before it is made."""
    for parts in lists:
        room -= sum(map(len, parts)) + len(parts)
        if room < 0:
            raise failure("bomb", "rows of Parquet become too long as text")
        yield ",".join(parts)


def _places(array: Any) -> list[int]:
    """Where an array is not null."""
    import pyarrow.compute as pc

    return _integers(pc.indices_nonzero(array.is_valid()))


def _integers(array: Any) -> list[int]:
    """The values of an array of integers without nulls."""
    return _cells(array.buffers()[1], _CODES[str(array.type)])[array.offset : array.offset + len(array)].tolist()


def _cells(buffer: Any, code: Any) -> memoryview[int]:
    return memoryview(buffer).cast(code)


def _dictionary(array: Any, rows: Sequence[int], room: int) -> Texts:
    words = texts_of(array.dictionary, room)
    known: list[str | None] = [None] * len(array.dictionary)
    for at, word in zip(words.rows, words.values, strict=True):
        known[at] = word
    there: list[int] = []
    values: list[str] = []
    for row, at in zip(rows, _integers(array.indices), strict=True):
        value = known[at]
        if value is not None:
            there.append(row)
            values.append(value)
    return Texts(there, values)


def _lists(array: Any, room: int) -> list[str]:
    if hasattr(array, "offsets"):
        bounds = _integers(array.offsets)
        inner = array.values.slice(bounds[0], bounds[-1] - bounds[0])
    else:
        size = array.type.list_size
        bounds = list(range(0, size * len(array) + 1, size)) if size else [0] * (len(array) + 1)
        inner = array.flatten()
    return [f"[{text}]" for text in _joined(_shared(bounds, texts_of(inner, room)), room)]


def _maps(array: Any, room: int) -> list[str]:
    bounds = _integers(array.offsets)
    start, size = bounds[0], bounds[-1] - bounds[0]
    keys, items = texts_of(array.keys.slice(start, size), room), texts_of(array.items.slice(start, size), room)
    names = [key if key[:1] == '"' else quoted(key) for key in keys.values]
    pairs = [f"{names[at]}:{value}" for at, value in zip(items.rows, items.values, strict=True)]
    return [f"{{{text}}}" for text in _joined(_shared(bounds, Texts(items.rows, pairs)), room)]


def _shared(bounds: list[int], found: Texts) -> list[list[str]]:
    """The values of each list; list k holds those from ``bounds[k]`` to before ``bounds[k + 1]``."""
    lists: list[list[str]] = [[] for _ in bounds[1:]]
    number, end = 0, bounds[1] - bounds[0] if lists else 0
    for at, value in zip(found.rows, found.values, strict=True):
        while at >= end:
            number += 1
            end = bounds[number + 1] - bounds[0]
        lists[number].append(value)
    return lists


def _scalars(array: Any) -> list[str]:
    """Values that are neither null nor nested."""
    import pyarrow as pa
    from pyarrow import types

    kind = array.type
    if types.is_string(kind) or types.is_large_string(kind):
        return _strings(array)
    if types.is_integer(kind) or types.is_boolean(kind):
        return _slices(array.cast(pa.string()))
    if types.is_floating(kind):
        return [text if text[-1:].isdecimal() else f'"{text}"' for text in _slices(array.cast(pa.float64()).cast(pa.string()))]
    if types.is_timestamp(kind):
        # Without a zone it is UTC, with one it is UTC underneath: no table of zones is needed.
        return [_moment(text) for text in _slices(array.cast(pa.timestamp(kind.unit)).cast(pa.string()))]
    if types.is_decimal(kind):
        return [f'"{_plain(text)}"' for text in _slices(array.cast(pa.string()))]
    if types.is_date(kind) or types.is_time(kind):
        return [f'"{text}"' for text in _slices(array.cast(pa.string()))]
    if isinstance(kind, pa.BaseExtensionType):
        return _of_extension(array)
    return [orjson.dumps(value, default=_plainly).decode() for value in array.to_pylist()]


def _of_extension(array: Any) -> list[str]:
    if array.type.extension_name == "arrow.uuid":
        return [f'"{uuid.UUID(bytes=value)}"' for value in array.storage.to_pylist()]
    return texts_of(array.storage, 1 << 62).values


def _plainly(value: object) -> str:
    """What JSON has no word for: bytes are text where they can be, else base64."""
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()


def _moment(text: str) -> str:
    """``2026-01-15 12:00:00.000000`` as ISO 8601, with no more digits than say something, beyond milliseconds."""
    while len(text) > _MILLI and text.endswith("000"):
        text = text[:-3]
    return f'"{text[:10]}T{text[11:]}Z"'


def _plain(text: str) -> str:
    """A decimal number without an exponent."""
    return format(decimal.Decimal(text), "f") if "E" in text else text


def _strings(array: Any) -> list[str]:
    found = _slices(array)
    if all(map(_harmless, found)):
        return [f'"{text}"' for text in found]
    return [quoted(text) for text in found]


def _harmless(text: str) -> bool:
    return text.isprintable() and '"' not in text and "\\" not in text


def _slices(array: Any) -> list[str]:
    """The values of an array of strings; bytes that are no UTF-8 become the character that stands for such."""
    _, offsets, data = array.buffers()
    if data is None:
        return [""] * len(array)
    code = "q" if str(array.type).startswith("large") else "i"
    bounds = _cells(offsets, code)[array.offset : array.offset + len(array) + 1].tolist()
    start = bounds[0]
    encoded = memoryview(data)[start : bounds[-1]].tobytes()
    if encoded.isascii():
        text = encoded.decode()
        return [text[begin - start : end - start] for begin, end in itertools.pairwise(bounds)]
    return [encoded[begin - start : end - start].decode("utf-8", "replace") for begin, end in itertools.pairwise(bounds)]


def quoted(text: str) -> str:
    """A string as JSON."""
    return f'"{text}"' if _harmless(text) else orjson.dumps(text).decode()
