"""Lines of text that are written alike → RE2 patterns with a named group for everything in them that changes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from service.scaffold.naming import STRONG, names_of
from service.scaffold.pieces import Piece, pieces_of, time_regex
from service.scaffold.values import name_of, word_set
from service.scaffold.words import snake

_PROSE = word_set(
    "user from to for by on at in with the a an is was has and of port via using host address addr ip client server src dst"
)
"""Words between values that belong to the language, not to the event; what follows is called after them."""
_NAMING = _PROSE - word_set("on at in with the a an is was has and of via using")
_ABSENT = "-"
_ALIKE = 4
"""Pieces at the beginning of lines by which those of one pattern are told."""
_MOST = 4
"""Patterns of one log."""
_TAIL = 2
"""Words at the end of a line that are still fields; more of them are prose."""


@dataclass(frozen=True, slots=True)
class Template:
    """A pattern, and how many of the lines it was made of."""

    regex: str
    lines: int


def templates_of(texts: Sequence[str], *, many_lines: bool = False, avoid: frozenset[str] = frozenset()) -> list[Template]:
    """Patterns for lines that have more in them than words, the commonest first; [] when there are none.

    ``many_lines``: what follows the first line of an event is a group of its own, ``stack``. No group has a name to ``avoid``.
    """
    alike: dict[tuple[str, ...], list[list[Piece]]] = {}
    for text in texts:
        pieces = pieces_of(text.partition("\n")[0])
        alike.setdefault(_beginning(pieces), []).append(pieces)
    found: list[Template] = []
    for lines in sorted(alike.values(), key=len, reverse=True):
        if len(found) < _MOST and (len(lines) > 1 or not found):
            regex = _regex_of(lines, avoid, many_lines=many_lines)
            if regex is not None and regex not in (each.regex for each in found):
                found.append(Template(regex, len(lines)))
    return found


def _beginning(pieces: list[Piece]) -> tuple[str, ...]:
    kinds = [piece.text if piece.form == "mark" else piece.form for piece in pieces if piece.form != "gap"]
    return tuple(kinds[:_ALIKE])


def _regex_of(lines: list[list[Piece]], avoid: frozenset[str], *, many_lines: bool) -> str | None:
    common = _common(lines)
    whole = all(len(line) == len(common) for line in lines)
    end = _end_of_fields(common, whole=whole)
    if end == 0:
        return None
    fields = [at for at in range(end) if common[at].is_value and not common[at].literal]
    values = [[value for value in common[at].values if value != _ABSENT] for at in fields]
    found = names_of(values, [_said(common, at) for at in fields])
    names = {at: f"head_{name}" if name in avoid else name for at, name in zip(fields, found, strict=True)}
    pattern = "".join(_part(common, at, names.get(at)) for at in range(end))
    if end < len(common) or not whole:
        between = "".join(_part(common, at, None) for at in range(end, len(common)) if _is_between(common, end, at))
        pattern += f"(?:{between or ' *'}(?P<message>.*))?" if not between else f"{between}(?P<message>.*)"
    elif not many_lines:
        pattern += "(?: (?P<extra>.+))?"
    return pattern + (r"(?:\n(?P<stack>(?s:.*)))?" if many_lines else "")


@dataclass(slots=True)
class _Place:
    """What stands at one place of all lines."""

    form: str
    values: list[str]
    literal: bool = False

    @property
    def is_value(self) -> bool:
        return self.form not in ("mark", "gap")


def _common(lines: list[list[Piece]]) -> list[_Place]:
    """The places that all lines have; in a web server's lines ``-`` is a value that is not there, elsewhere a dash."""
    web = all(any(piece.form == "quoted" and name_of([piece.text]) == "request" for piece in line) for line in lines)
    found: list[_Place] = []
    for column in zip(*lines, strict=False):
        forms = {piece.form for piece in column}
        values = [piece.text for piece in column]
        if len(forms) > 1 or (forms == {"mark"} and len(set(values)) > 1):
            break
        place = _Place(column[0].form, values)
        constant = len(set(values)) == 1
        place.literal = (
            place.form == "plain" and constant and (values[0].lower() in _PROSE or (not web and not values[0][0].isalnum()))
        )
        found.append(place)
    for at, place in enumerate(found[:-1]):  # key=value: the key is no value
        if found[at + 1].form == "mark" and found[at + 1].values[0] == "=" and len(set(place.values)) == 1:
            place.literal = True
    return found


def _end_of_fields(common: list[_Place], *, whole: bool) -> int:
    """Behind the last place that is surely a field; what follows is prose."""
    end = 0
    for at, place in enumerate(common):
        if not place.is_value or place.literal:
            continue
        after = next((each for each in common[at + 1 :] if each.form != "gap"), None)
        known = [value.strip() for value in place.values if value != _ABSENT]
        kind = name_of(known) if known else "word"
        marked = after is not None and (after.form == "mark" or (after.literal and not after.values[0][0].isalnum()))
        adjacent = kind == "number" and not any(each.is_value and not each.literal for each in common[end:at])
        if place.form != "plain" or kind in STRONG or marked or adjacent:
            end = at + 1
    if whole and sum(place.is_value for place in common[end:]) <= _TAIL:
        return len(common)
    return end


def _said(common: list[_Place], at: int) -> str | None:
    """What the text calls the value: ``user ann``, ``port=80``."""
    before = [place for place in common[:at] if place.form != "gap"][-2:]
    if before and before[-1].form == "mark" and before[-1].values[0] == "=" and len(before) > 1:
        return snake(before[0].values[0])
    word = before[-1].values[0].lower() if before and before[-1].literal else ""
    return word if word in _NAMING else None


def _is_between(common: list[_Place], end: int, at: int) -> bool:
    """Whether nothing but marks stands between the end of the fields and this place, itself included."""
    return not any(place.is_value and (not place.literal or place.values[0][0].isalnum()) for place in common[end : at + 1])


def _part(common: list[_Place], at: int, name: str | None) -> str:
    place = common[at]
    if place.form == "gap":
        return " " if set(place.values) == {" "} else r"\s+"
    if name is None:
        return re.sub(r"([.+*?()|\[\]{}^$\\])", r"\\\1", place.values[0])
    group = f"(?P<{name}>{_inner(common, at)})"
    inner = f"(?:-|{group})" if _ABSENT in place.values else group
    if place.form == "quoted":
        return f'"{inner}"'
    if place.form == "bracket":
        padded = any(value != value.strip() for value in place.values)
        return rf"\[\s*{inner}\s*\]" if padded else rf"\[{inner}\]"
    return inner


def _inner(common: list[_Place], at: int) -> str:
    place = common[at]
    if place.form == "time":
        return time_regex(place.values)
    if place.form == "quoted":
        return r'(?:[^"\\]|\\.)*'
    if place.form == "bracket":
        padded = any(value != value.strip() for value in place.values)
        return r"[^\[\]]*?" if padded else r"[^\[\]]*"
    following = common[at + 1] if at + 1 < len(common) else None
    mark = following.values[0][0] if following is not None and following.form == "mark" else ""
    if mark and not any(mark in value for value in place.values):
        return rf"[^\s{re.escape(mark)}]+"
    return r"\S+"
