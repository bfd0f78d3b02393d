"""Documents of Winlogbeat 6, 7 and 8 and of Elastic Agent: half of what they say is said twice, once under ``winlog``."""

from __future__ import annotations

from typing import Any

from service.parse.windows.members import at, take_keywords
from service.parse.windows.words import level_word, opcode_word, task_word

_SHIPPER = ("agent", "host", "cloud")
"""Objects of a Winlogbeat document that tell of the machine and the agent, not of the event."""
_OURS = frozenset(
    {
        "@timestamp", "@metadata", "@version", "ecs", "winlog", "event", "log", "message", "related", "user", "source", "process",
        "group", "service", "file", "registry", "dns", "destination", "network", "rule", "hash", "data_stream", "input", "tags",
        "powershell", "sysmon", "host", "agent", "cloud", "beat", "type", "error", "offset", "fields",
    }
)  # fmt: skip
"""Keys of a Winlogbeat document that say again what ``winlog`` says, or what the shipper added."""
_MOVED = {
    "IpAddress": ("source", "ip"),
    "IpPort": ("source", "port"),
    "WorkstationName": ("source", "domain"),
    "NewProcessName": ("process", "executable"),
    "NewProcessId": ("process", "pid"),
    "ParentProcessName": ("process", "parent", "executable"),
    "CommandLine": ("process", "command_line"),
}
"""Data that Winlogbeat's own modules take out of ``event_data`` → where they put them."""
_MOVED_BY = {"4688": ("NewProcessName", "NewProcessId", "ParentProcessName", "CommandLine")}
_LOGON = ("IpAddress", "IpPort", "WorkstationName")
_HEADS = {
    "provider_name": "provider", "provider_guid": "provider_guid", "event_id": "event_id", "version": "version",
    "record_id": "record_id", "channel": "channel", "computer_name": "computer", "activity_id": "activity_id",
    "related_activity_id": "related_activity_id", "time_created": "time", "api": "api",
    # Winlogbeat 6, at the top of the document
    "source_name": "provider", "log_name": "channel", "record_number": "record_id", "process_id": "process_id",
    "thread_id": "thread_id",
}  # fmt: skip


def read_beat(event: dict[str, Any], log: dict[str, Any]) -> dict[str, Any]:
    """Winlogbeat 7 and 8 (``winlog``), Elastic Agent, Winlogbeat 6 (the same at the top)."""
    raw: dict[str, Any] = {place: log[key] for key, place in _HEADS.items() if log.get(key) not in (None, "")}
    raw.setdefault("event_id", at(event, ("event", "code")))
    raw.setdefault("provider", at(event, ("event", "provider")))
    raw.setdefault("time", event.get("@timestamp"))
    raw["process_id"] = raw.get("process_id") or at(log, ("process", "pid"))
    raw["thread_id"] = raw.get("thread_id") or at(log, ("process", "thread", "id"))
    raw["level"] = level_word(log.get("level") or at(event, ("log", "level")))
    raw["task"] = task_word(raw["provider"], log.get("task"))
    raw["opcode"] = opcode_word(log.get("opcode"))
    raw["message"] = event.get("message")
    take_keywords(raw, log.get("keywords"), at(event, ("event", "outcome")))
    data = log.get("event_data")
    raw["data"] = _put_back(event, str(raw["event_id"]), data if isinstance(data, dict) else {})
    raw["user_data"] = log.get("user_data")
    account = log.get("user")
    if isinstance(account, dict):
        raw["user_id"] = account.get("identifier")
        raw["account"] = {key: account[key] for key in ("name", "domain", "type") if account.get(key)}
    if event is not log:
        raw |= {key: event[key] for key in _SHIPPER if isinstance(event.get(key), dict)}
        if isinstance(name := event.get("host"), dict) and "computer" not in raw:
            raw["computer"] = name.get("name")
        raw["created"] = at(event, ("event", "created"))
        raw["other"] = {key: value for key, value in event.items() if key not in _OURS}
    return raw


def _put_back(event: dict[str, Any], event_id: str, data: dict[str, Any]) -> dict[str, Any]:
    """The data with what a module of Winlogbeat had moved to ECS fields: rules and people look for it here."""
    missing = [name for name in (*_LOGON, *_MOVED_BY.get(event_id, ())) if name not in data]
    back = {name: value for name in missing if (value := at(event, _MOVED[name])) is not None}
    return {**data, **back} if back else data
