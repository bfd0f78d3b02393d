"""auditd's records, one or all of one event: ``type=SYSCALL msg=audit(1364481363.243:24287): arch=c000003e syscall=2 …``.

As auditd writes them (raw and enriched), as the kernel, syslog and the journal pass them on, and as laurel and go-audit put
them into JSON. What ECS has fields for stands at the top of what comes out, under auditd's own names; the rest under ``log``.
"""

from __future__ import annotations

import re
from typing import Any

from service.errors import EventError
from service.normalise.fitting import names
from service.normalise.tables.auditd import AUDIT_ARCHITECTURES, AUDIT_SYSCALLS, AUDIT_TYPES
from service.parse.json_event import read_json
from service.parse.steps.audit_event import merged
from service.parse.steps.audit_pairs import pairs_of
from service.parse.steps.syslog import syslog

_RECORD = re.compile(r"(?:node=(\S{1,255}) )?type=(\S{1,64}) msg=(?:audit\((\d{1,11}(?:\.\d{1,9})?):(\d{1,12})\): ?)?")
_KERNEL = re.compile(r"(?:audit: )?type=(\d{3,5}) audit\((\d{1,11}\.\d{1,9}):(\d{1,12})\): ?")
_BEGIN = re.compile(r"(?:node=\S{1,255} )?type=\S{1,64} msg=|audit: type=\d{3,5} audit\(")
_SYSLOG_HEAD = 512
"""Characters of a syslog header in front of a record."""
_STAMP = re.compile(r"(\d{1,11}\.\d{1,9}):(\d{1,12})")
_MOST = 256
"""Records of one event that are read."""

Record = tuple[str, dict[str, Any]]
"""Type and pairs."""


def auditd(text: str) -> dict[str, Any]:
    """The event. Raises EventError ``not_auditd`` for what holds no record, and ``empty`` for a line of blanks."""
    text = text.strip("\ufeff\r\n\0 ")
    if not text:
        raise EventError("parse", "empty", "there is nothing but blanks")
    if text[0] == "{":
        return _of_json(text)
    begin = _BEGIN.search(text, 0, _SYSLOG_HEAD)
    if begin is None:
        raise EventError("parse", "not_auditd", "the text holds no record of auditd")
    event: dict[str, Any] = {}
    if begin.start():
        head_of = syslog(text[: begin.start()] + "-")
        event = {"node": head_of["host"]} if "host" in head_of else {}
        text = text[begin.start() :]
    records: list[Record] = []
    for line in text.split("\n")[:_MOST]:
        head = _RECORD.match(line)
        if head is not None:
            node, kind, stamp, sequence = head.groups()
        else:
            kernel = _KERNEL.match(line)
            if kernel is None:
                continue
            head, node = kernel, None
            number, stamp, sequence = kernel.groups()
            kind = AUDIT_TYPES.get(number, f"UNKNOWN[{number}]")
        if stamp is None:
            event["message"] = line[head.end() :]
            records.append((kind, {}))
            continue
        event |= {"time": stamp, "sequence": int(sequence)}
        if node:
            event["node"] = node
        records.append((kind, pairs_of(kind, line[head.end() :])))
    if not records:
        raise EventError("parse", "not_auditd", "what looks like a record of auditd is none")
    return _event(event, records)


def _event(event: dict[str, Any], records: list[Record]) -> dict[str, Any]:
    kind, pairs = records[0] if len(records) == 1 else merged(records)
    return _named(kind, pairs, event)


_NUMBERS = frozenset({"lport", "rport", "entries", "dst_prefixlen", "src_prefixlen", "ksize", "size"})
_FLAGS = frozenset({"success", "key_enforce"})
_WORDS = {"yes": True, "1": True, "true": True, "no": False, "0": False, "false": False}
_ACCOUNTS = frozenset(
    names(
        "ADD_GROUP ADD_USER CRED_ACQ CRED_DISP CRED_REFR DEL_GROUP DEL_USER GRP_AUTH GRP_CHAUTHTOK GRP_MGMT LOGIN USER_ACCT "
        "USER_AUTH USER_CHAUTHTOK USER_END USER_ERR USER_LOGIN USER_LOGOUT USER_MGMT USER_START ACCT_LOCK ACCT_UNLOCK "
        "ROLE_ASSIGN ROLE_REMOVE"
    )
)
"""Records about an account: who did it is the audit user, ``uid`` only what the program ran as."""
_TOP = frozenset(
    names(
        "pid ppid uid gid auid agid euid egid suid sgid fsuid fsgid ouid ogid acct exe comm cmd argc argv exit cwd terminal res "
        "arch addr src dst words"
    )
)
_PEOPLE = frozenset(names("AUID UID GID EUID EGID SUID SGID FSUID FSGID OUID OGID"))
_FILE_TYPES = {0o04: "dir", 0o10: "file", 0o12: "symlink"}
_LONGEST = 32_000
"""Characters of a command line."""


