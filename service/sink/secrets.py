"""What gives access does not belong into dead letters: values of keys named like secrets and passwords in SQL are masked."""

from __future__ import annotations

import re
from typing import Final

from service.parse.masks.sql_secrets import without_secrets

HIDDEN: Final = b"[hidden]"
_NAME = (
    rb"[^\"\\]{0,40}(?:passw(?:or)?d|passphrase|secret_?(?:access_?)?key|secret_?(?:string|binary|value)|session_?token|security_?-?token"
    rb"|client_?secret|private_?key|authorization|api_?key)"
)
# In JSON, and in JSON inside a JSON string (\"key\":\"value\"), as CloudWatch wraps it.
_PLAIN = re.compile(rb'("' + _NAME + rb'"\s{0,4}:\s{0,4}")((?:[^"\\]++|\\.)++)(?=")', re.IGNORECASE | re.DOTALL)
_WRAPPED = re.compile(rb'(\\"' + _NAME + rb'\\"\s{0,4}:\s{0,4}\\")([^"\\]++)(?=\\")', re.IGNORECASE)
_QUICK = re.compile(rb"passw|passphrase|secret|token|private_?key|authorization|api_?key|identified\s+by|pwd", re.IGNORECASE)


def masked(data: bytes) -> bytes:
    """``data`` with the values of such keys replaced; what else it holds is untouched, and JSON stays JSON."""
    if _QUICK.search(data) is None:
        return data
    data = _PLAIN.sub(rb"\1" + HIDDEN, data)
    data = _WRAPPED.sub(rb"\1" + HIDDEN, data)
    return without_secrets(data)
