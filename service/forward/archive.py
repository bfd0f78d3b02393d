"""Zip archives: every file in them, one after the other, without the archive ever being in memory as a whole."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Protocol

from service.forward.bounds import Bounds
from service.forward.piecewise import Piecewise
from service.forward.spoiled import Spoiled

_DIRECTORY = 8 << 20
"""Bytes of an archive's directory: some ten thousand files, of which each costs memory."""
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, OverflowError, OSError, RuntimeError)
"""What zipfile raises for archives that are none; NotImplementedError, a RuntimeError, for what it does not know."""


class Anywhere(Protocol):
    """An object that can be read at any place."""

    @property
    def size(self) -> int:
        """Bytes it has."""
        ...

    def read_at(self, start: int, size: int) -> bytes:
        """Exactly these bytes, fewer at the end only."""
        ...


class Seekable(io.RawIOBase):
    """An object as a file, for readers that need to jump in it; read ahead in large pieces."""

    def __init__(self, place: Anywhere, *, most: int, ahead: int = 1 << 20) -> None:
        """Read nothing yet; never more than ``most`` bytes at once."""
        super().__init__()
        self._place = place
        self._most = most
        self._ahead = ahead
        self._at = 0
        self._start = 0
        self._held = b""

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Where the next byte is read."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Jump; raises ValueError for a place before the begin."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._place.size}[whence]
        if base + offset < 0:
            raise ValueError("a place before the begin of the object")
        self._at = base + offset
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        """Read ``size`` bytes, all there are when it is negative or None; raises OSError when that is too much."""
        left = max(0, self._place.size - self._at)
        wanted = left if size is None or size < 0 else min(size, left)
        if wanted <= 0:
            return b""
        offset = self._at - self._start
        if wanted > self._most:
            raise OSError(f"{wanted} bytes at once, {self._most} may be")
        if offset < 0 or offset + wanted > len(self._held):
            self._start, offset = self._at, 0
            self._held = self._place.read_at(self._at, min(max(wanted, self._ahead), left))
        data = self._held[offset : offset + wanted]
        self._at += len(data)
        return data

    def readall(self) -> bytes:
        """Read all there are."""
        return self.read()


class Budget:
    """What the members of one archive may inflate to, together."""

    def __init__(self, bounds: Bounds, size: int) -> None:
        """``size``: bytes of the archive."""
        self._bounds = bounds
        self._size = size
        self._given = 0

    def spend(self, given: int) -> None:
        """Count bytes; raises Spoiled when they are too many."""
        self._given += given
        bounds = self._bounds
        if self._given > bounds.output or (self._given > bounds.ratio_above and self._given > bounds.ratio * self._size):
            raise Spoiled("bomb", f"{self._size} bytes of zip inflate beyond {self._given}")


class Member(Piecewise):
    """One file of an archive."""

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget, part: str) -> None:
        """Open nothing yet."""
        super().__init__()
        self._archive = archive
        self._info = info
        self._budget = budget
        self._file: IO[bytes] | None = None
        self.part = part
        """What identifies it in its archive."""

    def again(self) -> Member:
        """The same file once more, from its begin."""
        return Member(self._archive, self._info, self._budget, self.part)

    def _piece(self, size: int) -> bytes:
        try:
            data = self._read(size)
        except NotImplementedError as error:
            raise Spoiled("unsupported", f"zip: {error}") from error
        except _DAMAGE as error:
            raise Spoiled("corrupt", f"zip: {error}") from error
        self._budget.spend(len(data))
        return data

    def _read(self, size: int) -> bytes:
        if self._info.flag_bits & 0x1:
            raise NotImplementedError("the file is encrypted")
        if self._file is None:
            self._file = self._archive.open(self._info)
        return self._file.read(size)


def members(place: Anywhere, bounds: Bounds) -> Iterator[Member]:
    """The files of an archive in the order of its directory. Raises Spoiled when it is none, or holds too many."""
    try:
        archive = zipfile.ZipFile(Seekable(place, most=_DIRECTORY))
    except _DAMAGE as error:
        raise Spoiled("corrupt", f"zip: {error}") from error
    with archive:
        budget = Budget(bounds, place.size)
        for number, info in enumerate(archive.infolist()):
            if number >= bounds.members:
                raise Spoiled("too_many_members", f"more than {bounds.members} files in the archive")
            if not info.is_dir():
                yield Member(archive, info, budget, f"{number}:{info.filename}"[:1000])
