"""PostgreSQL's log in its three formats (stderr with a prefix, csvlog, jsonlog) → one set of raw fields.

Prefixes: RDS's two (``%t:%r:%u@%d:[%p]:`` and the long one with ``%l:%e:%s:%v:%x:%c:%q%a``), and what others write in front
of ``LOG:`` as far as it can be told apart: process, ``user@database``, ``key=value`` pairs. Every look is bounded.
"""

from __future__ import annotations

import csv
import re
from typing import Any

from service.errors import EventError
from service.parse.columns import split_carefully
from service.parse.json_event import read_json

LONGEST = 8_000
"""Characters of a message or statement that are kept apart from the original."""
_STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?"
_ZONE = r"[A-Za-z]{1,6}|[+-]\d\d(?::?\d\d)?"
_LEVEL = r"DEBUG[1-5]?|INFO|NOTICE|WARNING|ERROR|LOG|FATAL|PANIC|DETAIL|HINT|QUERY|CONTEXT|STATEMENT|LOCATION|BACKTRACE"
_RDS = re.compile(
    rf"({_STAMP} (?:{_ZONE})):"
    r"(?:\[local\]|([^\s()\[\]]{1,255})\((\d{1,5})\)|([^\s():\[\]]{0,255})):"
    r"(.{0,128}?)@([^@:]{0,128}):\[(\d{1,10})\]:"
    rf"(?:(\d{{1,18}}):([0-9A-Z]{{5}}):({_STAMP} (?:{_ZONE})):([^:\s]{{0,40}}):(\d{{0,20}}):"
    r"([0-9a-f]{1,16}\.[0-9a-f]{1,16}):(.{0,128}?):?)?"
    rf" ?({_LEVEL}): {{0,2}}"
)
_ANY = re.compile(rf"({_STAMP})(?: ({_ZONE}))?(?=[\s:,\[])|(\d{{10}}\.\d{{3}})(?=\s)")
_SEVERITY = re.compile(rf"(?:^|[^A-Za-z_])({_LEVEL}):(?: {{1,2}}|$)")
_CSV = re.compile(rf"{_STAMP} (?:{_ZONE}),")
_PROCESS = re.compile(r"\[(\d{1,10})(?:-(\d{1,10}))?\]")
_WHO = re.compile(r"(?:^|[\s:,])\[?([^\s@\[\]=,:]{1,128})\]?@\[?([^\s@\[\]=,:]{1,128})\]?(?=[\s:,]|$)")
_PAIR = re.compile(r"\b(user|db|app|client|host|database)=([^,\s]{0,128})")
_CLIENT = re.compile(r"(?:^|\s)((?:[0-9A-Fa-f]|::)[0-9A-Fa-f.:]{1,44}|[\w.-]{1,255})\((\d{1,5})\)")
_STATE = re.compile(r"(?:^|\s)([0-9A-Z]{5})(?=\s|$)")
_VERBOSE = re.compile(r"([0-9A-Z]{5}): {1,2}")
"""The state that ``log_error_verbosity = verbose`` writes before the message; a digit in it tells it from a word."""
_HEAD = 2_000
"""Characters in which the level must stand."""
_ZONES = {
    "CET": "+01:00", "CEST": "+02:00", "MET": "+01:00", "MEST": "+02:00", "EET": "+02:00", "EEST": "+03:00", "WET": "+00:00",
    "WEST": "+01:00", "BST": "+01:00", "MSK": "+03:00", "JST": "+09:00", "KST": "+09:00", "SGT": "+08:00", "HKT": "+08:00",
    "AWST": "+08:00", "AEST": "+10:00", "AEDT": "+11:00", "NZST": "+12:00", "NZDT": "+13:00", "EST": "-05:00", "EDT": "-04:00",
    "CDT": "-05:00", "MST": "-07:00", "MDT": "-06:00", "PST": "-08:00", "PDT": "-07:00", "BRT": "-03:00",
}  # fmt: skip
"""What PostgreSQL itself takes these abbreviations for; ambiguous ones are left out."""
_COLUMNS = (
    "stamp", "user", "database", "pid", "client", "session", "line", "command_tag", "start", "vxid", "txid", "level", "code",
    "message", "detail", "hint", "internal_query", "internal_position", "context", "query", "position", "location", "application",
    "backend", "leader", "query_id",
)  # fmt: skip
_KEYS = {
    "timestamp": "stamp", "user": "user", "dbname": "database", "pid": "pid", "remote_host": "host", "remote_port": "port",
    "session_id": "session", "line_num": "line", "ps": "command_tag", "session_start": "start", "vxid": "vxid", "txid": "txid",
    "error_severity": "level", "state_code": "code", "message": "message", "detail": "detail", "hint": "hint",
    "internal_query": "internal_query", "internal_position": "internal_position", "context": "context", "statement": "query",
    "cursor_position": "position", "application_name": "application", "backend_type": "backend", "leader_pid": "leader",
    "query_id": "query_id", "func_name": "function", "file_name": "file", "file_line_num": "file_line",
}  # fmt: skip
_TEXTS = frozenset({"message", "detail", "context", "query", "internal_query"})
_NAMES = frozenset({"user", "database", "host", "application"})
_LONG = ("line", "code", "start", "vxid", "txid", "session", "application")
_ALWAYS = frozenset(
    {"stamp", "zone", "host", "port", "local", "user", "database", "pid", "level", "message", "query", "audit", "more"}
)
"""What stands at the top; everything else is seldom there, and under ``more``."""
_AUDIT = (
    "type", "statement_id", "substatement_id", "class", "command", "object_type", "object_name", "statement", "parameter", "rows",
)  # fmt: skip
_UNSAID = frozenset({"", "<none>", "<not logged>"})
_NOBODY = ("", "[unknown]")
_LOCATION = re.compile(r"(?:(\w{1,128}), )?([\w./-]{1,255}):(\d{1,9})")


