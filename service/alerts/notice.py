"""A notice: a new alert on its way to those who want to be told."""

from __future__ import annotations

import msgspec


class Notice(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Value of one message on the topic ``notices``."""

    index: str
    """Of the alert."""
    id: str
    alert: str
    """The alert's document, as JSON."""
    raised_ms: int


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Notice)


def encode_notice(notice: Notice) -> bytes:
    """MessagePack bytes of a notice."""
    return _encoder.encode(notice)


def decode_notice(data: bytes) -> Notice:
    """The notice; raises msgspec.DecodeError for anything else."""
    return _decoder.decode(data)
