"""A document as rules look at it: what is known of it beforehand, then what it says, then the raw event behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import orjson

from service.match.parse import TEXT
from service.match.values import descend
from service.normalise.cast import quote

RawForm = Literal["json"]
Places = Mapping[str, tuple[int, int]]
"""Field → where its value stands among what a pipeline hands out: facets or texts (0, 1), and number."""
_NOWHERE: Places = {}
_HEAD = 24
"""Characters by which a raw event is found in its document."""


def _json(text: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


READERS: dict[RawForm, Callable[[str], dict[str, Any]]] = {"json": _json}
"""Form of ``event.original`` → what reads it; none of them raises."""


class Seen:
    """One document; it is read when somebody asks for more than is known of it."""

    __slots__ = ("_document", "_known", "_piece", "_places", "_raw")

    def __init__(
        self,
        document: Mapping[str, Any] | None = None,
        piece: str = "",
        known: Sequence[Sequence[Any]] = (),
        places: Places = _NOWHERE,
    ) -> None:
        """Either the document, or ``piece``: its two lines of a bulk request, and what was handed out beside it."""
        self._document = document
        self._piece = piece
        self._known = known
        self._places = places
        self._raw: dict[RawForm, dict[str, Any]] | None = None

    @property
    def is_read(self) -> bool:
        """Whether the document was read, or given."""
        return self._document is not None

    @property
    def text(self) -> str:
        """The document as it was written, "" where it was given; not what was made of it since."""
        return self._piece[self._piece.index("\n") + 1 :].rstrip("\n") if self._piece else ""

    @property
    def document(self) -> Mapping[str, Any]:
        """The whole document."""
        if self._document is None:
            self._document = orjson.loads(self._piece[self._piece.index("\n") + 1 :])
        return self._document

    def at(self, path: str, keys: tuple[str, ...]) -> object:
        """The value of a field; ``keys`` are those of its path."""
        place = self._places.get(path)
        if place is not None:
            value: object = self._known[place[0]][place[1]]
            return value
        return reach(self.document, keys)

    def raw(self, form: RawForm) -> dict[str, Any]:
        """The raw event, empty where there is none or it cannot be read."""
        if self._raw is None:
            self._raw = {}
        found = self._raw.get(form)
        if found is None:
            text = self._original()
            found = self._raw[form] = READERS[form](text) if isinstance(text, str) else {}
        return found

    def _original(self) -> object:
        """The raw event; the document is not read for it where it says what was handed out, word for word."""
        place = self._places.get(TEXT)
        if self._document is None and place is not None:
            text: str = self._known[place[0]][place[1]]
            said = f',"original":{quote(text)}'
            start = self._piece.find(said[:_HEAD])  # finding all of it takes ten times as long
            if start >= 0 and self._piece.startswith(said, start):
                return text
        event = self.document.get("event")
        return event.get("original") if isinstance(event, dict) else None


def reach(value: object, keys: tuple[str, ...]) -> object:
    """What ``descend`` finds; quickly where there is no list on the way."""
    for number, key in enumerate(keys):
        if value.__class__ is not dict:
            return descend(value, keys[number:])
        value = value.get(key)
        if value is None:
            return None
    return value
