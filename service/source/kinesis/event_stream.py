"""AWS's event stream framing: bytes in, checked messages out.

A message is: total length, length of the headers, CRC-32 of those eight bytes, headers, payload, CRC-32 of everything
before it. Numbers are big-endian.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

MOST_BYTES = 32 * 1024 * 1024
"""Longest message that is believed: a record of 10 MiB is 14 MB of base64."""

_PRELUDE = struct.Struct(">III")
_NUMBER = struct.Struct(">I")
_FRAME = _PRELUDE.size + _NUMBER.size
_FIXED_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_BYTES, _TEXT = 6, 7


class BrokenStream(Exception):
    """The bytes are no event stream, or were damaged on the way."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message; headers of other types than text are left out."""

    headers: dict[str, str]
    payload: bytes

    @property
    def kind(self) -> str:
        """``:message-type``: event, exception or error."""
        return self.headers.get(":message-type", "")

    @property
    def name(self) -> str:
        """The type of the event, exception or error."""
        headers = self.headers
        return headers.get(":event-type") or headers.get(":exception-type") or headers.get(":error-code") or ""


@dataclass(slots=True)
class FrameReader:
    """Collects bytes and gives the messages that are complete."""

    _buffer: bytearray = field(default_factory=bytearray)

    @property
    def incomplete(self) -> bool:
        """True when the stream would end in the middle of a message."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> Iterator[Message]:
        """Messages completed by ``data``; raises BrokenStream, after which the reader is of no use."""
        self._buffer += data
        at = 0
        try:
            while len(self._buffer) - at >= _PRELUDE.size:
                total, headers_size = self._prelude(at)
                if len(self._buffer) - at < total:
                    break
                frame = bytes(memoryview(self._buffer)[at : at + total])
                at += total
                yield _message(frame, headers_size)
        finally:
            if at:
                del self._buffer[:at]

    def _prelude(self, at: int) -> tuple[int, int]:
        total, headers_size, checksum = _PRELUDE.unpack_from(self._buffer, at)
        if zlib.crc32(self._buffer[at : at + 8]) != checksum:
            raise BrokenStream("checksum of a prelude is wrong")
        if not _FRAME + headers_size <= total <= MOST_BYTES:
            raise BrokenStream(f"a message of {total} bytes with {headers_size} bytes of headers")
        return total, headers_size


def _message(frame: bytes, headers_size: int) -> Message:
    body = memoryview(frame)
    (checksum,) = _NUMBER.unpack_from(frame, len(frame) - _NUMBER.size)
    if zlib.crc32(body[: -_NUMBER.size]) != checksum:
        raise BrokenStream("checksum of a message is wrong")
    begin = _PRELUDE.size + headers_size
    return Message(_headers(bytes(body[_PRELUDE.size : begin])), bytes(body[begin : -_NUMBER.size]))


def _headers(data: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    at = 0
    try:
        while at < len(data):
            end = at + 1 + data[at]
            name = data[at + 1 : end].decode()
            kind = data[end]
            at = end + 1
            if kind in (_BYTES, _TEXT):
                size = int.from_bytes(data[at : at + 2], "big")
                at += 2
                if kind == _TEXT:
                    headers[name] = data[at : at + size].decode()
                at += size
            else:
                at += _FIXED_SIZES[kind]
    except (IndexError, KeyError, UnicodeDecodeError) as fault:
        raise BrokenStream(f"headers are unreadable: {fault!r}") from fault
    if at != len(data):
        raise BrokenStream("headers end in the middle of one")
    return headers
