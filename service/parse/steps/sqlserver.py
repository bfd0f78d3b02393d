"""SQL Server's error log, the log of its Agent, and rows of ``sys.fn_get_audit_file`` as JSON → one set of raw fields."""

from __future__ import annotations

import re
from typing import Any

from service.errors import EventError
from service.parse.json_event import read_json

LONGEST = 8_000
"""Characters of a message or statement that are kept apart from the original."""
_AGENT = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) - ([?!+]) \[(\d{1,6})\] ?(.*)", re.DOTALL)
_ERROR = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,7})?) {1,2}([A-Za-z][\w$()-]{0,63}) {1,20}(.*)", re.DOTALL)
_SPID = re.compile(r"spid(\d{1,9})s?")
_CLIENT = re.compile(r"\s*\[CLIENT: ([^\]]{1,255})\]\s*")
_TAIL = 300
"""Characters at the end of a message in which the client stands."""
_LEVELS = {"?": "info", "!": "error", "+": "warning"}
_PRINCIPALS = ("server_principal_name", "target_server_principal_name")
_TEXTS = ("statement", "additional_information", "user_defined_information")
_NOBODY = ("", None)


def sqlserver(text: str) -> dict[str, Any]:
    """Time, origin (``Logon``, ``spid53``) and message of a line, ``client`` apart; for JSON the columns of the audit.

    A line without a head is all message. Raises EventError ``empty`` for a line of blanks.
    """
    text = text.strip("\ufeff\r\n\0")
    if not text.strip("\0 \t\r\n"):
        raise EventError("parse", "empty", "there is nothing but blanks")
    if text[0] == "{" and (audit := _audit(text)) is not None:
        return audit
    agent = _AGENT.fullmatch(text)
    if agent is not None:
        stamp, mark, number, message = agent.groups()
        raw = {"log": "agent", "stamp": stamp, "level": _LEVELS[mark], "number": number}
        return {**raw, **_message(message)}
    error = _ERROR.fullmatch(text)
    if error is None:
        return _message(text)
    stamp, origin, message = error.groups()
    raw = {"log": "error", "stamp": stamp, "origin": origin}
    spid = _SPID.fullmatch(origin)
    if spid is not None:
        raw["spid"] = int(spid[1])
    return {**raw, **_message(message)}


def _message(text: str) -> dict[str, Any]:
    text = text.replace("\0", "").rstrip() if "\0" in text else text.rstrip()
    if not text:
        return {}
    if len(text) > LONGEST:
        return {"message": text[:LONGEST] + "…"}
    start = text.rfind("[CLIENT: ", max(len(text) - _TAIL, 0))
    if start >= 0 and (client := _CLIENT.fullmatch(text, start)) is not None:
        said = text[:start].rstrip()
        found = {"message": text, "said": said or text}
        return found if client[1][:1] == "<" else {**found, "client": client[1]}
    return {"message": text, "said": text}


def _audit(text: str) -> dict[str, Any] | None:
    try:
        entry, _ = read_json(text)
    except EventError:
        return None
    if "action_id" not in entry:
        return None
    kept = {key: value.strip() if isinstance(value, str) else value for key, value in entry.items()}
    raw: dict[str, Any] = {"log": "audit"}
    for key, name in zip(_PRINCIPALS, ("user", "target"), strict=True):
        who = kept.get(key)
        if isinstance(who, str) and who:
            domain, _, account = who.rpartition("\\")
            raw[name] = account[:256] or who[:256]
            if domain:
                raw[f"{name}_domain"] = domain[:256]
    for key in _TEXTS:
        value = kept.get(key)
        if isinstance(value, str) and len(value) > LONGEST:
            kept[key] = value[:LONGEST] + "…"
    client = kept.get("client_ip")
    if isinstance(client, str) and client[:1].isalnum() and " " not in client:
        raw["client"] = client
    if isinstance(kept.get("statement"), str) and kept["statement"]:
        raw["statement"] = raw["message"] = kept["statement"]
    raw["audit"] = {key: value for key, value in kept.items() if value not in _NOBODY}
    return raw
