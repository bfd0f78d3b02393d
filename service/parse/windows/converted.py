"""JSON that keeps the structure of the event's XML: OpenTelemetry's receiver, and converters of event files."""

from __future__ import annotations

from typing import Any

from service.parse.windows.members import at, take_keywords
from service.parse.windows.words import level_word, opcode_word, task_word

MOST_DATA = 1000


def read_collector(event: dict[str, Any]) -> dict[str, Any]:
    """OpenTelemetry's ``windowseventlog`` receiver."""
    raw: dict[str, Any] = {
        "event_id": at(event, ("event_id", "id")),
        "qualifiers": at(event, ("event_id", "qualifiers")),
        "provider": at(event, ("provider", "name")),
        "provider_guid": at(event, ("provider", "guid")),
        "event_source": at(event, ("provider", "event_source")),
        "channel": event.get("channel"),
        "computer": event.get("computer"),
        "record_id": event.get("record_id"),
        "time": event.get("system_time"),
        "version": event.get("version"),
        "user_id": at(event, ("security", "user_id")),
        "process_id": at(event, ("execution", "process_id")),
        "thread_id": at(event, ("execution", "thread_id")),
        "level": level_word(event.get("level")),
        "opcode": opcode_word(event.get("opcode")),
    }
    raw["task"] = task_word(raw["provider"], event.get("task"))
    message = event.get("message")
    raw["message"] = message if isinstance(message, str) else message.get("message") if isinstance(message, dict) else None
    take_keywords(raw, event.get("keywords"), None)
    data = event.get("event_data")
    items = data.get("data") if isinstance(data, dict) else None
    if isinstance(items, list):
        raw["data"] = {key: value for item in items[:MOST_DATA] if isinstance(item, dict) for key, value in item.items()}
    elif isinstance(data, dict):
        raw["data"] = data
    raw["user_data"] = event.get("user_data")
    return raw


def read_converted(event: dict[str, Any]) -> dict[str, Any]:
    """The XML's structure as JSON, as converters of event files write it: attributes under ``#attributes`` or beside the text."""
    system = event["System"]
    ident = system.get("EventID")
    raw: dict[str, Any] = {
        "event_id": ident.get("#text", ident.get("text")) if isinstance(ident, dict) else ident,
        "qualifiers": _attribute(system, "EventID", "Qualifiers"),
        "provider": _attribute(system, "Provider", "Name"),
        "provider_guid": _attribute(system, "Provider", "Guid"),
        "event_source": _attribute(system, "Provider", "EventSourceName"),
        "time": _attribute(system, "TimeCreated", "SystemTime"),
        "record_id": system.get("EventRecordID"),
        "activity_id": _attribute(system, "Correlation", "ActivityID"),
        "related_activity_id": _attribute(system, "Correlation", "RelatedActivityID"),
        "process_id": _attribute(system, "Execution", "ProcessID"),
        "thread_id": _attribute(system, "Execution", "ThreadID"),
        "user_id": _attribute(system, "Security", "UserID"),
        "channel": system.get("Channel"),
        "computer": system.get("Computer"),
        "version": system.get("Version"),
        "level": level_word(system.get("Level")),
        "opcode": opcode_word(system.get("Opcode")),
    }
    raw["task"] = task_word(raw["provider"], system.get("Task"))
    take_keywords(raw, system.get("Keywords"), None)
    raw["data"] = _xml_data(event.get("EventData"))
    users = event.get("UserData")
    if isinstance(users, dict):
        for name, value in users.items():
            if isinstance(value, dict):
                raw["user_data"] = {**{key: item for key, item in value.items() if key[:1] not in "#@"}, "xml_name": name}
    raw["message"] = at(event, ("RenderingInfo", "Message"))
    return raw


def _xml_data(data: object) -> dict[str, Any]:
    if not isinstance(data, dict):
        return {}
    items = data.get("Data")
    named = {key: value for key, value in data.items() if key[:1] not in "#@" and key != "Data"}
    if isinstance(items, dict):
        items = items.get("#text", items)
    if isinstance(items, dict):
        return {**items, **named}
    for number, item in enumerate(items[:MOST_DATA] if isinstance(items, list) else [] if items is None else [items], 1):
        if isinstance(item, dict):
            named[str(item.get("@Name", item.get("Name", f"param{number}")))] = item.get("#text", item.get("text"))
        else:
            named[f"param{number}"] = item
    return named


def _attribute(system: dict[str, Any], element: str, name: str) -> Any:
    value = system.get(element)
    if not isinstance(value, dict):
        return None
    inner = value.get("#attributes")
    holder = inner if isinstance(inner, dict) else value
    return holder.get(name, holder.get(f"@{name}"))
