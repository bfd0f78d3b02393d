"""Records of Oracle's audit trails: text of ``.aud`` files, XML, unified audit as text and as JSON → one set of raw fields.

Text states the length of every value; where a mask has changed a value the length is wrong, and its quote is looked for.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from service.errors import EventError
from service.parse.json_event import read_json

LONGEST = 8_000
"""Characters of a statement or message that are kept apart from the original."""
_MOST = 128
"""Values of one record."""
_RECORD = 60_000
"""Characters of a record of text that are looked at."""
_VALUE = r"([A-Z][A-Z0-9$_#]{0,24}(?: [A-Z0-9$_#]{1,24}){0,2}) {0,2}: ?(?:\[(\d{1,6})\] ?)?(['\"])"
_PAIR = re.compile(r"(?<![A-Z0-9$_#])" + _VALUE)
_NEXT = re.compile(r"\s*" + _VALUE)
_ELEMENT = re.compile(r"<([A-Za-z_]{1,40})>([^<]*)</")
_ADDRESS = re.compile(r"\(HOST=([^()]{1,255})\)(?:\(PORT=(\d{1,5})\))?")
_BY = re.compile(r"Authenticated by: ([A-Z ]{1,40})|\(TYPE=\(([A-Z ]{1,40})\)\)")
_CALLED = {
    "user": "DATABASE USER|USERID|DB_USER|DBUSER|DBUSERNAME", "os_user": "CLIENT USER|OS$USERID|OS_USER|OS_USERNAME",
    "terminal": "CLIENT TERMINAL|TERMINAL", "host": "USERHOST", "address": "CLIENT ADDRESS",
    "privilege": "PRIVILEGE|OS_PRIVILEGE", "status": "STATUS|RETURNCODE|RETCODE|RETURN_CODE", "dbid": "DBID",
    "session": "SESSIONID|SESSION_ID|SESID", "number": "ACTION NUMBER", "entry": "ENTRYID|ENTRY_ID",
    "statement_id": "STATEMENT|STATEMENTID|STMTID|STATEMENT_ID", "comment": "COMMENT$TEXT|COMMENT_TEXT|AUTHENTICATION_TYPE",
    "schema": "OBJ$CREATOR|OBJECT_SCHEMA|SCHEMA", "object": "OBJ$NAME|OBJECT_NAME|OBJNAME",
    "privilege_used": "PRIV$USED|PRIV_USED|SYSTEM_PRIVILEGE_USED", "session_actions": "SES$ACTIONS|SESSION_ACTIONS",
    "object_id": "SES$TID", "sql": "SQLTEXT|SQL_TEXT|SQL$TEXT", "bind": "SQLBIND|SQL_BIND|SQL_BINDS",
    "grantee": "AUTH$GRANTEE|AUTH_GRANTEE|TARGET_USER", "granted": "AUTH$PRIVILEGES|AUTH_PRIVILEGES|OBJECT_PRIVILEGES|ROLE",
    "new_owner": "NEW$OWNER|NEW_OWNER|NEW_SCHEMA", "new_name": "NEW$NAME|NEW_NAME", "process": "OS_PROCESS", "scn": "SCN",
    "transaction": "TRANSACTIONID|TRANSACTION_ID", "length": "LENGTH",
    "stamp": "EXTENDED_TIMESTAMP|EVENT_TIMESTAMP_UTC|EVENT_TIMESTAMP", "action_name": "ACTION_NAME",
    "program": "CLIENT_PROGRAM_NAME", "effective": "CURRENT_USER|CURUSER", "proxy": "DBPROXY_USERNAME",
    "policy": "UNIFIED_AUDIT_POLICIES|FGA_POLICY_NAME|POLICY_NAME", "instance": "INSTANCE_NUMBER|INSTANCE_ID",
    "type": "AUDIT_TYPE|TYPE", "client_id": "CLIENT_ID|CLIENTID|CLIENT_IDENTIFIER|CLIENT ID",
    "physical_reads": "LOGOFF$PREAD|LOGOFF_PREAD", "logical_reads": "LOGOFF$LREAD|LOGOFF_LREAD",
    "logical_writes": "LOGOFF$LWRITE|LOGOFF_LWRITE", "deadlocks": "LOGOFF$DEAD|LOGOFF_DEAD", "cpu": "SESSIONCPU|SESSION_CPU",
}  # fmt: skip
"""What we call it → what the trails call it."""
_NAMES = {theirs: ours for ours, every in _CALLED.items() for theirs in every.split("|")}
_SAID = {"CONNECT": "LOGON", "LOGON": "LOGON", "LOGOFF": "LOGOFF", "STARTUP": "DATABASE STARTUP", "SHUTDOWN": "DATABASE SHUTDOWN"}
"""What records of SYS say in place of a statement → name of the action."""
_NOBODY = frozenset({"", "(null)", "NULL"})


def text_record(text: str) -> dict[str, str]:
    """The values of a record of text; the first of a key counts."""
    found: dict[str, str] = {}
    text = text[:_RECORD].rstrip()
    pair = _PAIR.search(text)
    for _ in range(_MOST):
        if pair is None:
            break
        start = pair.end()
        end, following = _end(text, pair)
        found.setdefault(pair[1], text[start:end])
        pair = following
    return found


def _end(text: str, pair: re.Match[str]) -> tuple[int, re.Match[str] | None]:
    """Where a value ends, and the next one."""
    start, (_, length, quote), last = pair.end(), pair.groups(), len(text) - 1
    if length is not None:
        end = start + int(length)
        if text.startswith(quote, end) and ((following := _NEXT.match(text, end + 1)) is not None or end == last):
            return end, following
    end = start
    for _ in range(_MOST):
        end = text.find(quote, end)
        if end < 0:
            break
        if (following := _NEXT.match(text, end + 1)) is not None or end == last:
            return end, following
        end += 1
    return len(text), None


def xml_record(text: str) -> dict[str, str]:
    """The values of the first ``AuditRecord``; what precedes and follows it is left alone."""
    start = text.find("<AuditRecord")
    end = text.find("</AuditRecord>", start)
    found: dict[str, str] = {}
    for number, element in enumerate(_ELEMENT.finditer(text, max(start, 0), end if end >= 0 else len(text))):
        if number >= _MOST:
            break
        found.setdefault(element[1].upper(), unescape(element[2]) if "&" in element[2] else element[2])
    return found


def json_record(text: str) -> dict[str, Any] | None:
    """The columns of a row of ``UNIFIED_AUDIT_TRAIL``; None for other JSON."""
    try:
        entry, _ = read_json(text)
    except EventError:
        return None
    row = {key.upper(): value for key, value in entry.items()}
    return row if "DBUSERNAME" in row and ("ACTION_NAME" in row or "RETURN_CODE" in row) else None


def audit(values: dict[str, Any]) -> dict[str, Any]:
    """The record under our names: ``audit`` holds it, ``statement``, ``client`` and ``port`` stand beside it."""
    kept: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, str):
            value = value.strip()
            if value in _NOBODY:
                continue
        elif value is None:
            continue
        kept.setdefault(_NAMES.get(key) or _name_of(key, value), value)
    raw: dict[str, Any] = {}
    for name, key in (("user", "user"), ("stamp", "stamp"), ("statement", "sql")):
        if key in kept:
            raw[name] = _cut(kept.pop(key))
    _origin(kept, raw)
    if "statement" in raw:
        raw["message"] = raw["statement"]
        if (said := str(raw["statement"])[:10].upper()) in _SAID:
            kept.setdefault("action_name", _SAID[said])
    if kept.get("privilege") == "NONE":
        del kept["privilege"]
    status = str(kept.get("status", ""))
    if status.isdecimal() and 0 < int(status[:9]) < 100_000:
        raw["error"] = f"ORA-{int(status[:9]):05}"
    raw["audit"] = {name: _cut(value) for name, value in kept.items()}
    return raw


def _origin(kept: dict[str, Any], raw: dict[str, Any]) -> None:
    """Where the client is and how it signed in, which stands in the comment."""
    comment = kept.get("comment")
    if isinstance(comment, str):
        comment = comment[:LONGEST]
        if (where := _ADDRESS.search(comment)) is not None:
            raw["client"], port = where.groups()
            if port:
                raw["port"] = port
        if (by := _BY.search(comment)) is not None:
            raw["method"] = by[1] or by[2]
    if "address" in kept:
        raw["client"] = kept.pop("address")


def _name_of(key: str, value: Any) -> str:
    if key == "ACTION":  # the statement in records of SYS, else the number of the action
        return "number" if not isinstance(value, str) or value.isdecimal() else "sql"
    return key.lower().replace("$", "_").replace(" ", "_")[:60]


def _cut(value: Any) -> Any:
    return value[:LONGEST] + "…" if isinstance(value, str) and len(value) > LONGEST else value
