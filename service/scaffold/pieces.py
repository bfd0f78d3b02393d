"""A line of text cut into what people see in it: times, quotes, brackets, words, and the marks between them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from service.scaffold.values import ENDPOINT, is_address

Form = Literal["time", "quoted", "bracket", "plain", "mark", "gap"]

TIMES = (
    r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|[+-]\d\d:?\d\d))?",
    r"\d{1,2}/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d(?: [+-]\d{4})?",
    r"(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d{1,9})?(?: \d{4})?",
    r"\d{1,2}[/.-]\d{1,2}[/.-]\d{4},? \d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?: [AP]M)?",
    r"(?:[A-Z][a-z]{2}, )?\d{1,2}[ -][A-Z][a-z]{2}[ -]\d{4} \d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: (?:[+-]\d{4}|GMT|UTC))?",
)
"""How times are written, as RE2 and Python read it."""
_PIECE = re.compile(
    rf"(?P<time>(?:{'|'.join(TIMES)})(?![^\s\]\",;|)]))|(?P<quoted>\"(?:[^\"\\]|\\.)*\")|(?P<bracket>\[[^\[\]]*\])"
    r"|(?P<gap>[ \t]+)|(?P<plain>[^\s\"\[\]]+)|(?P<mark>.)",
    re.DOTALL,
)
_ENDS = re.compile(r"(.*?)([:,;]+)")
_PARTS = re.compile(r"[=:|]|[^=:|]+")


class Piece(NamedTuple):
    """One piece; ``text`` is without the quotes or brackets around it."""

    form: Form
    text: str

    @property
    def is_value(self) -> bool:
        """Whether it may change from line to line."""
        return self.form not in ("mark", "gap")


def pieces_of(line: str) -> list[Piece]:
    """The pieces of a line, in order, none of them empty but what stands in quotes or brackets."""
    found: list[Piece] = []
    for match in _PIECE.finditer(line):
        form, text = match.lastgroup, match[0]
        if form == "plain":
            found.extend(_plain(text))
        elif form in ("quoted", "bracket"):
            found.append(Piece("quoted" if form == "quoted" else "bracket", text[1:-1]))
        else:
            found.append(Piece(form, text))  # type: ignore[arg-type]  # a group of the pattern is a form
    return found


def time_regex(values: Sequence[str]) -> str:
    """How all these times are written; ``.*?`` when no one way fits."""
    return next((form for form in TIMES if all(re.fullmatch(form, value) for value in values)), ".*?")


def _plain(text: str) -> list[Piece]:
    if not any(character.isalnum() for character in text):
        return [Piece("plain" if text == "-" else "mark", text)]
    if ENDPOINT.fullmatch(text) or is_address(text) or "://" in text or text.startswith("/"):
        return [Piece("plain", text)]
    ends = _ENDS.fullmatch(text)
    if ends is not None:
        return [*_plain(ends[1]), Piece("mark", ends[2])] if ends[1] else [Piece("mark", text)]
    if re.search(r"\d:\d|::", text):
        return [Piece("plain", text)]
    return [Piece("mark" if part in "=:|" else "plain", part) for part in _PARTS.findall(text)]
