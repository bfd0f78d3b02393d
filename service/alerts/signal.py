"""A signal: what a detection found in one or several events, on its way over Kafka to whoever makes alerts of it.

Signals of one project and environment travel in one partition, so one worker sees all of them, in order.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec


class Evidence(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An event that a signal rests on: where its document is, and when it happened."""

    index: str
    id: str
    time_ms: int


class Join(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What an event contributes to a correlation."""

    correlation: str
    """Id of the correlation."""
    group: tuple[str, ...]
    time_ms: int
    ref: str
    """What names the event for good: ``index/_id``."""
    value: str | float | None = None


class News(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An event in which a first-seen rule saw a pair that its worker had not told of lately."""

    who: str
    """The subject, …"""
    what: str
    """… and what it was seen with."""
    evidence: Evidence

    @property
    def ref(self) -> str:
        """What names the event for good: ``index/_id``."""
        return f"{self.evidence.index}/{self.evidence.id}"


Event = tuple[int, int, str, str | float | None, int]
"""Time in ms, number of its index among the signal's ``indices``, its ``_id``, its value, number of its group."""


class Counted(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Events of one rule that a correlation counts."""

    rule: str
    correlation: str
    groups: list[tuple[str, ...]]
    """Without the project."""
    events: list[Event]


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
    """The events, at least one; a flood within one batch is cut to ``MOST_EVIDENCE``. None of what is ``counted`` or ``news``."""
    count: int
    """How many events there were."""
    document: str
    """JSON of one event's document, without ``event.original``; "" of what is ``counted`` or ``news``."""
    key: str = ""
    """What the rule's own grouping found in the event; "" where the principal decides."""
    joins: tuple[Join, ...] = ()
    """Of workers of before, who sent a document with them."""
    own: bool = True
    """It may raise an alert by itself; False: it is only here for what correlations count."""
    everywhere: bool = False
    """Events of all projects are counted together."""
    who: str = ""
    what: str = ""
    """Of workers of before, who sent a signal and a document for each ``news``."""
    marks: bytes = b""
    """Of the events that ``evidence`` does not name, as ``service/alerts/tally.py`` packs them."""
    counted: tuple[Counted, ...] = ()
    """What correlations count, of one Kafka message of events; whoever needs a document of these reads it where it is."""
    indices: tuple[str, ...] = ()
    """Of the events that are counted."""
    news: tuple[News, ...] = ()
    """What a first-seen rule came upon in one Kafka message of events; whether it is new is known where signals arrive."""

    def told(self) -> tuple[News, ...]:
        """The news, whichever way they were sent."""
        if self.who and self.evidence:
            return (News(self.who, self.what, self.evidence[0]),)
        return self.news

    def joined(self) -> Iterator[tuple[str, Join]]:
        """What its events contribute to correlations, each with the rule that matched."""
        for join in self.joins:
            yield self.rule, join
        scope = () if self.everywhere else (self.project, self.environment)
        for each in self.counted:
            groups = [(*scope, *group) for group in each.groups]
            for time_ms, index, identity, value, group in each.events:
                yield each.rule, Join(each.correlation, groups[group], time_ms, f"{self.indices[index]}/{identity}", value)

    @property
    def is_sound(self) -> bool:
        """Whether it names what it speaks of."""
        indices = range(len(self.indices))
        if self.counted:
            return all(e[1] in indices and 0 <= e[4] < len(each.groups) for each in self.counted for e in each.events)
        return bool(self.evidence or self.news)


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
