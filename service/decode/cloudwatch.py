"""CloudWatch Logs subscription messages: one JSON object with many log events."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from service.decode.nesting import HARMLESS, too_deep
from service.decode.units import Run, Units

TRANSPORT = "cloudwatch_logs"
PREFIX = b'{"messageType":"'


class LogEvent(msgspec.Struct, gc=False):
    """One log event, as CloudWatch numbers and times it."""

    id: str
    timestamp: int
    message: str


class Message(msgspec.Struct, rename="camel", gc=False):
    """A subscription message as AWS writes it."""

    message_type: str
    log_group: str
    log_stream: str
    log_events: list[LogEvent]
    owner: str | None = None


class LooseMessage(msgspec.Struct, rename="camel", gc=False):
    """A subscription message some of whose log events may be odd."""

    message_type: str
    log_group: str
    log_events: list[msgspec.Raw]
    log_stream: str | None = None
    owner: str | None = None


_exact = msgspec.json.Decoder(Message)
_loose = msgspec.json.Decoder(LooseMessage)
_loose_event = msgspec.json.Decoder(LogEvent, strict=False)


def read_message(data: bytes, units: Units) -> bool:
    """Add the log events of a subscription message; False, and nothing is added, when ``data`` is not one."""
    try:
        message = _exact.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _read_loosely(data, units)
    found = message.log_events
    if message.message_type != "DATA_MESSAGE" or not found:
        units.control += 1
        return True
    events = [event.message for event in found]
    deep = [i for i, text in enumerate(events) if len(text) >= HARMLESS and too_deep(text, units.limits.depth)]
    if deep:
        return _read_loosely(data, units)
    numbers = range(1, len(events) + 1)
    units.add(_run(numbers, events, found, message, units.next))
    return True


def _read_loosely(data: bytes, units: Units) -> bool:
    """The same, one log event at a time, so that a broken one leaves its neighbours alone."""
    try:
        message = _loose.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    if message.message_type != "DATA_MESSAGE" or not message.log_events:
        units.control += 1
        return True
    sound: list[tuple[int, LogEvent]] = []
    for number, raw in enumerate(message.log_events, 1):
        flaw = ("", "")
        try:
            event = _loose_event.decode(raw)
        except UnicodeDecodeError as error:
            flaw = ("invalid_utf8", str(error))
        except (msgspec.DecodeError, RecursionError) as error:
            flaw = ("bad_log_event", str(error))
        else:
            if too_deep(event.message, units.limits.depth):
                flaw = ("too_deep", f"JSON nests deeper than {units.limits.depth}")
        if flaw[0]:
            _add(sound, message, units)
            sound = []
            units.breaks(bytes(raw), number, *flaw)
            continue
        sound.append((number, event))
    _add(sound, message, units)
    return True


def _add(sound: list[tuple[int, LogEvent]], message: LooseMessage, units: Units) -> None:
    if sound:
        found = [event for _, event in sound]
        numbers = [number for number, _ in sound]
        units.add(_run(numbers, [event.message for event in found], found, message, units.next))


def _run(numbers: Sequence[int], events: list[str], found: list[LogEvent], message: Message | LooseMessage, first: int) -> Run:
    ids, times = [event.id for event in found], [event.timestamp for event in found]
    return Run(events, numbers, first, TRANSPORT, ids, times, message.owner, None, message.log_group, message.log_stream)
