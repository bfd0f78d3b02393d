"""The four logs of MySQL and MariaDB, told apart by their lines: audit (CSV), general, slow queries, errors.

Every form since 5.5: times as ``240114 9:15:01``, ``20240114 09:15:01``, ISO 8601 or microseconds; objects of the audit log
in single quotes with backslashes; slow queries with the extras of MySQL, Percona and MariaDB. Every look is bounded.
"""

from __future__ import annotations

import re
from typing import Any

from service.errors import EventError

LONGEST = 8_000
"""Characters of a message or statement that are kept apart from the original."""
_ISO = r"\d{4}-\d\d-\d\d[T ] ?\d{1,2}:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?"
_STAMP = rf"{_ISO}|\d{{6}} {{1,2}}\d{{1,2}}:\d\d:\d\d"
_AUDIT = re.compile(
    r"(\d{16}|\d{8} \d\d:\d\d:\d\d),([^,\n]{0,255}),([^,\n]{0,255}),([^,\n]{0,255}),(\d{0,20}),(\d{0,20}),([A-Z_]{1,32}),"
    r"([^,]{0,255}),"
)
_OBJECT = re.compile(r"'(?P<text>.*)',(?P<code>-?\d{0,10})(?:,(?P<how>[^,\n]{0,64}+))?\s*", re.DOTALL)
_NAME = re.compile(r"(?P<text>[^,]{0,1024}),(?P<code>-?\d{0,10})(?:,(?P<how>[^,\n]{0,64}+))?\s*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}
_GENERAL = re.compile(rf"(?:({_STAMP})\s{{0,8}}|\t?)\t?\s{{0,20}}(\d{{1,20}}) ([A-Z][A-Za-z ]{{2,24}}?)(?:\t(.*)|\s*)", re.DOTALL)
_CONNECT = re.compile(r"(.{0,128}?)@(\S{0,255}) (?:as (\S{0,128}) )?on ?(\S{0,128})(?: using (.{1,64}+))?\s*", re.DOTALL)
_ERROR = re.compile(rf"({_STAMP})(?: {{1,2}}(\d{{1,20}}|0x[0-9a-f]{{1,16}}))? {{1,2}}(?:\[([A-Za-z]{{1,16}})\] )?(.*)", re.DOTALL)
_CODE = re.compile(r"\[(MY-\d{1,8})\] \[([^\]\n]{1,64})\] ")
_SLOW = ("# Time:", "# User@Host:", "# Thread_id:", "# Query_time:", "# Schema:")
_WHO = re.compile(
    r"# User@Host: (.{0,128}?)(?:\[(.{0,128}?)\])? @ {1,2}(\S{0,255}?) {0,2}\[([^\]\s]{0,64})\]"
    r"(?: {1,4}Id: {1,20}(\d{1,20}))?(.*)"
)
_PAIR = re.compile(r"(?<!\w)([A-Za-z]\w{0,40}+): {0,4}([^\s:]\S{0,64}+)?(?=\s|$)")
_SET = re.compile(r"SET timestamp=(\d{1,12}(?:\.\d{1,9})?)(?:,[^;\n]{0,200})?;\s*", re.IGNORECASE)
_USE = re.compile(r"use `?([^`;\n]{1,128})`?;\s*", re.IGNORECASE)
_FLAGS = {"Yes": True, "No": False}
_HEADERS = 64
"""Header lines of a slow query that are read."""


def mysql(text: str) -> dict[str, Any]:
    """What a line of one of the four logs says; ``log`` names which: audit, general, slowquery or error.

    A line with none of their heads is all message. Raises EventError ``empty`` for a line of blanks.
    """
    text = text.strip("\ufeff\r\n\0")
    if not text.strip("\0 \t\r\n"):
        raise EventError("parse", "empty", "there is nothing but blanks")
    if text.startswith(_SLOW):
        return _slow(text)
    head = _AUDIT.match(text)
    if head is not None:
        return _audit(head, text[head.end() :])
    general = _GENERAL.fullmatch(text)
    if general is not None:
        return _general(general)
    error = _ERROR.fullmatch(text)
    if error is not None:
        return _error(error)
    return {"message": cut(text)}


def cut(text: str) -> str:
    """The text, or its beginning."""
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _audit(head: re.Match[str], rest: str) -> dict[str, Any]:
    stamp, server, user, host, connection, query, operation, database = head.groups()
    raw: dict[str, Any] = {"log": "audit", "stamp": _iso(stamp), "thread": _whole(connection), "user": user, "host": host}
    raw["database"] = database
    audit: dict[str, Any] = {"server": server, "query": _whole(query), "operation": operation}
    quoted = rest[:1] == "'"
    tail = _OBJECT.fullmatch(rest) if quoted else _NAME.fullmatch(rest)
    said = rest[1:] if quoted else rest
    if tail is not None:
        said = tail["text"]
        audit |= {"code": _whole(tail["code"]), "how": tail["how"]}
    if quoted and "\\" in said[: 2 * LONGEST]:
        said = _ESCAPE.sub(lambda found: _PLAIN.get(found[1], found[1]), said[: 2 * LONGEST])
    if operation == "QUERY":
        raw["statement"] = cut(said)
    else:
        audit["object"] = cut(said)
    raw["audit"] = _there(audit)
    raw["message"] = cut(said) if operation == "QUERY" and said else None
    return _there(raw)


def _general(found: re.Match[str]) -> dict[str, Any]:
    stamp, thread, command, argument = found.groups()
    argument = (argument or "").strip()
    raw: dict[str, Any] = {"log": "general", "stamp": _iso(stamp), "thread": _whole(thread), "command": command}
    raw["message"] = cut(f"{command}: {argument}" if argument else command)
    if command in ("Query", "Prepare", "Execute", "Create DB", "Drop DB"):
        raw["statement"] = cut(argument)
    elif command in ("Connect", "Change user"):
        who = _CONNECT.fullmatch(argument)
        if who is not None:
            raw |= dict(zip(("user", "host", "effective", "database", "how"), who.groups(), strict=True))
        else:
            raw["said"] = cut(argument)
    elif command == "Init DB":
        raw["database"] = argument[:128]
    if argument and "statement" not in raw:
        raw["argument"] = cut(argument)
    return _there(raw)


def _error(found: re.Match[str]) -> dict[str, Any]:
    stamp, thread, level, message = found.groups()
    raw: dict[str, Any] = {"log": "error", "stamp": _iso(stamp), "thread": thread, "level": level, "message": cut(message)}
    code = _CODE.match(message)
    if code is not None:
        raw |= {"code": code[1], "subsystem": code[2], "said": cut(message[code.end() :])}
    else:
        raw["said"] = raw["message"]
        if message.startswith("InnoDB: "):
            raw["subsystem"] = "InnoDB"
    return _there(raw)


def _slow(text: str) -> dict[str, Any]:
    raw: dict[str, Any] = {"log": "slowquery"}
    slow: dict[str, Any] = {}
    explain: list[str] = []
    at = 0
    for _ in range(_HEADERS):
        end = text.find("\n", at)
        line = (text[at:] if end < 0 else text[at:end])[:4_000].rstrip()
        if not line.startswith("#") or line.startswith("# administrator command:"):
            break
        if line.startswith("# Time:"):
            raw["stamp"] = _iso(line[7:].strip())
        elif (who := _WHO.match(line)) is not None:
            raw |= {
                "user": who[1].strip() or who[2],
                "effective": who[2],
                "host": who[4] or who[3],
                "name": who[3] if who[4] else None,
            }
            raw["thread"] = who[5]
        elif line.startswith("# explain:"):
            explain.append(line[10:].strip())
        else:
            _headers(line, slow)
        at = len(text) if end < 0 else end + 1
    raw["thread"] = slow.pop("Thread_id", None) or raw.get("thread")
    raw["database"] = slow.pop("Schema", None)
    raw["seconds"] = slow.get("Query_time")
    raw |= {"start": slow.pop("Start", None), "end": slow.pop("End", None) or raw.get("stamp")}
    if explain:
        slow["explain"] = cut("\n".join(explain))
    raw["slow"] = slow
    _query(text[at:], raw)
    return _there(raw)


def _headers(line: str, slow: dict[str, Any]) -> None:
    for name, value in _PAIR.findall(line):
        if value:
            slow.setdefault(name, _FLAGS.get(value, value))


def _query(text: str, raw: dict[str, Any]) -> None:
    """The statement, behind the lines that say in which database and when it began."""
    text = text.strip()
    for _ in range(3):
        used, began = _USE.match(text), _SET.match(text)
        if used is not None:
            raw["database"] = used[1]
            text = text[used.end() :]
        elif began is not None:
            raw["began"] = began[1]
            text = text[began.end() :]
        else:
            break
    raw["statement"] = raw["message"] = cut(text)


def _iso(stamp: str | None) -> str | None:
    """Times without separators, and with blanks for zeros, as ISO 8601; all others as they are."""
    if stamp is None or stamp.isdecimal():
        return stamp
    date, _, clock = stamp.partition(" ")
    if clock and date.isdecimal():
        year, month, day = (date[:-4], date[-4:-2], date[-2:])
        return f"{year if len(year) == 4 else '20' + year}-{month}-{day} {clock.strip().rjust(8, '0')}"
    return f"{date} {clock.strip().rjust(8, '0')}" if clock[:1] == " " or clock[1:2] == ":" else stamp


def _whole(digits: str) -> int | str:
    """The number, where it is a sensible one."""
    return int(digits) if digits.isdecimal() and len(digits) < 19 else digits


def _there(raw: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in raw.items() if value is not None and value != "" and value != {}}
