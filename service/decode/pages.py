"""What the pages of a Parquet file ask for, read from their headers before any of them is inflated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from service.decode.footer import Chunk
from service.decode.limits import MIB, Limits
from service.decode.thrift import Wanted, read_struct
from service.decode.units import failure

LARGEST_PAGE = 256 * MIB
"""Bytes one page may inflate to: a page is read whole, however large the file."""
LARGEST_BATCH = 32 * MIB
"""Bytes the values of one column of one batch may have, where they are made and not stored."""
BATCH = 4096
"""Rows read at once, unless their values may be large."""
_PAGES = 1_000_000
_HEAD, _LONGEST_HEAD = 256, MIB
_HEADER: Wanted = {2: None, 3: None, 5: {1: None, 2: None}, 8: {1: None, 4: None}}
_WORDS = frozenset([2, 8])
"""Encodings in which a value is the number of a word of the dictionary."""
_DELTA_LENGTH, _DELTA = 6, 7
"""Encodings of bytes that pyarrow does not read into dictionaries; in the second a value may repeat the one before it."""
_CODECS: dict[int, Any] = {1: "snappy", 2: "gzip", 4: "brotli", 6: "zstd", 7: "lz4_raw"}


class _Page(NamedTuple):
    """One page: where it begins behind its header, its bytes as they lie there and inflated, and how its values are written."""

    start: int
    stored: int
    inflated: int
    encoding: int | None
    """None: it is a dictionary."""


class Pages:
    """Looks at the headers of one file, row group by row group, and counts what they say."""

    def __init__(self, file: BinaryIO, size: int, limits: Limits) -> None:
        """Of a ``file`` of ``size`` bytes, of which no more is taken than ``limits`` allow."""
        self._file = file
        self._size = size
        self._limits = limits
        self._inflated = self._values = self._pages = self._heads = 0
        self.batch = BATCH
        """Rows of the last group that may be read at once."""
        self.words: set[str] = set()
        """Columns of text of the last group, by their paths, that are best read with their dictionaries."""

    def demand(self, group: list[Chunk]) -> None:
        """Look at a row group.

        Raises EventError ``corrupt_parquet`` where a page is none, ``bomb`` for more than the limits allow.
        """
        self.batch = BATCH
        self.words = set()
        for chunk in group:
            pages = list(self._pages_of(chunk))
            largest = self._largest(chunk, pages) if chunk.column.text else chunk.column.width
            if largest and chunk.column.repeated and largest * chunk.values > self._limits.inflated(self._size):
                raise failure("bomb", "lists of values that repeat each other may become too large")
            self.batch = max(1, min(self.batch, LARGEST_BATCH // max(largest, 1)))

    def _largest(self, chunk: Chunk, pages: list[_Page]) -> int:
        """Bytes one value of text may have that is made, not stored; 0 where all are stored, or read with their dictionary."""
        used = {page.encoding for page in pages}
        words = [page for page in pages if page.encoding is None]
        delta = [page.inflated for page in pages if page.encoding == _DELTA]
        if words and not delta and _DELTA_LENGTH not in used and (chunk.column.repeated or used <= _WORDS | {None}):
            # pyarrow puts the values of all other pages into the dictionary too: a row group's, not a batch's.
            self.words.add(chunk.column.path)
            return 0
        return max([*delta, *(self._longest(chunk, page) for page in words)], default=0)

    def _longest(self, chunk: Chunk, page: _Page) -> int:
        """Bytes of the longest word of a dictionary."""
        import pyarrow as pa

        self._file.seek(page.start)
        data = self._file.read(page.stored)
        try:
            if chunk.codec:
                data = pa.Codec(_CODECS[chunk.codec]).decompress(data, page.inflated).to_pybytes()
            longest = at = 0
            while at + 4 <= len(data):
                length = int.from_bytes(data[at : at + 4], "little")
                longest, at = max(longest, length), at + 4 + length
        except (pa.ArrowException, OSError, LookupError):
            return page.inflated
        return min(longest, page.inflated)

    def _pages_of(self, chunk: Chunk) -> Iterator[_Page]:
        at, values = chunk.start, 0
        while at < chunk.end and values < chunk.values:
            header, length = self._header(at, chunk.end)
            start, stored, inflated = at + length, _number(header, 3), _number(header, 2)
            at = start + stored
            if at > chunk.end:
                raise failure("corrupt_parquet", "a page goes on beyond its column")
            data = header.get(5) or header.get(8)
            count, encoding = 0, None
            if isinstance(data, dict):
                count, encoding = _number(data, 1), _number(data, 2 if 5 in header else 4)
            values += count
            self._count(inflated, count, length)
            yield _Page(start, stored, inflated, encoding)

    def _count(self, inflated: int, values: int, length: int) -> None:
        limits, size = self._limits, self._size
        self._inflated += inflated
        self._values += values
        self._pages += 1
        self._heads += length
        if inflated > LARGEST_PAGE or self._inflated > limits.inflated(size):
            raise failure("bomb", f"{size} bytes of Parquet inflate beyond {min(LARGEST_PAGE, limits.inflated(size))}")
        if self._values > limits.values:
            raise failure("bomb", f"{size} bytes of Parquet hold more than {limits.values} values")
        if self._pages > _PAGES or self._heads > max(limits.ratio_above, size):
            raise failure("bomb", f"more than {_PAGES} pages, or headers larger than the file")

    def _header(self, at: int, end: int) -> tuple[dict[int, Any], int]:
        size = _HEAD
        while True:
            self._file.seek(at)
            data = self._file.read(min(size, end - at))
            try:
                return read_struct(data, 0, _HEADER)
            except ValueError as error:
                raise failure("corrupt_parquet", f"no page header: {error}") from error
            except IndexError as error:
                if len(data) < size or size >= _LONGEST_HEAD:
                    raise failure("corrupt_parquet", "a page header does not end") from error
                size *= 16


def _number(fields: dict[int, Any], field: int) -> int:
    found = fields.get(field, 0)
    if not isinstance(found, int) or found < 0:
        raise failure("corrupt_parquet", "a page header holds no sizes")
    return found
