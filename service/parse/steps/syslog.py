"""Syslog of every dialect → header fields and the message: RFC 3164 with and without priority, RFC 5424, files, journals.

What is not there is left out; a line without any header is all message. Every branch looks at a character a bounded
number of times.
"""

from __future__ import annotations

import re
from typing import Any

from service.errors import EventError
from service.normalise.tables.syslog import SYSLOG_FACILITIES, SYSLOG_SEVERITIES
from service.parse.steps.audit_pairs import pairs_of
from service.parse.steps.journal import entry_of

_PRIORITY = re.compile(r"<(\d{1,3})>")
_STAMP = re.compile(
    r"([A-Z][a-z]{2} {1,2}\d{1,2} (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d{1,9})?"
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)(?= |$)"
)
_TAG = re.compile(r"([^\s:\[\]]{1,128})(?:\[([^\]\s]{0,32})\])?: ?")
_HEADER_5424 = re.compile(
    r"(\d{1,2}) (-|\S{1,64}) {1,4}(\S{1,255}) {1,4}(\S{1,128}) {1,4}(\S{1,128}) {1,4}(\S{1,128}) {1,4}(?=\S)"
)
_PARAMETER = re.compile(r'\s*([^\s=\]":;]{1,64})(?:=|::?)"((?:[^"\\\]]++|\\.)*+)";?')
_ESCAPED = re.compile(r'\\(["\\\]])')
_AUDIT = re.compile(
    r"(?:node=(\S{1,255}) )?type=([A-Z][A-Z0-9_]{0,63}|UNKNOWN\[\d{1,5}\]) msg=audit\((\d{1,11}\.\d{1,9}):(\d{1,12})\): ?"
)
_MOST = 128
"""Elements and parameters of structured data that are kept."""


def syslog(text: str) -> dict[str, Any]:
    """The header fields and the message of a line.

    Keys: ``priority``, ``facility``, ``severity``, ``version``, ``timestamp``, ``host``, ``program``, ``pid``, ``msgid``,
    ``structured_data``, ``message``, and ``audit`` for auditd's records. Raises EventError ``empty`` for a line of blanks.
    """
    rest = text.strip("\ufeff\r\n\0 ")
    if not rest:
        raise EventError("parse", "empty", "there is nothing but blanks")
    if rest[0] == "{" and (entry := entry_of(rest)) is not None:
        return _journal(entry)
    return _line(rest)


def _line(rest: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    priority = _PRIORITY.match(rest)
    if priority is not None:
        code = int(priority[1])
        if code < 192:
            found |= {"priority": code, "facility": _named(code >> 3, "facility"), "severity": _named(code & 7, "severity")}
        rest = rest[priority.end() :]
        header = _HEADER_5424.match(rest)
        if header is not None and (header[2] == "-" or header[2][:4].isdecimal()):
            return _modern(rest, header, found)
    stamp = _STAMP.match(rest)
    if stamp is not None:
        found["timestamp"] = stamp[1]
        rest = _host(rest[stamp.end() :], found)
    return _tagged(rest, found)


def _named(code: object, kind: str) -> dict[str, Any]:
    names = SYSLOG_FACILITIES if kind == "facility" else SYSLOG_SEVERITIES
    name = names.get(str(code))
    return {"code": code} if name is None else {"code": code, "name": name}


def _journal(entry: dict[str, Any]) -> dict[str, Any]:
    """A journal entry; where its message is a whole line of syslog, what the line says of itself comes first."""
    for kind in ("facility", "severity"):
        if kind in entry:
            entry[kind] = _named(entry[kind], kind)
    message = entry.pop("message").strip("\r\n\0 ")
    inner = _line(message) if _STAMP.match(_PRIORITY.sub("", message, count=1)) or _AUDIT.match(message) else None
    return _with_message(message, entry) if inner is None else {**entry, **inner}


def _modern(text: str, header: re.Match[str], found: dict[str, Any]) -> dict[str, Any]:
    found["version"] = header[1]
    names = ("timestamp", "host", "program", "pid", "msgid")
    found |= {name: value for name, value in zip(names, header.groups()[1:], strict=True) if value != "-"}
    at = header.end()
    if text[at] == "-":
        at += 1
    else:
        data, at = _structured(text, at)
        if data:
            found["structured_data"] = data
    return _with_message(text[at:].removeprefix(" ").removeprefix("\ufeff"), found)


def _structured(text: str, at: int) -> tuple[dict[str, Any], int]:
    """The elements ``[id name="value" …]`` from ``at`` on, and where they end."""
    data: dict[str, Any] = {}
    while text[at : at + 1] == "[" and len(data) < _MOST:
        start = at
        at += 1
        name, _, _ = text[at : at + 128].partition("]")[0].partition(" ")
        if "=" in name or ":" in name:
            name = "data"  # no id: some products write the parameters at once
        else:
            at += len(name)
        parameters: dict[str, str] = {}
        for _ in range(_MOST):
            pair = _PARAMETER.match(text, at)
            if pair is None:
                break
            parameters[pair[1]] = _ESCAPED.sub(r"\1", pair[2])
            at = pair.end()
        while text[at : at + 1] == " ":
            at += 1
        if text[at : at + 1] != "]":
            return data, start  # not structured data after all: leave it to the message
        at += 1
        if name in data:
            break
        data[name] = parameters
    return data, at


def _host(rest: str, found: dict[str, Any]) -> str:
    """What follows the host; ``rest`` begins with the blank after the time. rsyslog writes two for a host that it lost."""
    if rest[:2] == "  ":
        return rest.lstrip()
    host, _, after = rest[1:].partition(" ")
    if host.endswith(":"):
        return rest[1:]
    if host and len(host) < 256:
        found["host"] = host
        return after.lstrip()
    return rest.lstrip()


def _tagged(rest: str, found: dict[str, Any]) -> dict[str, Any]:
    tag = _TAG.match(rest) if "timestamp" in found or "priority" in found else None
    if tag is not None:
        found["program"] = tag[1]
        if tag[2]:
            found["pid"] = tag[2]
        rest = rest[tag.end() :]
    return _with_message(rest, found)


def _with_message(message: str, found: dict[str, Any]) -> dict[str, Any]:
    message = message.lstrip()
    if message:
        found["message"] = message
        record = _AUDIT.match(message)
        if record is not None:
            found["audit"] = _audit(message, record, found)
    return found


def _audit(message: str, record: re.Match[str], found: dict[str, Any]) -> dict[str, Any]:
    audit: dict[str, Any] = {"type": record[2], "time": record[3], "sequence": record[4]}
    if record[1]:
        found.setdefault("host", record[1])
    for key, value in pairs_of(record[2], message[record.end() :]).items():
        if value != "(none)":
            audit.setdefault(key.lower(), value)
    return audit
