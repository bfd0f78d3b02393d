"""What RDS for Oracle publishes: records of the audit trails, the alert log, the listener's log, traces."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from service.errors import EventError
from service.parse.steps.oracle_audit import LONGEST, audit, json_record, text_record, xml_record

_MONTHS = ("", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CTIME = re.compile(
    r"^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?P<month>[A-Z][a-z]{2}) {1,2}(?P<day>\d{1,2}) (?P<clock>\d\d:\d\d:\d\d) (?P<year>\d{4})"
    r"(?: (?P<zone>[+-]\d\d:\d\d))?[ \r]*$",
    re.MULTILINE,
)
_ISO = re.compile(
    r"(\*\*\* ?)?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})? ?(?:Z|[+-]\d\d:\d\d)?)(?: ?\([^\n]{0,80}\))?\s*(?:\n|\Z)"
)
_RECORD = re.compile(r"(?:LENGTH ?: ?['\"]|SESSIONID:\[\d|DATABASE USER:\[\d|USERID:\[\d|DBUSER: ?(?:\[\d{1,6}\] ?)?['\"])")
_LISTENER = re.compile(r"(\d\d)-([A-Z]{3})-(\d{4}) (\d\d:\d\d:\d\d)(?:\.\d{1,9})? \* ?(.*)", re.DOTALL)
_MESSAGE = re.compile(r"<msg ([^>]{0,2000})>\s*<txt>([^<]*)</txt>", re.DOTALL)
_ATTRIBUTE = re.compile(r"([a-z_]{1,30})='([^']{0,500})'")
_ERROR = re.compile(r"\b((?:ORA|TNS|NL|NNL|RMAN|OPW)-\d{2,6})(?::|\b)")
_DATA = {
    "program": re.compile(r"\(PROGRAM=([^()]{1,500})"),
    "host": re.compile(r"\(CID=.{0,600}?\(HOST=([^()]{1,255})\)"),
    "os_user": re.compile(r"\(CID=.{0,900}?\(USER=([^()]{1,128})\)"),
    "service": re.compile(r"\((?:SERVICE_NAME|SID)=([^()]{1,128})\)"),
    "command": re.compile(r"\(COMMAND=([^()]{1,64})\)"),
    "version": re.compile(r"\(VERSION=([^()]{1,64})\)"),
}
_ADDRESS = re.compile(r"\(ADDRESS=\(PROTOCOL=([A-Za-z]{1,10})\)(?:\(HOST=([^()]{1,255})\))?(?:\(PORT=(\d{1,5})\))?")
_HEAD = 4_000
"""Characters in which a record's time must stand, behind the header of its file."""
_PARTS = 8
_CODES = 100_000


def oracle(text: str) -> dict[str, Any]:
    """What a record or line says; ``log`` names which: audit, listener, or alert for everything else.

    Raises EventError ``empty`` for a line of blanks.
    """
    text = text.strip("\ufeff\r\n\0 \t")
    if not text:
        raise EventError("parse", "empty", "there is nothing but blanks")
    if text[0] == "{" and (row := json_record(text)) is not None:
        return {"log": "audit", **audit(row)}
    if "<AuditRecord" in text[:_HEAD]:
        return {"log": "audit", **audit(xml_record(text))}
    if text[0] == "<" and (message := _MESSAGE.match(text)) is not None:
        return _of_xml(message)
    stamp, rest = _stamp(text)
    if _RECORD.search(rest, 0, _HEAD):
        return _record(stamp, rest)
    listener = _LISTENER.match(rest)
    if listener is not None:
        return _listener(listener, stamp)
    return _alert(rest, stamp)


def _stamp(text: str) -> tuple[str | None, str]:
    """The time in front, as ISO 8601, and what follows; the header of an audit file stands in front of it."""
    iso = _ISO.match(text)
    if iso is not None:
        return iso[2].strip(), text[iso.end() :]
    ctime = _CTIME.search(text, 0, _HEAD)
    if ctime is not None and (not ctime.start() or text.startswith("Audit file ")):
        when = f"{ctime['year']}-{_month(ctime['month'])}-{int(ctime['day']):02}T{ctime['clock']}{ctime['zone'] or ''}"
        return when, text[ctime.end() :].lstrip("\r\n")
    return None, text


def _record(stamp: str | None, text: str) -> dict[str, Any]:
    following = _CTIME.search(text)
    own = text[: following.start()] if following is not None and following.start() else text
    raw = {"log": "audit", **audit(text_record(own))}
    if stamp is not None:
        raw["stamp"] = stamp
    if len(own) < len(text):
        raw["following"] = text[len(own) : len(own) + LONGEST]
    return raw


def _of_xml(message: re.Match[str]) -> dict[str, Any]:
    attributes = dict(_ATTRIBUTE.findall(message[1]))
    text = unescape(message[2]).strip()
    listener = _LISTENER.match(text)
    raw = _listener(listener, attributes.get("time")) if listener is not None else _alert(text, attributes.get("time"))
    for name in ("type", "group", "pid", "host_id", "host_addr", "level", "module"):
        if attributes.get(name):
            raw[f"msg_{name}"] = attributes[name]
    return raw


def _listener(found: re.Match[str], precise: str | None) -> dict[str, Any]:
    day, month, year, clock, rest = found.groups()
    raw: dict[str, Any] = {"log": "listener", "message": _cut(rest.strip())}
    raw["stamp"] = precise or f"{year}-{_month(month)}-{day}T{clock}"
    parts = rest.split("\n", 1)[0].split(" * ", _PARTS)
    code = parts[-1].strip()
    if code.isdecimal() and len(parts) > 1:
        raw["status"] = code[:10]
        if 0 < int(code[:10]) < _CODES:
            raw["error"] = f"TNS-{int(code):05}"
        parts = parts[:-1]
    connect = parts[0] if parts[0].startswith("(CONNECT_DATA") else ""
    for name, pattern in _DATA.items():
        if connect and (hit := pattern.search(connect[:_HEAD])) is not None:
            raw[name] = hit[1]
    if raw.get("host") == "__jdbc__":  # what the thin driver says instead of a name
        del raw["host"]
    for part in parts:
        if (address := _ADDRESS.match(part.strip())) is not None:
            raw["protocol"], raw["client"], raw["port"] = address[1].lower(), address[2], address[3]
    words = [part.strip() for part in parts if part.strip() and not part.strip().startswith("(")]
    if words:
        raw["event"] = words[0][:64]
    if len(words) > 1 and "service" not in raw:
        raw["service"] = words[1][:128]
    if (error := _ERROR.search(rest[:_HEAD])) is not None:
        raw["error"] = error[1]
    return {name: value for name, value in raw.items() if value}


def _alert(text: str, stamp: str | None) -> dict[str, Any]:
    raw: dict[str, Any] = {"log": "alert", "message": _cut(text.strip()), "stamp": stamp}
    raw["said"] = raw["message"]
    if (error := _ERROR.search(text[:LONGEST])) is not None:
        raw["error"] = error[1]
    return {name: value for name, value in raw.items() if value}


def _month(name: str) -> str:
    return f"{_MONTHS.index(name.lower()):02}" if name.lower() in _MONTHS else "00"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"
