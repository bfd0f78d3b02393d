"""Entries of a journal as collectors write them: systemd's own JSON, Fluent Bit's, and documents of agents in ECS's shape."""

from __future__ import annotations

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

_RANKS = {place: (name, rank) for name, places in _PLACES.items() for rank, place in enumerate(places)}
_BELOW: dict[str, list[tuple[list[str], str]]] = {}
for _place in _RANKS:
    if "." in _place:
        _BELOW.setdefault(_place.split(".")[0], []).append((_place.split(".")[1:], _place))
_LONGEST = 1 << 20
"""Octets of a message that are decoded."""
_SCALARS = (str, int, float)


def entry_of(text: str) -> dict[str, Any] | None:
    """What the JSON object says, under the names above, the rest of it under ``journal``; None when it holds no message."""
    try:
        entry, _ = read_json(text)
    except EventError:
        return None
    if isinstance(entry.get("MESSAGE"), list):
        entry["MESSAGE"] = _decoded(entry["MESSAGE"])
    best: dict[str, tuple[int, str, Any]] = {}
    for key, value in entry.items():
        if key in _RANKS and _usable(key, value):
            _consider(best, key, value)
        elif value.__class__ is dict and key in _BELOW:
            for way, place in _BELOW[key]:
                inner = _at(value, way)
                if _usable(place, inner):
                    _consider(best, place, inner)
    message = best.get("message")
    if message is None or not isinstance(message[2], str) or not message[2].strip():
        return None
    found = {name: value for name, (_, _, value) in best.items()}
    for _, place, _ in best.values():
        _remove(entry, place)
    return {**found, "journal": entry} if entry else found


def _decoded(octets: list[Any]) -> str | list[Any]:
    """The text of a field that the journal writes as numbers, because it is no UTF-8; what is no such list stays as it is."""
    if len(octets) > _LONGEST or not all(isinstance(each, int) and 0 <= each < 256 for each in octets):
        return octets
    return bytes(octets).decode("utf-8", "replace")


def _usable(place: str, value: Any) -> bool:
    return (value.__class__ in _SCALARS and value != "") or (value.__class__ is dict and place == "log.syslog.structured_data")


def _consider(best: dict[str, tuple[int, str, Any]], place: str, value: Any) -> None:
    name, rank = _RANKS[place]
    known = best.get(name)
    if known is None or rank < known[0]:
        best[name] = (rank, place, value)


def _at(value: Any, way: list[str]) -> Any:
    for key in way:
        value = value.get(key) if value.__class__ is dict else None
    return value


def _remove(entry: dict[str, Any], place: str) -> None:
    """Take the value out of the entry; objects that thereby are empty go too."""
    if place in entry:
        del entry[place]
        return
    held: list[tuple[dict[str, Any], str]] = []
    at: Any = entry
    for key in place.split("."):
        held.append((at, key))
        at = at[key]
    for outer, key in reversed(held):
        if outer is not held[-1][0] and outer[key]:
            return
        del outer[key]
