"""The event stream is read however it is cut, and never believed when damaged."""

from __future__ import annotations

import contextlib
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.local.kinesis import event_stream as doubles
from service.source.kinesis.event_stream import BrokenStream, FrameReader, Message


def frame(headers: bytes, payload: bytes) -> bytes:
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    prelude += struct.pack(">I", zlib.crc32(prelude))
    body = prelude + headers + payload
    return body + struct.pack(">I", zlib.crc32(body))


def text_header(name: str, value: str) -> bytes:
    return bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()


EVENT = text_header(":message-type", "event") + text_header(":event-type", "SubscribeToShardEvent")


@given(st.lists(st.binary(max_size=300), max_size=6), st.data())
def test_messages_come_out_however_the_bytes_are_cut(payloads: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(frame(EVENT, payload) for payload in payloads)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    reader, seen = FrameReader(), []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        seen += [message.payload for message in reader.feed(stream[begin:end])]
    assert seen == payloads
    assert not reader.incomplete


@given(st.binary(max_size=100), st.data())
def test_a_flipped_bit_breaks_the_stream_or_leaves_it_waiting(payload: bytes, data: st.DataObject) -> None:
    stream = bytearray(frame(EVENT, payload))
    stream[data.draw(st.integers(0, len(stream) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    reader = FrameReader()
    with pytest.raises(BrokenStream):
        list(reader.feed(bytes(stream)))


@given(st.binary(max_size=400))
def test_rubbish_is_broken_or_incomplete_and_nothing_else(data: bytes) -> None:
    reader = FrameReader()
    with contextlib.suppress(BrokenStream):
        assert list(reader.feed(data)) == [] or data


def test_headers_of_every_type_are_passed_over() -> None:
    odd = b"".join(
        bytes([1]) + b"h" + bytes([kind]) + bytes(size)
        for kind, size in [(0, 0), (1, 0), (2, 1), (3, 2), (4, 4), (5, 8), (8, 8), (9, 16)]
    )
    blob = bytes([1]) + b"b" + b"\x06" + struct.pack(">H", 3) + b"abc"
    (message,) = FrameReader().feed(frame(odd + blob + EVENT, b"{}"))
    assert message.headers == {":message-type": "event", ":event-type": "SubscribeToShardEvent"}


@pytest.mark.parametrize("headers", [b"\x05ab", text_header("a", "b")[:-1], b"\x01a\x63", b"\x01\xff\x00", b"\x01"])
def test_unreadable_headers_are_refused(headers: bytes) -> None:
    with pytest.raises(BrokenStream):
        list(FrameReader().feed(frame(headers, b"")))


def test_a_message_too_long_to_be_true_is_refused_before_it_is_collected() -> None:
    prelude = struct.pack(">II", 2**31, 0)
    with pytest.raises(BrokenStream):
        list(FrameReader().feed(prelude + struct.pack(">I", zlib.crc32(prelude))))


def test_the_doubles_own_writer_agrees() -> None:
    (message,) = FrameReader().feed(doubles.event("SubscribeToShardEvent", b'{"Records":[]}'))
    assert (message.kind, message.name, message.payload) == ("event", "SubscribeToShardEvent", b'{"Records":[]}')
    (message,) = FrameReader().feed(doubles.exception("ResourceInUseException", b"{}"))
    assert (message.kind, message.name) == ("exception", "ResourceInUseException")


def test_an_error_without_type_has_no_name() -> None:
    assert Message({":message-type": "error"}, b"").name == ""
