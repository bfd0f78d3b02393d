"""Compressed files as the bytes they hold, recognised by how they begin: gzip, zstd, bzip2, around each other too.

Nothing is inflated further than what is asked for, and a file that inflates beyond its bounds is given up.
"""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Callable
from typing import Any, Protocol

import zstandard
from isal import isal_zlib

from service.forward.blocks import Bytes
from service.forward.bounds import KEPT_BYTES, Bounds
from service.forward.piecewise import Piecewise
from service.forward.spoiled import Spoiled

GZIP, ZSTD, BZIP2 = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh"
ZIP, PARQUET = (b"PK\x03\x04", b"PK\x05\x06"), (b"PAR1", b"PARE")
_BZIP2_BLOCK = (b"1AY&SY", b"\x17rE8P\x90")
_OTHERS = {
    b"\xfd7zXZ\x00": "xz", b"\x04\x22\x4d\x18": "lz4", b"Obj\x01": "Avro", b"ORC": "ORC", b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!": "rar", b"%PDF": "PDF", b"\xff\x06\x00\x00sNaPpY": "snappy",
}  # fmt: skip
_DAMAGE = (ValueError, EOFError, OSError, isal_zlib.error, zlib.error, zstandard.ZstdError)
LOOK = 16
"""Bytes that tell a format."""
_WINDOW = 1 << 27
"""The largest window zstd asks for at its usual levels."""
_ZSTD_FEED = 1 << 10
"""Compressed bytes at a time, for zstd's inflater gives all that it can: 32 MiB at most then."""


class _Inflater(Protocol):
    """One member of a compressed file."""

    @property
    def eof(self) -> bool:
        """Whether its end was read."""
        ...

    @property
    def unused(self) -> bytes:
        """What was fed beyond that."""
        ...

    @property
    def hungry(self) -> bool:
        """Whether it gives nothing more without being fed."""
        ...

    def inflate(self, data: bytes, most: int) -> bytes:
        """Feed it, take about ``most`` bytes. Raises ValueError or EOFError for damage."""
        ...