def postgresql(text: str) -> dict[str, Any]:
    """What a line of any of PostgreSQL's log formats says, by one set of names; text without a known head is all message.

    ``local`` says that the client came over a socket; what only some formats say stands under ``more``. Raises EventError
    ``empty`` for a line of blanks.
    """
    text = text.strip("\ufeff\r\n\0 ")
    if not text:
        raise EventError("parse", "empty", "there is nothing but blanks")
    if text[0] == "{" and (found := _json(text)) is not None:
        return _finished(found)
    rds = _RDS.match(text)
    if rds is not None:
        return _of_rds(rds, text)
    if _CSV.match(text) and (found := _csv(text)) is not None:
        return _finished(found)
    return _finished(_of_any(text))


def _of_rds(found: re.Match[str], text: str) -> dict[str, Any]:
    (stamp, address, port, host, user, database, pid, line, code, start, vxid, txid, session, application, level) = found.groups()
    message = text[found.end() :]
    raw: dict[str, Any] = {"pid": pid, "level": level}
    raw["stamp"], zone = _zoned(stamp)
    if zone:
        raw["zone"] = zone
    state, message = _stated(message)
    if message:
        raw["message"] = message if len(message) <= LONGEST else message[:LONGEST] + "…"
        if (audit := _audit(message)) is not None:
            raw["audit"] = audit
    if address is not None:
        raw["host"], raw["port"] = address, port
    elif host:
        raw["host"] = host
    elif text.startswith(":[local]:", found.end(1)):
        raw["local"] = "local"
    if user not in _NOBODY:
        raw["user"] = user
    if database not in _NOBODY:
        raw["database"] = database
    if line is None:
        if state is not None:
            raw["more"] = {"code": state}
    else:
        more = (line, code, _zoned(start)[0], vxid, txid, session, application)
        raw["more"] = {name: value for name, value in zip(_LONG, more, strict=True) if value not in _NOBODY}
    return raw


def _of_any(text: str) -> dict[str, Any]:
    stamp = _ANY.match(text)
    if stamp is None:
        level = _SEVERITY.match(text, 0, 40)
        return {"message": text} if level is None else {"level": level[1], "message": text[level.end() :]}
    raw: dict[str, Any] = {"stamp": stamp[3] or (f"{stamp[1]} {stamp[2]}" if stamp[2] else stamp[1])}
    level = _SEVERITY.search(text, stamp.end(), _HEAD)
    if level is None:
        return {**raw, "message": text[stamp.end() :].lstrip(" :,")}
    state, message = _stated(text[level.end() :])
    raw |= {"level": level[1], "message": message, "audit": _audit(message), "code": state}
    head = text[stamp.end() : level.start(1)]
    pairs = dict(_PAIR.findall(head))
    raw |= {
        "user": pairs.get("user"),
        "database": pairs.get("db") or pairs.get("database"),
        "application": pairs.get("app"),
        "host": pairs.get("client") or pairs.get("host"),
    }
    for place in _PROCESS.finditer(head):
        raw.setdefault("pid" if "pid" not in raw else "line", place[1])
        if place[2]:
            raw["line"] = place[2]
    for pattern, names in ((_WHO, ("user", "database")), (_CLIENT, ("host", "port")), (_STATE, ("code",))):
        if raw.get(names[0]) is None and (found := pattern.search(head)) is not None:
            raw |= dict(zip(names, found.groups(), strict=True))
    return raw


