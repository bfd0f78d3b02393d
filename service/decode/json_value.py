"""What one JSON value of a payload is: a subscription message, an EventBridge envelope, a list of records, or an event."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from service.decode.cloudwatch import PREFIX, read_message
from service.decode.nesting import too_deep
from service.decode.units import Run, Units

HEAD = 256
"""``Records`` must begin this early: in all files AWS delivers it is the first key."""


class Envelope(msgspec.Struct, rename={"detail_type": "detail-type"}, gc=False):
    """What EventBridge wraps around an event."""

    detail_type: str
    source: str
    detail: msgspec.Raw
    id: str | None = None
    account: str | None = None
    region: str | None = None
    time: str | None = None


class Records(msgspec.Struct, gc=False):
    """A file of records as CloudTrail and Config deliver it."""

    Records: list[msgspec.Raw]


_envelope = msgspec.json.Decoder(Envelope)
_records = msgspec.json.Decoder(Records)
_array = msgspec.json.Decoder(list[msgspec.Raw])
_WRONG = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_object(value: bytes, line: int, units: Units) -> None:
    """Add the events of one valid JSON object, of whatever kind it is; ``line`` is where it begins."""
    if value.startswith(PREFIX) or (b'"messageType"' in value and b'"logEvents"' in value):
        units.enter(line)
        known = read_message(value, units)
        units.enter(0)
        if known:
            return
    if b'"detail-type"' in value and _read_envelope(value, line, units):
        return
    if b'"Records"' in value[:HEAD] and _read_records(value, line, units):
        return
    read_event(value, line, units)


def read_array(data: bytes, line: int, units: Units) -> bool:
    """Add the objects of a JSON array; False, and nothing is added, when it holds no object and is not empty."""
    try:
        elements = _array.decode(data)
    except _WRONG:
        return False
    if elements and not any(bytes(element).startswith(b"{") for element in elements):
        return False
    _read_elements(elements, line, units, _read_element)
    return True


def _read_elements(elements: list[msgspec.Raw], line: int, units: Units, read: Callable[[bytes, int, Units], None]) -> None:
    """Add the elements of a list that begins at ``line``, each by its number in the list."""
    if not elements:
        units.control += 1
    units.enter(line)
    for number, element in enumerate(elements, 1):
        if units.full:
            rest = b",".join(bytes(one) for one in elements[number - 1 :])
            units.gives_up(b"[" + rest + b"]", number)
            break
        value = bytes(element)
        if value.startswith(b"{"):
            read(value, number, units)
        else:
            units.breaks(value, number, "not_an_object", "a list of events holds something that is no object")
    units.enter(0)


def _read_element(value: bytes, number: int, units: Units) -> None:
    if b'"detail-type"' in value and _read_envelope(value, number, units):
        return
    if b'"logEvents"' in value and b'"messageType"' in value and read_message(value, units):
        return
    read_event(value, number, units)


def read_event(value: bytes, line: int, units: Units) -> None:
    """Add one raw event, or what is wrong with its bytes."""
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        units.breaks(value, line, "invalid_utf8", str(error))
        return
    if too_deep(text, units.limits.depth):
        units.breaks(value, line, "too_deep", f"JSON nests deeper than {units.limits.depth}")
    else:
        units.plain(text, line)


def _read_records(value: bytes, line: int, units: Units) -> bool:
    try:
        elements = _records.decode(value).Records
    except _WRONG:
        return False
    _read_elements(elements, line, units, read_event)
    return True


def _read_envelope(value: bytes, line: int, units: Units) -> bool:
    try:
        envelope = _envelope.decode(value)
        detail = bytes(envelope.detail).decode()
    except _WRONG:
        return False
    if not detail.startswith("{"):
        return False
    if too_deep(detail, units.limits.depth):
        units.breaks(value, line, "too_deep", f"JSON nests deeper than {units.limits.depth}")
        return True
    run = Run([detail], [line], units.next, "eventbridge", None, None, envelope.account, envelope.region)
    run.source, run.detail_type = envelope.source, envelope.detail_type
    run.envelope_id, run.envelope_time = envelope.id, envelope.time
    units.add(run)
    return True
