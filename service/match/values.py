"""What generated conditions call for values other than plain strings; the fast cases stand in the expression itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Protocol

import re2

from service.match.nodes import Network, Part, Regex

MEMO_SIZE = 20_000
FOUND_SIZE = 512
"""Texts of which a pattern remembers whether it is found in them: thousands of rules have one."""
LONGEST_FOUND = 128
_LONG = 10**1000  # Python refuses to spell integers of more than 4,300 digits


def text_of(value: object) -> str | None:
    """Return the text a scalar is compared by (``true``, ``443``, ``0.5``); None for null, lists and mappings."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if -_LONG < value < _LONG else None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return None


def number_of(value: object) -> float:
    """Return the number a value is or spells; NaN, which no comparison accepts, for everything else."""
    if isinstance(value, (int, float)):
        return math.nan if isinstance(value, bool) else value
    if isinstance(value, str) and len(value) <= 400:
        try:
            return float(value)
        except ValueError:
            return math.nan
    return math.nan


def time_part(part: Part) -> Callable[[str], float]:
    """``text -> that part of the time it spells``; NaN, which no comparison accepts, for everything else."""

    def part_of(text: str) -> float:
        try:
            moment = datetime.fromisoformat(text) if len(text) <= 64 else None
        except ValueError:
            return math.nan
        if moment is None:
            return math.nan
        return moment.isocalendar().week if part == "week" else int(getattr(moment, part))

    return part_of


def any_value(test: Callable[[object], bool]) -> Callable[[object], bool]:
    """Turn a test of one scalar into one of any value: one element of a list is enough; mappings, null never match."""

    def matches(value: object) -> bool:
        if value is None or isinstance(value, dict):
            return False
        if isinstance(value, (list, tuple)):
            return any(matches(element) for element in value)
        return test(value)

    return matches


def any_text(test: Callable[[str], bool]) -> Callable[[object], bool]:
    """Turn a test of one text into one of any value, whose text is taken."""

    def matches(value: object) -> bool:
        text = text_of(value)
        return text is not None and test(text)

    return any_value(matches)


class Pattern(Protocol):
    """What is used of an RE2 pattern; its binding has no types."""

    def search(self, text: bytes) -> object:
        """None: not found."""
        ...


def compile_regex(pattern: str, flags: str = "") -> Pattern:
    """Compile an RE2 pattern; raises ``re2.error`` for what RE2 does not know (look-around, back references)."""
    options = re2.Options()
    options.log_errors = False
    compiled: Pattern = re2.compile(f"(?{flags}){pattern}" if flags else pattern, options)
    return compiled


def found_by(pattern: str, flags: str = "") -> Callable[[str], bool]:
    """``text -> is the pattern found in it``; linear in the text's length."""
    return _Found(compile_regex(pattern, flags)).__getitem__


def found_by_any(patterns: Iterable[Regex]) -> Callable[[str], bool]:
    """``text -> is one of the patterns found in it``, in one walk over the text; raises ``re2.error`` when they are too many."""
    search = compile_regex("|".join(f"(?{one.flags}:{one.pattern})" for one in patterns)).search
    return lambda text: search(text.encode("utf-8", "replace")) is not None


class _Found(dict[str, bool]):
    """``found[text]``: is a pattern found in it; remembers a few answers: names and ids come again and again."""

    def __init__(self, compiled: Pattern) -> None:
        super().__init__()
        self._search = compiled.search

    def __missing__(self, text: str) -> bool:
        # Bytes cost a third of text here: the binding translates no offsets. "replace" is for lone surrogates.
        answer = self._search(text.encode("utf-8", "replace")) is not None
        if len(text) <= LONGEST_FOUND:
            if len(self) >= FOUND_SIZE:
                self.clear()
            self[text] = answer
        return answer


class Networks(dict[str, bool]):
    """``networks[text]``: is the text an IP address in one of the networks; remembers a bounded number of answers."""

    def __init__(self, networks: tuple[Network, ...]) -> None:
        super().__init__()
        self.networks = networks

    def __missing__(self, text: str) -> bool:
        if len(self) >= MEMO_SIZE:
            self.clear()
        address = _address(text)
        answer = address is not None and any(address in network for network in self.networks)
        if len(text) <= 64:  # longer text is no address and not worth the memory
            self[text] = answer
        return answer


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def split_path(path: str) -> tuple[str, ...]:
    """Keys of a dotted path; a key that holds dots itself stands in double quotes: ``a."b.c".d``."""
    keys: list[str] = []
    rest = path
    while rest:
        if rest.startswith('"') and (end := rest.find('"', 1)) > 0:
            keys.append(rest[1:end])
            rest = rest[end + 1 :].removeprefix(".")
        else:
            key, _, rest = rest.partition(".")
            keys.append(key)
    return tuple(keys)


def value_at(event: Mapping[str, object], name: str, keys: tuple[str, ...]) -> object:
    """Return the value under the flat ``name``, else under the path ``keys``; lists on the way give what they hold."""
    value = event.get(name)
    return descend(event, keys) if value is None else value


def descend(value: object, keys: tuple[str, ...]) -> object:
    """Return the value under a path; a list on the way gives the list of what its elements hold there."""
    for number, key in enumerate(keys):
        if isinstance(value, list):
            found = [descend(element, keys[number:]) for element in value]
            return [one for one in found if one is not None] or None
        if value.__class__ is not dict and not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value
