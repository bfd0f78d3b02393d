"""Parquet files: rows as JSON text, with pyarrow, which is imported when the first one comes.

``json_rows`` takes a file of any size, row group by row group; ``read_parquet`` takes one that is the payload of a record.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from service.decode.arrow_text import lines_of
from service.decode.footer import read_footer
from service.decode.limits import DEFAULT, MIB, Limits
from service.decode.pages import Pages
from service.decode.units import Units, failure
from service.errors import EventError

MAGIC, ENCRYPTED = b"PAR1", b"PARE"
_FIRST = b"\x15"
"""What follows the magic in any file: the type of a page, or the version in the footer of a file without rows."""
_FOOTER = 16 * MIB
_NAMES = 1 * MIB
_THINGS = 1 << 20


def is_parquet(data: bytes) -> bool:
    """Whether bytes are a Parquet file, be it broken: by its magic at both ends, or at the first with a header behind it."""
    if data[:4] not in (MAGIC, ENCRYPTED):
        return False
    return data[-4:] in (MAGIC, ENCRYPTED) or data[4:5] == _FIRST


def read_parquet(data: bytes, units: Units) -> None:
    """Add every row of a Parquet file as one raw event; a file that is not sound or too much is given up as a whole."""
    rows: list[str] = []
    try:
        for some in json_rows(data, units.limits):
            rows += some
    except EventError as error:
        units.fails(data, error)
        return
    if rows:
        units.plain_lines(rows, 1)
    else:
        units.control += 1


def json_rows(source: bytes | BinaryIO, limits: Limits = DEFAULT) -> Iterator[list[str]]:
    """The rows of a Parquet file in their order, a list of JSON objects (column → value) at a time.

    ``source`` is a file that can be sought in, which is read in many small pieces, or its bytes. What is in memory is some
    rows and one page of each column, however large the file. Nulls and empty objects are left out; decimals are
    text with all their digits, times ISO 8601 in UTC, bytes that are no UTF-8 base64, maps objects.

    Raises EventError ``corrupt_parquet``, ``encrypted_parquet``, or ``bomb`` for more rows, values or bytes than ``limits``
    allow; what it gave before is sound.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    file: Any = io.BytesIO(source) if isinstance(source, bytes) else source
    size = file.seek(0, io.SEEK_END)
    footer = read_footer(_footer(file, size), size, limits.depth)
    if footer.rows > limits.events:
        raise failure("bomb", f"{footer.rows} rows, at most {limits.events} are taken")
    pages = Pages(file, size, limits)
    room = limits.inflated(size)
    try:
        reader, words = None, set[str]()
        for number, group in enumerate(footer.groups):
            pages.demand(group)
            if reader is None or pages.words != words:
                words = pages.words
                reader = pq.ParquetFile(
                    pa.PythonFile(file, "r"),
                    metadata=reader.metadata if reader is not None else None,
                    read_dictionary=sorted(words),
                    pre_buffer=False,
                    buffer_size=MIB,
                    thrift_string_size_limit=_NAMES,
                    thrift_container_size_limit=_THINGS,
                )
            for batch in reader.iter_batches(pages.batch, row_groups=[number], use_threads=False):
                lines = lines_of(batch, room)
                room -= sum(map(len, lines))
                yield lines
    except (pa.ArrowException, OSError, ValueError, LookupError, TypeError, MemoryError) as error:
        raise failure("corrupt_parquet", str(error).partition("\n")[0][:500]) from error


def _footer(file: BinaryIO, size: int) -> bytes:
    """The bytes of the footer."""
    file.seek(0)
    head = file.read(4)
    file.seek(max(size - 8, 0))
    tail = file.read(8)
    if ENCRYPTED in (head, tail[4:]):
        raise failure("encrypted_parquet", "the file is encrypted with keys of its own")
    if head != MAGIC or tail[4:] != MAGIC or size < 12:
        raise failure("corrupt_parquet", "the file is cut off: its end is missing")
    length = int.from_bytes(tail[:4], "little")
    if length > min(_FOOTER, size - 12):
        raise failure("corrupt_parquet", "the footer is larger than the file or any sense")
    file.seek(size - 8 - length)
    return file.read(length)
