"""Frames of ``application/vnd.amazon.eventstream``: lengths, string headers, payload, two checksums."""

from __future__ import annotations

from struct import pack
from zlib import crc32

_STRING = 7
_OVERHEAD = 16


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """One message: prelude (total length, headers length, CRC), headers, payload, CRC of all before it."""
    block = b"".join(
        pack("!B", len(name)) + name.encode() + pack("!BH", _STRING, len(value.encode())) + value.encode()
        for name, value in headers.items()
    )
    prelude = pack("!II", _OVERHEAD + len(block) + len(payload), len(block))
    body = b"%b%b%b%b" % (prelude, pack("!I", crc32(prelude)), block, payload)
    return body + pack("!I", crc32(body))


def event(kind: str, payload: bytes) -> bytes:
    """An event of the given type with a JSON payload."""
    return frame(
        {":event-type": kind, ":content-type": "application/json", ":message-type": "event"},
        payload,
    )


def initial_response() -> bytes:
    """What precedes the first event of an operation over JSON-RPC."""
    headers = {
        ":event-type": "initial-response",
        ":content-type": "application/x-amz-json-1.1",
        ":message-type": "event",
    }
    return frame(headers, b"{}")


def exception(kind: str, payload: bytes) -> bytes:
    """A modelled error in the middle of the stream; nothing follows it."""
    return frame(
        {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"},
        payload,
    )