def _stated(message: str) -> tuple[str | None, str]:
    """The state before the message, if there is one, and the message."""
    found = _VERBOSE.match(message) if message[5:6] == ":" else None
    return (found[1], message[found.end() :]) if found is not None and not found[1].isalpha() else (None, message)


def _row(text: str) -> list[str] | None:
    """The values of one record of CSV; None where a quote does not end."""
    try:
        return next(csv.reader((text,), strict=True))
    except csv.Error:
        pass
    try:
        return split_carefully(text, ",", quoted=True)
    except EventError:
        return None


def _csv(text: str) -> dict[str, Any] | None:
    row = _row(text)
    if row is None or len(row) < 14:
        return None
    raw: dict[str, Any] = dict(zip(_COLUMNS, row, strict=False))
    raw["audit"] = _audit(raw["message"])
    if len(row) > len(_COLUMNS):
        raw["extra"] = row[len(_COLUMNS) :]
    client = raw.pop("client")
    if client == "[local]":
        raw["local"] = "local"
    elif client:
        host, _, port = client.rpartition(":")
        raw |= {"host": host, "port": port} if port.isdecimal() and host else {"host": client}
    if (place := _LOCATION.fullmatch(raw.get("location", ""))) is not None:
        raw |= dict(zip(("function", "file", "file_line"), place.groups(), strict=True))
        del raw["location"]
    return raw


def _json(text: str) -> dict[str, Any] | None:
    try:
        entry, _ = read_json(text)
    except EventError:
        return None
    if "error_severity" not in entry:
        return None
    raw = {_KEYS.get(key, f"{key}_" if key in _COLUMNS else key): value for key, value in entry.items()}
    if isinstance(message := raw.get("message"), str):
        raw["audit"] = _audit(message)
    if raw.get("host") == "[local]":
        raw["local"] = raw.pop("host") and "local"
    return raw


def _audit(message: str) -> dict[str, str] | None:
    """The values of a line of pgAudit, None for other lines; a statement that the log cut off reaches to its end."""
    if not message.startswith("AUDIT: "):
        return None
    rest = message.removeprefix("AUDIT: ")
    row = _row(rest) or _row(rest + '"') or rest.split(",", len(_AUDIT) - 1)
    if len(row) < 8 or row[0] not in ("SESSION", "OBJECT"):
        return None
    kept = {name: value for name, value in zip(_AUDIT, row, strict=False) if value not in _UNSAID}
    if len(kept.get("statement", "")) > LONGEST:
        kept["statement"] = kept["statement"][:LONGEST] + "…"
    return kept


def _finished(raw: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty or nobody, long texts cut, the zone as an offset, the seldom apart."""
    kept: dict[str, Any] = {}
    more: dict[str, Any] = {}
    for key, value in raw.items():
        if value is None or value == "" or (key in _NAMES and value in _NOBODY):
            continue
        if key in _TEXTS and value.__class__ is str and len(value) > LONGEST:
            value = value[:LONGEST] + "…"
        if key in _ALWAYS:
            kept[key] = value
        else:
            more[key] = value
    if more:
        if (start := more.get("start")).__class__ is str:
            more["start"], _ = _zoned(start)
        kept["more"] = more
    if (stamp := kept.get("stamp")).__class__ is str:
        kept["stamp"], zone = _zoned(stamp)
        if zone:
            kept["zone"] = zone
    return kept


def _zoned(stamp: str) -> tuple[str, str]:
    """The time with an offset for the zone, where its abbreviation is known, and the abbreviation."""
    if stamp[-4:] == " UTC":
        return stamp, "UTC"
    if not stamp[-1:].isalpha():
        return stamp, ""
    when, _, zone = stamp.rpartition(" ")
    return when + _ZONES[zone] if zone in _ZONES else stamp, zone