def _named(kind: str, pairs: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """The facts at the top, the rest below ``log``."""
    found: dict[str, Any] = {**event, "type": kind}
    log: dict[str, Any] = {"record_type": kind}
    for key in ("sequence", "node"):
        if key in event:
            log[key] = event[key]
    for key, value in pairs.items():
        if key in _TOP:
            found[key] = value
        else:
            log[key] = value
    for key in _NUMBERS.intersection(log):
        if str(log[key]).isdecimal() and len(log[key]) < 19:
            log[key] = int(log[key])
    people = {key: log[key] for key in _PEOPLE.intersection(log) if log[key] != "unset" and "unknown(" not in log[key]}
    if people:
        found["people"] = people
    if kind in _ACCOUNTS and "uid" in found:
        log["uid"] = found.pop("uid")
    for key in _FLAGS.intersection(log):
        log[key] = _WORDS.get(str(log[key]).lower(), log[key])
    _add_call(found, log)
    _add_command(kind, found, log)
    mode = log.get("mode")
    mode = mode.removeprefix("0o") if isinstance(mode, str) else ""
    if 0 < len(mode) < 12 and mode.isascii() and mode.isdecimal() and not set("89").intersection(mode):
        bits = int(mode, 8)
        found["permissions"] = f"{bits & 0o7777:04o}"
        found["file_type"] = _FILE_TYPES.get(bits >> 12)
    found["log"] = log
    return found


def _add_call(found: dict[str, Any], log: dict[str, Any]) -> None:
    arch, number = found.get("arch"), log.get("syscall")
    if isinstance(arch, str):
        found["arch"] = arch = AUDIT_ARCHITECTURES.get(arch.removeprefix("0x"), arch)
    if isinstance(number, str) and "SYSCALL" not in log:
        name = AUDIT_SYSCALLS.get(str(arch), {}).get(number) if number.isdecimal() else number
        if name is not None:
            log["SYSCALL"] = name


def _add_command(kind: str, found: dict[str, Any], log: dict[str, Any]) -> None:
    argv, command = found.pop("argv", None), found.pop("cmd", None)
    if argv is None and isinstance(command, str):
        argv = command.split(None, _MOST)
        found["argc"] = len(argv)
    if argv:
        found["args"] = argv
        found["command_line"] = (command or " ".join(argv))[:_LONGEST]
        if kind == "EXECVE" and argv[0][:5] != "[... ":
            found.setdefault("exe", argv[0])
    elif "proctitle" in log:
        found["command_line"] = log["proctitle"]


def _of_json(text: str) -> dict[str, Any]:
    """What laurel, go-audit or the journal made of an event."""
    entry, _ = read_json(text)
    if isinstance(entry.get("ID"), str) and (stamp := _STAMP.fullmatch(entry["ID"])) is not None:
        return _laurel(entry, stamp)
    messages = entry.get("messages")
    if isinstance(messages, list):
        return _go_audit(entry, messages)
    kind = entry.get("_AUDIT_TYPE_NAME") or AUDIT_TYPES.get(str(entry.get("_AUDIT_TYPE")))
    message = entry.get("MESSAGE") or entry.get("message") or entry.get("log")
    if not isinstance(message, str):
        raise EventError("parse", "not_auditd", "the JSON holds no record of auditd")
    if not isinstance(kind, str):
        return auditd(message) if not message.lstrip().startswith("{") else _refuse()
    event: dict[str, Any] = {"time": entry.get("_SOURCE_REALTIME_TIMESTAMP") or entry.get("__REALTIME_TIMESTAMP")}
    event |= {"node": entry.get("_HOSTNAME"), "sequence": _whole(entry.get("_AUDIT_ID"))}
    rest = message.removeprefix(kind).removeprefix(" ")
    return _named(kind, pairs_of(kind, rest), {key: value for key, value in event.items() if value is not None})


def _refuse() -> dict[str, Any]:
    raise EventError("parse", "not_auditd", "the JSON holds no record of auditd")


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 19 else None


def _laurel(entry: dict[str, Any], stamp: re.Match[str]) -> dict[str, Any]:
    event: dict[str, Any] = {"time": stamp[1], "sequence": int(stamp[2])}
    if isinstance(entry.get("NODE"), str):
        event["node"] = entry["NODE"]
    records: list[Record] = []
    for kind, value in entry.items():
        for pairs in (value if isinstance(value, list) else [value])[:_MOST]:
            if isinstance(pairs, dict) and kind not in ("ID", "NODE"):
                said = {key: _text(item) for key, item in pairs.items() if item is not None}
                # What it knows of the parent stands in a record of its own, under the names of a process.
                records.append((kind, {"PPID": said} if kind == "PARENT_INFO" else said))
    if not records:
        return _refuse()
    return _event(event, records)


def _text(value: object) -> Any:
    if isinstance(value, bool | int | float):
        return str(value)
    return value


def _go_audit(entry: dict[str, Any], messages: list[Any]) -> dict[str, Any]:
    records: list[Record] = []
    for each in messages[:_MOST]:
        if isinstance(each, dict) and isinstance(each.get("data"), str):
            kind = AUDIT_TYPES.get(str(each.get("type")), f"UNKNOWN[{each.get('type')}]")
            records.append((kind, pairs_of(kind, each["data"])))
    if not records:
        return _refuse()
    event = {"time": entry.get("timestamp"), "sequence": entry.get("sequence")}
    users = entry.get("uid_map")
    kind, pairs = records[0] if len(records) == 1 else merged(records)
    if isinstance(users, dict):
        for key in ("uid", "auid", "euid", "suid", "fsuid"):
            name = users.get(str(pairs.get(key)))
            if isinstance(name, str) and name:
                pairs.setdefault(key.upper(), name)
    return _named(kind, pairs, {key: value for key, value in event.items() if value is not None})
