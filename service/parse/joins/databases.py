"""Logs of databases read line by line: a line that cannot begin an entry belongs to the entry before it.

CloudWatch Logs has their entries whole; files and agents that do not know where an entry begins do not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from service.parse.joins.pieces import JOINED, MOST_CHARACTERS, MOST_PIECES

_CLOCK = r"\d{1,2}:\d\d:\d\d"
_ISO = rf"\d{{4}}-\d\d-\d\d[T ] ?{_CLOCK}"
_CTIME = rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{{2}} {{1,2}}\d{{1,2}} {_CLOCK} \d{{4}}"
_END = r"[^\n]{0,100}\Z"
_MYSQL = re.compile(
    rf"(?P<line># Time: {_END})|# (?:Time|User@Host): |\d{{16}},|\d{{8}} {_CLOCK},|{_ISO}|\d{{6}} {{1,2}}{_CLOCK}"
    r"|\t\t {0,20}\d{1,20} [A-Z]|/[^\s,]{1,300}, Version: "
)
_ZONE = r"(?: ?(?:Z|[+-]\d\d:\d\d))?"
_ORACLE = re.compile(
    rf"(?P<line>(?:(?:\*\*\* ?)?{_ISO}[.\d]{{0,10}}{_ZONE}(?: ?\([^\n]{{0,80}}\))?|{_CTIME}{_ZONE})\s*\Z)"
    rf"|(?P<entry>Audit file /{_END}|<\?xml[^<\n]{{0,100}}\Z)"
    rf"|{_ISO}|{_CTIME}|\*\*\* ?{_ISO}|\d\d-[A-Z]{{3}}-\d{{4}} {_CLOCK}|LENGTH ?: ?['\"]"
    r"|\s{0,8}<(?:AuditRecord|msg |\?xml)|Audit file /|\{"
)
_SQLSERVER = re.compile(rf"\ufeff?{_ISO}|\{{")
_REDSHIFT = re.compile(
    rf"'{_ISO}Z? |[a-z][a-z_ ]{{1,60}}\|[A-Z][a-z]{{2}}, "
    r"|\d{1,20} {0,60}\|[^|\n]{0,300}\|[^|\n]{0,300}\|[a-z]{1,20} {0,60}\|"
)
_POSTGRESQL = re.compile(rf"(?P<quoted>{_ISO}[.\d]{{0,10}} [A-Za-z0-9+:-]{{1,10}},)|[^\t]")


def mysql(events: list[str]) -> bool:
    """Lines of MySQL's and MariaDB's logs: slow queries with their headers, statements over many lines."""
    return _join(events, _MYSQL)


def oracle(events: list[str]) -> bool:
    """Lines of Oracle's audit records as text and XML, of the alert log below its times, of traces."""
    return _join(events, _ORACLE)


def postgresql(events: list[str]) -> bool:
    """Lines that PostgreSQL indents because they go on, and of its CSV those between quotes."""
    return _join(events, _POSTGRESQL)


def redshift(events: list[str]) -> bool:
    """Lines of Redshift's user activity log that begin no entry: statements over many lines."""
    return _join(events, _REDSHIFT)


def sqlserver(events: list[str]) -> bool:
    """Lines of SQL Server's and its Agent's logs without a time."""
    return _join(events, _SQLSERVER)


def _join(events: list[str], begins: re.Pattern[str]) -> bool:
    """Each event that does not begin an entry goes to the entry before it, up to the bounds; one without stays as it is.

    An entry that begins with the group ``line`` has nothing but its time, and takes the next whatever that is; with
    ``entry`` it is a header of the next entry; with ``quoted`` it goes on while a quote is open.
    """
    if JOINED in events:
        return True
    if len(events) < 2:
        return False
    wholes = list(_wholes(events, begins.match))
    for start, end in wholes:
        events[start] = "\n".join(piece.rstrip("\r\n") for piece in events[start:end])
        events[start + 1 : end] = [JOINED] * (end - start - 1)
    return bool(wholes)


def _wholes(events: list[str], begin: Callable[[str], re.Match[str] | None]) -> Iterator[tuple[int, int]]:
    """Where entries of more than one event begin and end."""
    start, size, awaits = -1, 0, None
    for number, text in enumerate(events):
        head = begin(text)
        goes_on = start >= 0 and (head is None or (awaits is not None and awaits != head.lastgroup))
        if goes_on and number - start < MOST_PIECES and size + len(text) < MOST_CHARACTERS:
            size += len(text) + 1
            if awaits == "entry" and head is not None:
                awaits = head.lastgroup
            elif awaits == "line" or (awaits == "quoted" and text.count('"') % 2):
                awaits = None
            continue
        if number - start > 1 and start >= 0:
            yield start, number
        if goes_on or head is not None:
            start, size, awaits = number, len(text), None if head is None else head.lastgroup
            if awaits == "quoted" and text.count('"') % 2 == 0:
                awaits = None
    if start >= 0 and len(events) - start > 1:
        yield start, len(events)