class Ahead:
    """Bytes whose begin can be looked at before they are read."""

    def __init__(self, source: Bytes) -> None:
        """Read nothing yet."""
        self._source = source
        self._head = b""

    def look(self, size: int = LOOK) -> bytes:
        """The next bytes, fewer only at the end; they will be read all the same."""
        while len(self._head) < size and (piece := self._source.read(size - len(self._head))):
            self._head += piece
        return self._head[:size]

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes, none only at the end."""
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        return self._source.read(size)


def unpacked(source: Bytes, again: Callable[[], Bytes], bounds: Bounds) -> Ahead:
    """The bytes under all compression; ``again`` opens the source once more. Raises Spoiled for too much compression."""
    return Ahead(_ToTheDamage(source, again, bounds))


class _ToTheDamage:
    """Reads fast, with an inflater that loses up to 64 KiB in front of damage; then once more, with one that does not."""

    def __init__(self, source: Bytes, again: Callable[[], Bytes], bounds: Bounds) -> None:
        self._source = source
        self._again = again
        self._bounds = bounds
        self._given = 0
        self._content: Ahead | None = None
        self._careful = False

    def read(self, size: int) -> bytes:
        try:
            data = self._next(size)
        except Spoiled as spoiled:
            if spoiled.code != "corrupt" or self._careful:
                raise
            self._careful, self._content = True, None
            skipped = 0
            while skipped < self._given:
                skipped += len(self._next(min(size, self._given - skipped)))
            data = self._next(size)
        self._given += len(data)
        return data

    def _next(self, size: int) -> bytes:
        if self._content is None:
            source = self._again() if self._careful else self._source
            self._content = _layers(source, self._bounds, careful=self._careful)
        return self._content.read(size)


def _layers(source: Bytes, bounds: Bounds, *, careful: bool) -> Ahead:
    ahead = Ahead(source)
    for _ in range(bounds.layers):
        make = _inflater_of(ahead.look())
        if make is None:
            return ahead
        ahead = Ahead(_Unpacked(ahead, _CarefulGzip if careful and make is _Gzip else make, bounds))
    if _inflater_of(ahead.look()) is not None:
        raise Spoiled("bomb", f"compressed more than {bounds.layers} times", ahead.look())
    return ahead


def unsupported(head: bytes) -> str:
    """The name of a format that is not read; "" for all that may be."""
    return next((name for magic, name in _OTHERS.items() if head.startswith(magic)), "")


def _inflater_of(head: bytes) -> type[_Gzip | _Zstd | _Bzip2] | None:
    if head[:2] == GZIP:
        return _Gzip
    if head[:4] == ZSTD or (head[1:4] == b"\x2a\x4d\x18" and head[0] >> 4 == 5):
        return _Zstd
    if head[:3] == BZIP2 and head[3:4].isdigit() and head[4:10] in _BZIP2_BLOCK:
        return _Bzip2
    return None


class _Unpacked(Piecewise):
    """One layer: members one after the other."""

    def __init__(self, source: Ahead, make: type[_Gzip | _Zstd | _Bzip2], bounds: Bounds) -> None:
        super().__init__()
        self._source = source
        self._make = make
        self._bounds = bounds
        self._inflater: _Inflater = make()
        self._fed = 0
        self._given = 0
        self._last = b""

    def _piece(self, size: int) -> bytes:
        while True:
            data, starved = b"", False
            if self._inflater.eof:
                if not self._next_member():
                    return b""
                data = self._last
            elif self._inflater.hungry:
                data = self._feed()
                starved = not data
            try:
                made = self._inflater.inflate(data, size)
            except _DAMAGE as error:  # type: ignore[misc]  # isal has no types
                raise Spoiled("corrupt", f"{self._make.name}: {error}", self._last[:KEPT_BYTES]) from error
            self._given += len(made)
            bounds = self._bounds
            if self._given > bounds.output or (self._given > bounds.ratio_above and self._given > bounds.ratio * self._fed):
                raise Spoiled(
                    "bomb", f"{self._fed} bytes of {self._make.name} inflate beyond {self._given}", self._last[:KEPT_BYTES]
                )
            if made:
                return made
            if starved and not self._inflater.eof:
                raise Spoiled("corrupt", f"the {self._make.name} stream ends before its end mark")

    def _feed(self) -> bytes:
        data = self._source.read(self._make.feed)
        self._last = data or self._last
        self._fed += len(data)
        return data

    def _next_member(self) -> bool:
        """Begin the next member; False at the end of the file. What else stands there spoils it, but for zeros."""
        rest = self._inflater.unused
        while len(rest) < LOOK and (piece := self._feed()):
            rest += piece
        while rest and not rest.strip(b"\0"):  # tar and some devices pad with zeros
            rest = self._feed()
        if not rest:
            return False
        make = _inflater_of(rest)
        if make is None or not issubclass(self._make, make):
            raise Spoiled("corrupt", f"garbage after the {self._make.name} stream", rest[:KEPT_BYTES])
        self._inflater, self._last = self._make(), rest
        return True


class _Ending:
    """What inflaters of the standard library's kind say of the end of a member."""

    _inflater: Any

    @property
    def eof(self) -> bool:
        return bool(self._inflater.eof)

    @property
    def unused(self) -> bytes:
        return bytes(self._inflater.unused_data)


class _Gzip(_Ending):
    name, feed = "gzip", 1 << 14

    def __init__(self) -> None:
        self._inflater = isal_zlib.decompressobj(31)

    @property
    def hungry(self) -> bool:
        return not self._inflater.unconsumed_tail

    def inflate(self, data: bytes, most: int) -> bytes:
        return bytes(self._inflater.decompress(self._inflater.unconsumed_tail + data, most))


class _CarefulGzip(_Gzip):
    """The same with an inflater that is three times slower, and gives all that stands before damage."""

    def __init__(self) -> None:
        self._inflater = zlib.decompressobj(31)


class _Bzip2(_Ending):
    name, feed = "bzip2", 1 << 16

    def __init__(self) -> None:
        self._inflater = bz2.BZ2Decompressor()

    @property
    def hungry(self) -> bool:
        return bool(self._inflater.needs_input)

    def inflate(self, data: bytes, most: int) -> bytes:
        return bytes(self._inflater.decompress(data, most))


class _Zstd(_Ending):
    name, feed = "zstd", _ZSTD_FEED

    def __init__(self) -> None:
        self._inflater = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()

    @property
    def hungry(self) -> bool:
        return True

    def inflate(self, data: bytes, most: int) -> bytes:
        del most  # its inflater gives all it has; what it is fed at a time bounds that
        return bytes(self._inflater.decompress(data))
