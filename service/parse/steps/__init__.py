"""Named parse steps: text → a dict of raw fields. One visible table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from service.parse.steps.api_gateway import api_gateway
from service.parse.steps.auditd import auditd
from service.parse.steps.cef import cef, leef
from service.parse.steps.container import container
from service.parse.steps.guardduty import guardduty
from service.parse.steps.json_cut import json_cut
from service.parse.steps.json_or_text import json_or_text
from service.parse.steps.json_tail import json_tail
from service.parse.steps.key_lines import key_lines
from service.parse.steps.key_value import key_value, logfmt
from service.parse.steps.klog import klog
from service.parse.steps.mysql import mysql
from service.parse.steps.oracle import oracle
from service.parse.steps.postgresql import postgresql
from service.parse.steps.redshift import redshift
from service.parse.steps.sqlserver import sqlserver
from service.parse.steps.syslog import syslog
from service.parse.steps.windows_event import windows_event
from service.parse.steps.xml import xml

PARSERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "api_gateway": api_gateway,
    "auditd": auditd,
    "cef": cef,
    "container": container,
    "guardduty": guardduty,
    "json_cut": json_cut,
    "json_or_text": json_or_text,
    "json_tail": json_tail,
    "key_lines": key_lines,
    "key_value": key_value,
    "klog": klog,
    "leef": leef,
    "logfmt": logfmt,
    "mysql": mysql,
    "oracle": oracle,
    "postgresql": postgresql,
    "redshift": redshift,
    "sqlserver": sqlserver,
    "syslog": syslog,
    "windows_event": windows_event,
    "xml": xml,
}
"""Step name → function; it raises EventError (stage ``parse``) for text that it cannot take apart."""
DECODING = frozenset({"oracle", "windows_event", "xml"})
"""Steps whose fields may hold characters that the text does not (of ``&quot;`` it makes a quote): what they give is escaped
whatever the text looks like."""
