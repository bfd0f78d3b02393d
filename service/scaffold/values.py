"""What values are, by themselves: their type, and what they would be called if nobody says."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import Any

from service.fields import FieldType
from service.normalise.time import READERS


def word_set(words: str) -> frozenset[str]:
    """The words between the blanks."""
    return frozenset(words.split())


LEVELS = word_set(
    "trace debug dbg verbose info inf information informational notice warn warning wrn error err crit critical fatal severe "
    "alert emerg emergency panic"
)
METHODS = word_set("GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PROPFIND")
TRANSPORTS = word_set("tcp udp icmp icmp6 ipv6-icmp sctp gre esp")
_GOOD = word_set(
    "success successful succeeded ok pass passed allow allowed accept accepted grant granted permit permitted approved delivered "
    "completed true yes"
)
_BAD = word_set(
    "fail failed failure error deny denied drop dropped reject rejected block blocked refuse refused forbidden unauthorized "
    "invalid quarantined timeout aborted false no"
)
_VERBS = {
    "start": "login logon signin start started begin open opened connect connected authenticate",
    "end": "logout logoff signout end ended stop stopped close closed disconnect disconnected",
    "creation": "create created add added insert upload uploaded new",
    "deletion": "delete deleted remove removed destroy purge",
    "change": "update updated modify modified change changed rename edit set write put",
    "access": "read get download downloaded view list access accessed fetch",
    "allowed": "allow allowed accept accepted permit permitted pass passed",
    "denied": "deny denied drop dropped block blocked reject rejected",
    "error": "error",
}
_VERB_OF = {word: kind for kind, words in _VERBS.items() for word in words.split()}
FORMATS = ("iso8601", "clf", "syslog", "day_first", "month_first", "rfc2822", "epoch_auto")
"""Forms of time in the order in which they are tried."""
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
ENDPOINT = re.compile(r"(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9A-Fa-f:.]+\]):\d{1,5}")
_EPOCH = re.compile(r"1[5-9]\d{8}(?:\.\d{1,9})?|1[5-9]\d{11}|1[5-9]\d{14}|1[5-9]\d{17}")
_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?")
_REQUEST = re.compile(r"[A-Z]{3,10} \S+ HTTP/\d(?:\.\d)?")
_LOGGER = re.compile(r"[A-Za-z_][\w$]*(?:\.[A-Za-z_][\w$]*){1,12}")
_THREAD = re.compile(r"main|(?:http|nio|pool|worker|exec|task|async|qtp|[Tt]hread)[\w-]*\d")
_MAIL = re.compile(r"[^@\s]{1,64}@[A-Za-z0-9.-]{1,200}")
_HOST = re.compile(
    r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,5}\.(?:[a-z]{2}|com|net|org|gov|edu|info|local|internal|lan|corp|example)"
)


def form_of(values: Sequence[Any]) -> str | None:
    """The form of time that all values have, and that could be nothing else; None when there is none."""
    for form in FORMATS:
        if all(_reads(form, value) for value in values):
            texts = [str(value) for value in values]
            if all(map(_EPOCH.fullmatch, texts)) if form == "epoch_auto" else all(":" in text for text in texts):
                return form
    return None


def _reads(form: str, value: Any) -> bool:
    try:
        return not isinstance(value, bool | list | dict) and READERS[form](value) is not None
    except ValueError:  # 31 February
        return False


def is_day(values: Sequence[Any]) -> bool:
    """Whether the values are dates without a clock."""
    return all(isinstance(value, str) and ":" not in value and _reads("iso8601", value) for value in values)


def is_clock(values: Sequence[Any]) -> bool:
    """Whether the values are times of a day."""
    return all(isinstance(value, str) and _CLOCK.fullmatch(value) is not None for value in values)


def type_of(values: Sequence[Any]) -> FieldType:
    """The narrowest type of field that takes all values."""
    flat = [item for value in values for item in (value if isinstance(value, list) else [value])]
    if all(isinstance(item, bool) for item in flat):
        return "boolean"
    if all(map(_is_long, flat)):
        return "long"
    if all(map(_is_double, flat)) and not all(map(_is_padded, flat)):
        return "double"
    texts = [item for item in flat if isinstance(item, str)]
    if len(texts) < len(flat):
        return "keyword"
    if all(map(is_address, texts)):
        return "ip"
    if all("T" in text and _reads("iso8601", text) for text in texts):
        return "date"
    return "keyword"


def outcome_of(value: str) -> str | None:
    """``success`` or ``failure`` where the value, or its last word, says so."""
    last = (words_of(value) or [""])[-1]
    return "success" if last in _GOOD else "failure" if last in _BAD else None


def verbs_of(value: str) -> list[str]:
    """The ``event.type`` that each word of an action stands for, of those that stand for one."""
    return [_VERB_OF[word] for word in words_of(value) if word in _VERB_OF]


def words_of(text: str) -> list[str]:
    """The words of a name or a phrase, in lower case."""
    return re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", text).lower())


def name_of(values: Sequence[str]) -> str:
    """What people would call a value of which they see nothing else: ``ip``, ``level``, ``path``; else ``word`` or ``text``."""
    for name, test in _NAMES.items():
        if all(map(test, values)):
            return name
    return "text" if any(" " in value for value in values) else "word"


def is_address(value: str) -> bool:
    """Whether it is an IP address."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def is_status(value: object) -> bool:
    """Whether it may be a status of HTTP."""
    return re.fullmatch(r"[1-5]\d\d", str(value)) is not None


def _is_long(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"-?(0|[1-9]\d{0,17})", value) is not None
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _is_double(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_padded(value: Any) -> bool:
    """Digits that may begin with zeros, which count nothing: they are a name."""
    return (isinstance(value, str) and re.fullmatch(r"0\d+", value) is not None) or _is_long(value)


_NAMES: dict[str, Callable[[str], bool]] = {
    "time": lambda value: form_of([value]) is not None,
    "date": lambda value: is_day([value]),
    "clock": lambda value: is_clock([value]),
    "ip": is_address,
    "address": lambda value: ENDPOINT.fullmatch(value) is not None,
    "id": lambda value: UUID.fullmatch(value) is not None,
    "level": lambda value: value.strip().lower() in LEVELS,
    "method": lambda value: value in METHODS,
    "request": lambda value: _REQUEST.fullmatch(value) is not None,
    "proto": lambda value: value.lower() in TRANSPORTS,
    "url": lambda value: re.match(r"[a-z][a-z0-9+]{1,9}://", value) is not None and " " not in value,
    "path": lambda value: value.startswith("/"),
    "email": lambda value: _MAIL.fullmatch(value) is not None,
    "user_agent": lambda value: re.match(r"Mozilla/|curl/|[A-Za-z-]+/\d+\.\d+(?: |$)", value) is not None,
    "number": _is_double,
    "thread": lambda value: _THREAD.fullmatch(value) is not None,
    "host": lambda value: _HOST.fullmatch(value) is not None,
    "logger": lambda value: _LOGGER.fullmatch(value) is not None,
    "action": lambda value: " " not in value and (outcome_of(value) is not None or bool(verbs_of(value))),
}
"""Name → whether one value may be called that; the first that fits all values."""
