"""Leases in a SQLite file: the embedded table, for all workers of one machine.

WAL and one transaction a write survive kill -9; a checksum a row and SQLite's own check at opening find a torn or
damaged file, which is then set aside and rebuilt from the streams (``rebuilt``), never trusted.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import structlog

from service.errors import Backpressure
from service.source.kinesis.lease import Lease
from service.source.kinesis.lease_row import COLUMNS, COUNTER, KEY, SETS, Cell, from_row, to_row

log = structlog.get_logger(__name__)
T = TypeVar("T")

_CREATE = (
    "CREATE TABLE IF NOT EXISTS leases ("
    + ", ".join("leaseKey TEXT PRIMARY KEY" if name == KEY else name for name in COLUMNS)
    + ", checksum INTEGER NOT NULL) WITHOUT ROWID"
)
_SELECT = f"SELECT {', '.join(COLUMNS)}, checksum FROM leases"  # noqa: S608 -- names are constants of ours
_INSERT = f"INSERT OR IGNORE INTO leases VALUES ({', '.join('?' * (len(COLUMNS) + 1))})"  # noqa: S608 - names are constants of ours
_UPDATE = (
    f"UPDATE leases SET {', '.join(f'{name} = ?' for name in COLUMNS)}, checksum = ? "  # noqa: S608 - names are constants of ours
    f"WHERE {KEY} = ? AND {COUNTER} = ?"
)
_BUSY_SECONDS = 5.0
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Damaged(Exception):
    """The file is no sound lease table."""


class SqliteLeases:
    """The lease table in the file at ``path``; its folder must exist."""

    def __init__(self, path: Path, *, busy_seconds: float = _BUSY_SECONDS) -> None:
        """Remember the path; ``prepare`` opens it. ``busy_seconds``: how long to wait for another process's write."""
        self._busy_seconds = busy_seconds
        self.rebuilt = False
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="leases")
        self._connection: sqlite3.Connection | None = None

    async def prepare(self) -> None:
        """Open or make the file; a damaged one is renamed to ``….damaged-N`` and replaced by an empty table."""
        await self._run(self._open)

    async def list(self) -> list[Lease]:
        """Every lease."""
        return await self._run(lambda: [_lease(row) for row in self._sql(_SELECT).fetchall()])

    async def get(self, key: str) -> Lease | None:
        """One lease."""

        def work() -> Lease | None:
            row = self._sql(f"{_SELECT} WHERE {KEY} = ?", (key,)).fetchone()
            return None if row is None else _lease(row)

        return await self._run(work)

    async def create_if_absent(self, lease: Lease) -> bool:
        """Add a lease; False if the key exists."""
        return await self._run(lambda: self._sql(_INSERT, _cells(lease)).rowcount == 1)

    async def swap(self, before: Lease, after: Lease) -> bool:
        """Replace ``before`` by ``after`` if the counter is unchanged."""
        return await self._run(lambda: self._sql(_UPDATE, (*_cells(after), before.key, before.counter)).rowcount == 1)

    async def delete(self, lease: Lease) -> bool:
        """Remove the lease if the counter is unchanged."""
        statement = f"DELETE FROM leases WHERE {KEY} = ? AND {COUNTER} = ?"  # noqa: S608 - names are constants of ours
        return await self._run(lambda: self._sql(statement, (lease.key, lease.counter)).rowcount == 1)

    async def close(self) -> None:
        """Close the file."""

        def work() -> None:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

        await self._run(work)
        self._thread.shutdown(wait=False)

    def _open(self) -> None:
        before = self._identity()
        try:
            self._connection = self._check()
        except (Damaged, sqlite3.DatabaseError) as fault:
            # Locked, full, not writable: the file may be sound, and is left alone.
            if not isinstance(fault, Damaged) and fault.sqlite_errorcode & 0xFF not in _DAMAGE:
                raise
            if self._identity() == before:  # else another worker has replaced it meanwhile
                aside = self._set_aside()
                log.error("lease_table_damaged", path=str(self._path), kept_as=aside, reason=str(fault))  # noqa: TRY400 - a trace says nothing more
            self.rebuilt = True
            self._connection = self._check()

    def _identity(self) -> int | None:
        return self._path.stat().st_ino if self._path.exists() else None

    def _check(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise Damaged(verdict)
            connection.execute(_CREATE)
            for row in connection.execute(_SELECT).fetchall():
                _lease(row)
        except BaseException:
            connection.close()
            raise
        return connection

    def _set_aside(self) -> str:
        number = 1
        while (aside := self._path.with_name(f"{self._path.name}.damaged-{number}")).exists():
            number += 1
        self._path.rename(aside)
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        return str(aside)

    def _sql(self, statement: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        if self._connection is None:
            raise RuntimeError("lease table is not open")
        return self._connection.execute(statement, values)

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (sqlite3.Error, OSError, Damaged) as fault:
            raise Backpressure(f"lease table {self._path}: {fault}") from fault


def _cells(lease: Lease) -> tuple[object, ...]:
    row = to_row(lease)
    cells = [_pack(row.get(name)) for name in COLUMNS]
    return (*cells, _checksum(cells))


def _lease(cells: tuple[object, ...]) -> Lease:
    *values, checksum = cells
    if checksum != _checksum(values):
        raise Damaged(f"checksum of lease {values[0]!r} is wrong")
    row: dict[str, Cell] = {}
    for name, value in zip(COLUMNS, values, strict=True):
        if isinstance(value, str | int):
            row[name] = tuple(json.loads(value)) if name in SETS and isinstance(value, str) else value
    try:
        return from_row(row)
    except (KeyError, TypeError, ValueError) as fault:
        raise Damaged(f"lease {values[0]!r}: {fault}") from fault


def _pack(cell: Cell | None) -> str | int | None:
    return json.dumps(cell) if isinstance(cell, tuple) else cell


def _checksum(cells: Sequence[object]) -> int:
    return zlib.crc32(repr(cells).encode())
