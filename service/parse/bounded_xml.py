"""Reading XML of strangers: expat without document types and entities, held to a depth and a number of elements."""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.parsers import expat  # no entity is ever declared: a document type is refused before it is read

from service.errors import EventError

DEEPEST = 16
MOST_ELEMENTS = 2000
MOST_REFERENCES = 10_000
"""Numbered characters that are looked at; a forbidden one behind them breaks the text there."""
_DECLARATION = re.compile(r"<\?xml[^<>]*+>")
_REFERENCE = re.compile(r"&#(?:x([0-9A-Fa-f]{1,12})|([0-9]{1,12}));")

Start = Callable[[str, dict[str, str]], None]
"""Local name and attributes of an element that begins."""


class _TooMany(Exception):
    """Ends the parser from inside of it."""


def walk(text: str, start: Start, end: Callable[[], None], characters: Callable[[str], None]) -> str | None:
    """Call back for every element and text of it, in order; what is wrong with the text, or None.

    Whatever encoding it declares, it is text already; references to characters that XML does not know give U+FFFD. Raises
    EventError ``doctype`` and ``too_deep``, and lets pass what the callbacks raise.
    """
    depth = elements = 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, elements
        depth, elements = depth + 1, elements + 1
        if depth > DEEPEST:
            raise EventError("parse", "too_deep", f"nested deeper than {DEEPEST} levels")
        if elements > MOST_ELEMENTS:
            raise _TooMany
        start(name.rpartition(":")[2], attributes)

    def close(_: str) -> None:
        nonlocal depth
        depth -= 1
        end()

    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = begin, close
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = characters, _doctype
    known = _REFERENCE.sub(_harmless, _DECLARATION.sub("", text, count=1), count=MOST_REFERENCES)
    try:
        parser.Parse(known.encode("utf-8", "replace"), True)  # noqa: FBT003 - expat takes it by position alone
    except _TooMany:
        return f"more than {MOST_ELEMENTS} elements"
    except expat.ExpatError as error:
        parser.buffer_text = False  # hands over the text that it still holds
        return f"not well-formed: {expat.ErrorString(error.code)}, line {error.lineno}, column {error.offset}"
    return None


def _doctype(*_: object) -> None:
    raise EventError("parse", "doctype", "an event has no document type")


def _harmless(found: re.Match[str]) -> str:
    """The reference, or U+FFFD in place of one to a character that XML does not know."""
    code = int(found[1], 16) if found[1] else int(found[2])
    known = code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code <= 0x10FFFF
    return found[0] if known else "\ufffd"
