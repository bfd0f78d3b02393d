"""A signal: what a detection found in one or several events, on its way over Kafka to whoever makes alerts of it.

Signals of one project and environment travel in one partition, so one worker sees all of them, in order.
"""

from __future__ import annotations

import msgspec


class Evidence(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An event that a signal rests on: where its document is, and when it happened."""

    index: str
    id: str
    time_ms: int


class Join(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a signal's event contributes to a correlation."""

    correlation: str
    """Id of the correlation."""
    group: tuple[str, ...]
    time_ms: int
    ref: str
    """What names the event for good: ``index/_id``."""
    value: str | float | None = None


class Signal(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Value of one message on the topic ``signals``."""

    rule: str
    """Id of the rule; ``finding`` for what another product found."""
    project: str
    environment: str
    stream: str
    dataset: str
    arrived_ms: int
    """When the record of its first event arrived in Kinesis."""
    evidence: list[Evidence]
    """The events, at least one; a flood within one batch is cut to ``MOST_EVIDENCE``."""
    count: int
    """How many events there were."""
    document: str
    """JSON of the first event's document, without ``event.original``."""
    key: str = ""
    """What the rule's own grouping found in the event; "" where the principal decides."""
    joins: tuple[Join, ...] = ()
    own: bool = True
    """It may raise an alert by itself; False: it is only here for its joins."""
    everywhere: bool = False
    """Its joins are with events of all projects."""
    who: str = ""
    """Of a first-seen rule: the subject, …"""
    what: str = ""
    """… and what it was seen with."""
    marks: bytes = b""
    """Of the events that ``evidence`` does not name, as ``service/alerts/tally.py`` packs them."""


MOST_EVIDENCE = 50
"""Events that one signal names."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Signal)


def partition_key(signal: Signal) -> bytes:
    """The key of its Kafka message."""
    return b"*" if signal.everywhere else f"{signal.project}/{signal.environment}".encode()


def encode_signal(signal: Signal) -> bytes:
    """MessagePack bytes of a signal."""
    return _encoder.encode(signal)


def decode_signal(data: bytes) -> Signal:
    """The signal; raises msgspec.DecodeError for anything else."""
    return _decoder.decode(data)
