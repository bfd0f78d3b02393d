"""A file that is read again when it changes; what was good stays in use until its successor has been read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from service.errors import ContentErrors

T = TypeVar("T")

Stamp = tuple[int, int, int]
"""Modification time (ns), inode and size: a rename over the file changes the second, an edit in place the first."""


@dataclass(frozen=True, slots=True)
class Read(Generic[T]):
    """What reading a file gave."""

    value: T
    built: int
    """When the content was made, seconds since the epoch."""
    entries: int | None = None
    complaint: str | None = None
    """What was wrong with it though it could be used."""


class Followed(Generic[T]):
    """One file. ``reload`` may run in any thread; ``adopt`` belongs to the thread that uses ``current``."""

    def __init__(self, kind: str, path: Path, read: Callable[[Path], Read[T]], refusals: tuple[type[Exception], ...]) -> None:
        """Read nothing yet; ``read`` raises OSError, ContentErrors or one of ``refusals`` for a file it can't use."""
        self.kind = kind
        self.path = path
        self.error: str | None = None
        self.current: Read[T] | None = None
        self._staged: Read[T] | None = None
        self._stamp: Stamp | None = None
        self._read = read
        self._refusals: tuple[type[Exception], ...] = (OSError, ContentErrors, *refusals)

    def reload(self) -> Exception | None:
        """Read the file if it changed since the last time; returns why that failed, having noted it in ``error``."""
        try:
            stat = self.path.stat()
            stamp = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if stamp == self._stamp:
                return None
            self._stamp = stamp
            self._staged = self._read(self.path)
        except self._refusals as error:
            if isinstance(error, FileNotFoundError):
                self._stamp = None
            self.error = str(error)[:500] or type(error).__name__
            return error
        self.error = self._staged.complaint
        return None

    @property
    def newest(self) -> T | None:
        """What will be in use after the next ``adopt``; None when the file could not be used so far."""
        read = self._staged or self.current
        return None if read is None else read.value

    def adopt(self) -> bool:
        """Use what was read; True when that is something new."""
        if self._staged is None:
            return False
        self.current, self._staged = self._staged, None
        return True
