"""The raw event behind a document, for what rules ask that no field holds; parsed once, when the first rule asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import orjson

RawForm = Literal["json"]


def _json(text: str) -> dict[str, Any]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


READERS: dict[RawForm, Callable[[str], dict[str, Any]]] = {"json": _json}
"""Form of ``event.original`` → what reads it; none of them raises."""


class RawEvent:
    """``raw(form)``: the fields of a document's ``event.original``, as they came."""

    __slots__ = ("_document", "_read")

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Read nothing yet."""
        self._document = document
        self._read: dict[RawForm, dict[str, Any]] = {}

    def __call__(self, form: RawForm) -> dict[str, Any]:
        """The raw event, empty where there is none or it cannot be read."""
        found = self._read.get(form)
        if found is None:
            event = self._document.get("event")
            text = event.get("original") if isinstance(event, dict) else None
            found = self._read[form] = READERS[form](text) if isinstance(text, str) else {}
        return found
