"""The three audit logs of Amazon Redshift: columns between bars, padded with blanks, and statements behind a head.

Format: Amazon Redshift management guide, "Database audit logging".
"""

from __future__ import annotations

import re
from typing import Any

from service.errors import EventError

_CONNECTION = (
    "event", "stamp", "peer", "peer_port", "pid", "database", "user", "method", "duration", "tls", "cipher", "mtu",
    "ssl_compression", "ssl_expansion", "iam_guid", "application", "os_version", "driver", "plugin", "protocol", "session",
    "compression", "further",
)  # fmt: skip
_USER = (
    "user_id", "name", "old_name", "change", "create_db", "super_user", "update_catalog", "valid_until", "pid", "xid", "stamp",
    "further",
)  # fmt: skip
_FIRST_COLUMNS = 8
"""Columns of the connection log that were there from the beginning."""
_NOTHING = {"peer": "[local]", "duration": "0"}
"""What a column says when there is none."""
_EVENT = re.compile(r"[A-Za-z][A-Za-z_ ]{0,60}\|")
_STAMP = re.compile(r" {0,60}(?:[A-Z][a-z]{2}, |\d{4}-)")
_NUMBER = re.compile(r"\d{1,20} {0,60}\|")
_STATEMENT = re.compile(
    r"'(?P<stamp>\d{4}-\d\d-\d\d[T ][\d:.]{1,30}Z?)(?: (?P<zone>[A-Z][A-Za-z0-9+:-]{0,30}))? \[ db=(?P<database>.{0,300}?)"
    r" user=(?P<user>.{0,300}?) pid=(?P<pid>\d{0,30}) userid=(?P<user_id>\d{0,30}) xid=(?P<xid>\d{0,30}) \]'"
    r" (?P<level>[A-Z]{1,20}): *+(?P<statement>.*)",
    re.DOTALL,
)


def redshift(text: str) -> dict[str, Any]:
    """What a line of any of the three logs says; ``log`` names which: connectionlog, userlog or useractivitylog.

    A column that is empty is absent; those behind the known ones are ``further``. Other text is all ``message``.
    Raises EventError ``empty`` for a line of blanks.
    """
    line = text.strip("\ufeff\r\n\0 ")
    if not line:
        raise EventError("parse", "empty", "there is nothing but blanks")
    if line[0] == "'":
        statement = _STATEMENT.match(line)
        return {"message": line} if statement is None else {"log": "useractivitylog", **_present(statement.groupdict())}
    if _EVENT.match(line) is not None:
        row = line.split("|", len(_CONNECTION) - 1)
        if len(row) >= _FIRST_COLUMNS and _STAMP.match(row[1]) is not None:
            found = _present(dict(zip(_CONNECTION, row, strict=False)))
            for name, nothing in _NOTHING.items():
                if found.get(name) == nothing:
                    del found[name]
            return {"log": "connectionlog", **found}
    elif _NUMBER.match(line) is not None:
        row = line.split("|", len(_USER) - 1)
        if len(row) >= len(_USER) - 1 and row[3].strip(" "):
            return {"log": "userlog", **_present(dict(zip(_USER, row, strict=False)))}
    return {"message": line}


def _present(values: dict[str, str | None]) -> dict[str, str]:
    """The values that are not empty, without their padding."""
    return {name: bare for name, value in values.items() if value is not None and (bare := value.strip(" "))}
