"""Events as JSON objects: what Winlogbeat, NXLog, Fluent Bit, Amazon's agent for Windows and others make of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from service.enrich.fragments import dump
from service.errors import EventError
from service.parse.windows.beats import read_beat
from service.parse.windows.converted import read_collector, read_converted
from service.parse.windows.inserts import named_inserts
from service.parse.windows.members import take_keywords
from service.parse.windows.message import data_of
from service.parse.windows.words import completed, level_word, opcode_word, outcome_word, task_word

MOST_DATA = 1000
LONGEST_NAME = 256
_NAME = re.compile(r"[^A-Za-z0-9_]")
_ZONED = re.compile(r".*(?:Z|[+-]\d\d:?\d\d)")
_FLAT = {
    "EventID": "event_id", "EventId": "event_id", "Channel": "channel", "LogName": "channel", "Hostname": "computer",
    "Computer": "computer", "MachineName": "computer", "SourceName": "provider", "ProviderName": "provider",
    "ProviderGuid": "provider_guid", "Version": "version", "Task": "task_number", "OpcodeValue": "opcode_number",
    "RecordNumber": "record_id", "EventRecordID": "record_id", "Index": "record_id", "ActivityID": "activity_id",
    "RelatedActivityID": "related_activity_id", "ExecutionProcessID": "process_id", "ProcessID": "process_id",
    "ThreadID": "thread_id", "Message": "message", "TimeCreated": "time", "Qualifiers": "qualifiers", "UserID": "user_id",
}  # fmt: skip
"""Keys of NXLog, Fluent Bit and Amazon's agent → ours; case matters: ``ProcessId`` is a datum of the event."""
_FLAT_OTHER = frozenset(
    {
        "EventTime", "EventReceivedTime", "Keywords", "EventType", "Severity", "SeverityValue", "Category", "Opcode", "Level",
        "LevelDisplayName", "StringInserts", "EventData", "SourceModuleName", "SourceModuleType", "@timestamp", "@version",
        "host", "port", "tags", "System", "type", "EventTypeOrignal", "EventTypeOriginal",
    }
)  # fmt: skip
"""Keys that are read one by one, or are the shipper's own."""

_NXLOG = {"AccountName": "name", "Domain": "domain", "AccountType": "type"}
_AMAZON = {"UserName": "name", "Description": ""}
"""Keys that are about the head of the event, not data of it → members of its account."""


def read_object(event: dict[str, Any]) -> dict[str, Any]:
    """The raw event of one JSON object, whichever agent wrote it; raises EventError ``no_event`` when it is no Windows event."""
    inner = event.get("winlog")
    if isinstance(inner, dict):
        return _ready(read_beat(event, inner))
    inner = event.get("Event")
    if isinstance(inner, dict) and isinstance(inner.get("System"), dict):
        return _ready(read_converted(inner))
    if isinstance(event.get("event_id"), dict):
        return _ready(read_collector(event))
    if "event_id" in event and isinstance(event.get("log_name") or event.get("channel"), str):
        return _ready(read_beat(event, event))
    if ("EventID" in event or "EventId" in event) and ("Channel" in event or "LogName" in event):
        return _ready(_flat(event))
    raise EventError("parse", "no_event", "a JSON object that is no Windows event of a known agent")


def _ready(raw: dict[str, Any]) -> dict[str, Any]:
    """What is there of it, its id as text, and its data with names that a document can carry."""
    event_id = str(raw.get("event_id", ""))
    if not event_id.isdecimal() or len(event_id) > 10:
        raise EventError("parse", "no_event", f"the event id is no number but {event_id[:50]!r}")
    raw["event_id"] = event_id
    message = raw.get("message")
    if not raw.get("data") and isinstance(message, str) and message:
        raw["data"] = data_of(event_id, message)
    completed(raw)
    for key in ("data", "user_data"):
        value = raw.get(key)
        raw[key] = _plain(value) if isinstance(value, dict) else None
    return {key: value for key, value in raw.items() if value or value == 0}


def _plain(data: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for key, value in data.items():
        if len(plain) >= MOST_DATA:
            break
        if value is None:
            continue
        name = (
            key if key.isidentifier() and key.isascii() and len(key) < LONGEST_NAME else _NAME.sub("_", key[:LONGEST_NAME]) or "_"
        )
        plain[name] = value if value.__class__ is str else _text(value)
    return plain


def _text(value: Any) -> Any:
    """A scalar as text, a list of scalars as it is, anything else as JSON."""
    if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(item, dict | list) for item in value)):
        return dump(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, list) else str(value)


def _flat(event: dict[str, Any]) -> dict[str, Any]:
    """NXLog (and what OTRF's data sets hold), Fluent Bit's ``winevtlog``, Amazon's agent for Windows."""
    raw: dict[str, Any] = {}
    for key, place in _FLAT.items():
        if event.get(key) not in (None, ""):
            raw.setdefault(place, event[key])
    raw["time"] = _time(event, raw)
    provider, task = raw.get("provider"), raw.pop("task_number", None)
    category = event.get("Category")
    raw["task"] = category if isinstance(category, str) and category else task_word(provider, task)
    raw["level"] = level_word(event.get("LevelDisplayName") or event.get("Severity") or event.get("Level"))
    opcode = raw.pop("opcode_number", None)
    raw["opcode"] = opcode_word(event.get("Opcode") if event.get("Opcode") is not None else opcode)
    take_keywords(raw, event.get("Keywords"), None)
    if raw.get("outcome") is None:
        raw["outcome"] = outcome_word([str(event.get("EventType"))])
    # NXLog resolves the account of the head; without its SID these are data of the event.
    owners = _NXLOG if "UserID" in event else _AMAZON if "EventId" in event else {}
    if owners is _AMAZON:
        raw.setdefault("message", event.get("Description"))
    raw["account"] = {name: event[key] for key, name in owners.items() if name and isinstance(event.get(key), str)}
    data = _flat_data(event, raw)
    raw["data"] = {key: value for key, value in data.items() if key not in owners}
    return raw


def _flat_data(event: dict[str, Any], raw: dict[str, Any]) -> dict[str, Any]:
    inserts = event.get("StringInserts", event.get("EventData"))
    if isinstance(inserts, dict):
        return dict(inserts)
    if isinstance(inserts, list):
        return named_inserts(str(raw.get("event_id")), raw.get("version"), inserts)
    data = {key: value for key, value in event.items() if key not in _FLAT and key not in _FLAT_OTHER and value not in (None, "")}
    kind = event.get("EventTypeOrignal") or event.get("EventTypeOriginal")
    return {**data, "EventType": kind} if kind else data


def _time(event: dict[str, Any], raw: dict[str, Any]) -> Any:
    """A time with a zone, if there is one: NXLog writes local time, and Logstash beside it when it came."""
    for value in (event.get("EventTime"), raw.get("time"), event.get("@timestamp")):
        if isinstance(value, str) and _ZONED.fullmatch(value[:64]):
            return value
    return event.get("EventTime") or raw.get("time") or event.get("EventReceivedTime")
