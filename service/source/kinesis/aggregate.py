"""Records inside records, made as the Kinesis Producer Library makes them: what ``deaggregate`` takes apart.

All user records of an aggregate have its partition key. So wherever a reshard puts the aggregate, its user records belong
there, and no reader discards it.
"""

from __future__ import annotations

import hashlib

from service.source.kinesis.deaggregate import MAGIC

_DIGEST = 16
_KEY, _RECORD = b"\x0a", b"\x1a"
"""Tags of the message: partition key table, record."""
_FIRST_KEY, _DATA = b"\x08\x00", b"\x1a"
"""Of a record: the first partition key; its data."""


class Aggregate:
    """One Kinesis record while it is filled; ``size`` is what it has with its partition key, as Kinesis counts."""

    def __init__(self, partition_key: str, limit: int) -> None:
        """Hold nothing; ``limit`` is the most that ``size`` may become, once there are two records."""
        key = partition_key.encode()
        self.partition_key = partition_key
        self._limit = limit
        self._parts = [_KEY + _varint(len(key)) + key]
        self._key_size = len(key)
        self._body = len(self._parts[0])
        self._alone = b""
        self.records = 0

    @property
    def size(self) -> int:
        """Bytes it has when it is sealed now, with its partition key."""
        if self.records == 1 and not self._alone.startswith(MAGIC):
            return self._key_size + len(self._alone)
        return self._key_size + len(MAGIC) + self._body + _DIGEST

    def fits(self, data: bytes) -> bool:
        """Whether a user record may be added; the first one always may."""
        size = self._key_size + len(MAGIC) + self._body + _DIGEST + len(data) + _overhead(len(data))
        return not self.records or size <= self._limit

    def add(self, data: bytes) -> None:
        """Add a user record."""
        inner = _DATA + _varint(len(data))
        head = _RECORD + _varint(len(_FIRST_KEY) + len(inner) + len(data)) + _FIRST_KEY + inner
        self._parts += (head, data)
        self._body += len(head) + len(data)
        self._alone = data
        self.records += 1

    def seal(self) -> bytes:
        """The data of the Kinesis record; a user record alone goes as it is, unless it looks like an aggregate."""
        if self.records == 1 and not self._alone.startswith(MAGIC):
            return self._alone
        body = b"".join(self._parts)
        return b"".join((MAGIC, body, hashlib.md5(body, usedforsecurity=False).digest()))


def _overhead(size: int) -> int:
    """Bytes around the data of a user record."""
    inner = len(_DATA) + len(_varint(size))
    return len(_RECORD) + len(_varint(len(_FIRST_KEY) + inner + size)) + len(_FIRST_KEY) + inner


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
