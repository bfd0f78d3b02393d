"""What one JSON value of a payload is: a subscription message, an EventBridge envelope, a list of records, or an event."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from service.decode.cloudwatch import read_message
from service.decode.nesting import too_deep
from service.decode.units import Run, Units

ABSENT = msgspec.Raw(b"")
MOST_RESOURCES = 1000
"""Resources of an envelope that are kept."""


class Probe(msgspec.Struct, rename={"detail_type": "detail-type", "message_type": "messageType"}, gc=False):
    """The keys that tell what an object is; everything else is checked to be JSON and skipped."""

    detail_type: msgspec.Raw = ABSENT
    message_type: msgspec.Raw = ABSENT
    Records: msgspec.Raw = ABSENT
    configurationItems: msgspec.Raw = ABSENT  # noqa: N815 - AWS Config's spelling

    def wraps(self) -> bool:
        """Whether the object may be more than an event."""
        wrappers = (self.detail_type, self.message_type, self.Records, self.configurationItems)
        return any(wrapper is not ABSENT for wrapper in wrappers)


class Envelope(msgspec.Struct, rename={"detail_type": "detail-type"}, gc=False):
    """What EventBridge wraps around an event."""

    detail_type: str
    source: str
    detail: msgspec.Raw
    id: str | None = None
    account: str | None = None
    region: str | None = None
    time: str | None = None
    resources: msgspec.Raw = ABSENT


class Records(msgspec.Struct, gc=False):
    """A file of records as CloudTrail and Config deliver it."""

    Records: list[msgspec.Raw]


class Items(msgspec.Struct, gc=False):
    """A snapshot or history file of AWS Config."""

    configurationItems: list[msgspec.Raw]  # noqa: N815 - AWS Config's spelling


class Several(msgspec.Struct, gc=False):
    """A detail that is a list of events: Security Hub's findings of one import or action, an inventory of WorkSpaces."""

    findings: list[msgspec.Raw] = []
    Workspaces: list[msgspec.Raw] = []


_several = msgspec.json.Decoder(Several)
_items = msgspec.json.Decoder(Items)
_envelope = msgspec.json.Decoder(Envelope)
_records = msgspec.json.Decoder(Records)
PROBE = msgspec.json.Decoder(Probe)
_array = msgspec.json.Decoder(list[msgspec.Raw])
_names = msgspec.json.Decoder(list[str])
WRONG = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_single(payload: bytes, units: Units) -> bool:
    """Add a payload that is one JSON object and nothing else; False, and nothing is added, when it is not."""
    if payload[:1] != b"{":
        return False
    try:
        probe = PROBE.decode(payload)
    except WRONG:
        return False
    _read(payload.strip(), probe, 1, units)
    return True


def read_object(value: bytes, line: int, units: Units) -> None:
    """Add the events of one valid JSON object, of whatever kind it is; ``line`` is where it begins."""
    _read(value, PROBE.decode(value), line, units)


def _read(value: bytes, probe: Probe, line: int, units: Units) -> None:
    if probe.wraps():
        if probe.message_type is not ABSENT:
            units.enter(line)
            known = read_message(value, units)
            units.enter(0)
            if known:
                return
        if probe.detail_type is not ABSENT and _read_envelope(value, line, units):
            return
        if probe.Records is not ABSENT and _read_records(value, line, units):
            return
        if probe.configurationItems is not ABSENT and _read_items(value, line, units):
            return
    read_event(value, line, units)


def read_array(data: bytes, line: int, units: Units) -> bool:
    """Add the objects of a valid JSON array; False, and nothing is added, when it holds no object and is not empty."""
    elements = _array.decode(data)
    if elements and not any(bytes(element).startswith(b"{") for element in elements):
        return False
    _read_elements(elements, line, units, read_element)
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


def read_element(value: bytes, number: int, units: Units) -> None:
    """Add one valid object out of a list: an envelope, a subscription message or an event."""
    probe = PROBE.decode(value)
    known = probe.detail_type is not ABSENT and _read_envelope(value, number, units)
    known = known or (probe.message_type is not ABSENT and read_message(value, units))
    if not known:
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
    except WRONG:
        return False
    _read_elements(elements, line, units, read_event)
    return True


def _read_items(value: bytes, line: int, units: Units) -> bool:
    try:
        elements = _items.decode(value).configurationItems
    except WRONG:
        return False
    _read_elements(elements, line, units, read_event)
    return True


def _details(detail: str) -> list[str]:
    """The events in the detail of an envelope: each of those that it lists, or the detail itself."""
    if '"findings"' not in detail[:4096] and '"Workspaces"' not in detail[:20]:
        return [detail]
    try:
        listed = _several.decode(detail)
        found = [bytes(each).decode() for each in listed.findings or listed.Workspaces]
    except WRONG:
        return [detail]
    return found if found and all(each.startswith("{") for each in found) else [detail]


def _resources(value: msgspec.Raw) -> list[str] | None:
    """The names in the envelope's list; None when there is none, or something else stands there."""
    try:
        return _names.decode(value)[:MOST_RESOURCES] or None if value is not ABSENT else None
    except WRONG:
        return None


def _read_envelope(value: bytes, line: int, units: Units) -> bool:
    try:
        envelope = _envelope.decode(value)
        detail = bytes(envelope.detail).decode()
    except WRONG:
        return False
    if not detail.startswith("{"):
        return False
    if too_deep(detail, units.limits.depth):
        units.breaks(value, line, "too_deep", f"JSON nests deeper than {units.limits.depth}")
        return True
    events = _details(detail)
    run = Run(events, [line] * len(events), units.next, "eventbridge", None, None, envelope.account, envelope.region)
    run.source, run.detail_type = envelope.source, envelope.detail_type
    run.envelope_id, run.envelope_time = envelope.id, envelope.time
    run.envelope_resources = _resources(envelope.resources)
    units.add(run)
    return True
