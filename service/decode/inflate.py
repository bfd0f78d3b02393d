"""Layers around the payload come off here: gzip, zstd, base64. Every output is bounded before it is made."""

from __future__ import annotations

import binascii
import re

import zstandard
from isal import isal_zlib

from service.decode.limits import Limits
from service.decode.units import failure
from service.errors import EventError

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{16,}+[A-Za-z0-9+/\r\n]*+={0,2}\s*+")
_WINDOW = 1 << 27  # the largest window zstd asks for at its usual levels
_PIECE = 1 << 23  # bytes of a gzip member, or of all zstd, beyond which all are counted before more are kept
_FEED = 512  # compressed bytes at a time: at most 16 MiB appear before the bound is looked at again


def unpack(data: bytes, limits: Limits) -> tuple[bytes, EventError | None, bytes]:
    """Take all compression (and one base64) off ``data``.

    Gives the payload, and what is wrong with the rest of ``data`` if only its first part could be used, with that rest.
    Raises EventError corrupt_gzip, corrupt_zstd, bomb when nothing can be used.
    """
    wrong: EventError | None = None
    rest = b""
    layers = 0
    base64_seen = False
    while True:
        head = data[:4]
        if head[:2] == GZIP or head == ZSTD:
            layers += 1
            if layers > limits.layers:
                raise failure("bomb", f"compressed more than {limits.layers} times")
            if head == ZSTD:
                data = _unzstd(data, limits)
            else:
                data, broken, left = _gunzip(data, limits)
                wrong, rest = (broken, left) if wrong is None else (wrong, rest)
        elif not base64_seen and (inner := _from_base64(data)) is not None:
            base64_seen = True
            data = inner
        else:
            return data, wrong, rest


def _gunzip(data: bytes, limits: Limits) -> tuple[bytes, EventError | None, bytes]:
    """Inflate all members; when a later one is broken, what came before it is kept."""
    allowed = limits.inflated(len(data))
    members: list[bytes] = []
    rest = data
    while rest[:2] == GZIP:
        inflater = isal_zlib.decompressobj(31)
        try:
            member = inflater.decompress(rest, min(allowed, _PIECE) + 1)
            if len(member) > _PIECE:
                if _is_beyond(rest, allowed):
                    raise _bomb("gzip", data, limits)
                inflater = isal_zlib.decompressobj(31)
                member = inflater.decompress(rest, allowed + 1)
        except isal_zlib.error as error:  # type: ignore[misc]  # isal has no types
            return _so_far(members, failure("corrupt_gzip", str(error)), rest)
        allowed -= len(member)
        if allowed < 0:
            raise _bomb("gzip", data, limits)
        if not inflater.eof:
            return _so_far(members, failure("corrupt_gzip", "the gzip stream ends before its trailer"), rest)
        members.append(member)
        rest = inflater.unused_data
    if rest.strip(b"\0"):  # tar and some devices pad with zeros
        return _so_far(members, failure("corrupt_gzip", f"{len(rest)} bytes of garbage after the gzip stream"), rest)
    return members[0] if len(members) == 1 else b"".join(members), None, b""


def _is_beyond(data: bytes, allowed: int) -> bool:
    """Whether the first member of ``data`` inflates to more than ``allowed`` bytes, of which none are kept."""
    inflater = isal_zlib.decompressobj(31)
    made = 0
    while made <= allowed and data and not inflater.eof:
        made += len(inflater.decompress(data, _PIECE))
        data = inflater.unconsumed_tail
    return made > allowed


def _bomb(kind: str, data: bytes, limits: Limits) -> EventError:
    return failure("bomb", f"{len(data)} bytes of {kind} inflate beyond {limits.inflated(len(data))}")


def _so_far(members: list[bytes], error: EventError, rest: bytes) -> tuple[bytes, EventError, bytes]:
    if not members:
        raise error
    return b"".join(members), error, rest


def _unzstd(data: bytes, limits: Limits, *, keep: bool = True) -> bytes:
    allowed = limits.inflated(len(data))
    counted = allowed - _PIECE
    chunks: list[bytes] = []
    rest = data
    while rest:
        inflater = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
        fed = 0
        try:
            while fed < len(rest) and not inflater.eof:
                chunk = inflater.decompress(rest[fed : fed + _FEED])
                fed += _FEED
                allowed -= len(chunk)
                if allowed < 0:
                    raise _bomb("zstd", data, limits)
                if keep:
                    chunks.append(chunk)
                    if allowed < counted:
                        _unzstd(data, limits, keep=False)
                        counted = 0
        except zstandard.ZstdError as error:
            raise failure("corrupt_zstd", str(error)) from error
        if not inflater.eof:
            raise failure("corrupt_zstd", "the zstd stream ends inside a frame")
        rest = inflater.unused_data + rest[fed:]
    return b"".join(chunks)


def _from_base64(data: bytes) -> bytes | None:
    """Decode base64 when that is beyond doubt: the whole is of its alphabet and yields something we read."""
    if not _BASE64.fullmatch(data):
        return None
    try:
        inner = binascii.a2b_base64(data)
    except binascii.Error:
        return None
    if inner[:2] == GZIP or inner[:4] == ZSTD or inner[:4] == b"PAR1" or inner.lstrip()[:1] in (b"{", b"["):
        return inner
    try:
        text = inner.decode()
    except UnicodeDecodeError:
        return None
    # A word of this alphabet that happens to decode to printable text with blanks is not to be expected.
    return inner if " " in text and text.replace("\n", "").replace("\r", "").replace("\t", "").isprintable() else None
