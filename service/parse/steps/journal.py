"""Entries of a journal as collectors write them: systemd's own JSON, Fluent Bit's, and documents of agents in ECS's shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from service.errors import EventError
from service.parse.json_event import read_json

_PLACES: dict[str, tuple[str, ...]] = {
    "message": ("MESSAGE", "message", "log", "msg"),
    "program": (
        "SYSLOG_IDENTIFIER", "log.syslog.appname", "syslog.identifier", "process.name", "journald.process.name", "_COMM", "ident",
        "program", "appname",
    ),
    "pid": ("SYSLOG_PID", "_PID", "process.pid", "log.syslog.procid", "syslog.pid", "pid"),
    "host": ("_HOSTNAME", "host.hostname", "log.syslog.hostname", "host.name", "hostname", "host"),
    "stamp": ("_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP", "@timestamp", "timestamp", "time"),
    "severity": ("PRIORITY", "log.syslog.severity.code"),
    "facility": ("SYSLOG_FACILITY", "log.syslog.facility.code", "syslog.facility"),
    "priority": ("log.syslog.priority", "syslog.priority"),
    "version": ("log.syslog.version",),
    "msgid": ("log.syslog.msgid",),
    "structured_data": ("log.syslog.structured_data",),
    "command_line": ("_CMDLINE", "process.command_line", "journald.process.command_line"),
    "executable": ("_EXE", "process.executable", "journald.process.executable"),
    "unit": ("_SYSTEMD_UNIT", "systemd.unit"),
    "machine": ("_MACHINE_ID", "host.id"),
}  # fmt: skip
"""What is looked for → the keys that hold it, best first; dots lead into objects."""


def entry_of(text: str) -> dict[str, Any] | None:
    """What the JSON object says, under the names above, the rest of it under ``journal``; None when it holds no message."""
    try:
        entry, _ = read_json(text)
    except EventError:
        return None
    found: dict[str, Any] = {}
    for name, places in _PLACES.items():
        for place in places:
            value = _taken(entry, place.split(".")) if name not in found else None
            if value is not None:
                found[name] = value
    message = found.get("message")
    if not isinstance(message, str) or not message.strip():
        return None
    return {**found, "journal": entry} if entry else found


def _taken(entry: dict[str, Any], path: list[str]) -> Any:
    """The scalar at the path, removed from the entry; objects that thereby are empty go too. None when there is none."""
    flat = ".".join(path)
    if len(path) > 1 and flat in entry:
        path = [flat]
    *way, last = path
    held = [(entry, "")]
    for key in way:
        inner = held[-1][0].get(key)
        if not isinstance(inner, dict):
            return None
        held.append((inner, key))
    value = held[-1][0].get(last)
    if value is None or value == "" or isinstance(value, list | bool) or (isinstance(value, dict) and last != "structured_data"):
        return None
    del held[-1][0][last]
    for outer, key in _emptied(held):
        del outer[key]
    return value


def _emptied(held: list[tuple[dict[str, Any], str]]) -> Iterator[tuple[dict[str, Any], str]]:
    for number in range(len(held) - 1, 0, -1):
        inner, key = held[number]
        if inner:
            return
        yield held[number - 1][0], key
