"""Sigma read naively, after the specification's words and nothing else: what the compiled predicates must agree with."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address, ip_network
from itertools import product
from typing import Any

DASHES = "-/\u2013\u2014\u2015"
ENCODINGS = ("windash", "wide", "utf16le", "utf16be", "base64", "base64offset")
ORDERS: dict[str, Callable[[float, float], bool]] = {
    "gt": lambda one, other: one > other,
    "gte": lambda one, other: one >= other,
    "lt": lambda one, other: one < other,
    "lte": lambda one, other: one <= other,
}
Glob = list[str | None]
"""Characters; None is ``*``, and the empty text is ``?``."""


def text(value: Any) -> str | None:
    """A scalar as rules see it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return None if value is None or isinstance(value, (dict, list)) else str(value)


def glob(pattern: str) -> Glob:
    """``*`` and ``?`` are wildcards; a backslash takes that from them, and itself from before them."""
    found: Glob = []
    at = 0
    while at < len(pattern):
        letter, after = pattern[at], pattern[at + 1 : at + 2]
        if letter == "\\" and after and after in "*?\\":
            found.append(after)
            at += 1
        else:
            found.append({"*": None, "?": ""}.get(letter, letter))
        at += 1
    return found


def fits(pattern: Glob, value: str) -> bool:
    """Whether the whole value is what the pattern says."""
    reached = {0}
    for part in pattern:
        if part is None:
            reached = set(range(min(reached), len(value) + 1)) if reached else set()
        else:
            reached = {at + 1 for at in reached if at < len(value) and part in ("", value[at])}
    return len(value) in reached


def texts_of(pattern: str, encodings: list[str]) -> list[str]:
    """What a text stands for after the modifiers that write it differently."""
    found = [pattern]
    for encoding in encodings:
        match encoding:
            case "windash":
                spots = [match.start() for match in re.finditer(r"\B[-/]\b", pattern)]
                found = []
                for dashes in product(DASHES, repeat=len(spots)):
                    letters = list(pattern)
                    for spot, dash in zip(spots, dashes, strict=True):
                        letters[spot] = dash
                    found.append("".join(letters))
            case "wide" | "utf16le":
                found = [one.encode("utf-16-le").decode() for one in found]
            case "utf16be":
                found = [one.encode("utf-16-be").decode() for one in found]
            case "base64":
                found = [base64.b64encode(one.encode()).decode() for one in found]
            case "base64offset":
                found = [piece for one in found for piece in offsets(one.encode())]
    return found


def offsets(data: bytes) -> list[str]:
    """Base64 of the data at each of three places, without the letters that its neighbours have a part in."""
    return [
        base64.b64encode(bytes(place) + data + bytes(2)).decode()[-(-place * 8 // 6) : (place + len(data)) * 8 // 6]
        for place in range(3)
    ]


def scalar(value: Any, wanted: Any, modifiers: list[str], event: Mapping[str, Any]) -> bool:
    """Whether one scalar of an event fits one value of a rule."""
    kind = set(modifiers)
    have = text(value)
    if have is None:
        return False
    if "fieldref" in kind:
        other = text(event.get(wanted))
        return other is not None and somewhere(kind)(have.lower(), other.lower())
    if kind & set(ORDERS):
        return not isinstance(value, bool) and in_order(have, modifiers[-1], wanted)
    if "cidr" in kind:
        try:
            return ip_address(have) in ip_network(wanted)
        except ValueError:
            return False
    if "re" in kind:
        flags = sum({"i": re.I, "m": re.M, "s": re.S}.get(one, 0) for one in kind)
        return re.search(str(wanted), have, flags) is not None
    return spelt(have, wanted, modifiers) if isinstance(wanted, str) else have == text(wanted)


def in_order(have: str, order: str, wanted: float) -> bool:
    """Whether a text is a number, and in that order with another."""
    try:
        return ORDERS[order](float(have), wanted)
    except ValueError:
        return False


def spelt(have: str, wanted: str, modifiers: list[str]) -> bool:
    """Whether a text is what a rule's text and its modifiers say."""
    encodings = [one for one in modifiers if one in ENCODINGS]
    for each in texts_of(wanted, encodings):
        letters: Glob = list(each) if encodings else glob(each)
        if {"contains", "endswith"} & set(modifiers):
            letters = [None, *letters]
        if {"contains", "startswith"} & set(modifiers):
            letters = [*letters, None]
        folded = letters if "cased" in modifiers else [one and one.lower() for one in letters]
        if fits(folded, have if "cased" in modifiers else have.lower()):
            return True
    return False


def somewhere(kind: set[str]) -> Callable[[str, str], bool]:
    """How one text is compared with another."""
    if "contains" in kind:
        return str.__contains__
    if "startswith" in kind:
        return str.startswith
    return str.endswith if "endswith" in kind else str.__eq__


def is_anything(wanted: str, modifiers: list[str]) -> bool:
    """Whether it is wildcards alone: any value will do, whatever it is."""
    letters = [*glob(wanted), *(None for each in modifiers if each in ("contains", "startswith", "endswith"))]
    return bool(letters) and all(letter is None for letter in letters) and not {"fieldref", "re", "cidr"} & set(modifiers)


def leaves(value: Any) -> list[Any]:
    """The values in a value: of a list, those of its elements."""
    return [leaf for one in value for leaf in leaves(one)] if isinstance(value, list) else [value]


def item(key: str, wanted: Any, event: Mapping[str, Any]) -> bool:
    """Whether a field of an event is what one line of a selection says."""
    field, *modifiers = key.split("|")
    value = event.get(field)
    if "exists" in modifiers:
        return (value is not None) is wanted

    def one(want: Any) -> bool:
        if want is None:
            return value is None
        if isinstance(want, str) and is_anything(want, modifiers):
            return value is not None
        return any(
            scalar(leaf, want, [each for each in modifiers if each not in ("all", "neq")], event) for leaf in leaves(value)
        )

    found = [one(want) for want in (wanted if isinstance(wanted, list) else [wanted])]
    holds = all(found) if "all" in modifiers else any(found)
    return not holds if "neq" in modifiers else holds


def selection(chosen: Any, event: Mapping[str, Any]) -> bool:
    """A mapping means all of it, a list one of it, a text anywhere in the event."""
    if isinstance(chosen, dict):
        return all(item(key, wanted, event) for key, wanted in chosen.items())
    if isinstance(chosen, list):
        return any(selection(one, event) for one in chosen)
    return scalar(event.get("_text"), chosen, ["contains"], event)
