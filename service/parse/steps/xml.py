"""One XML element → an object: attributes and elements by name, whatever the vocabulary."""

from __future__ import annotations

from typing import Any

from service.errors import EventError
from service.parse.bounded_xml import walk

TEXT = "text"
"""Name of the text of an element that has attributes or elements too."""


def xml(text: str) -> dict[str, Any]:
    """Attributes and elements by their local names; what stands more than once is a list, ``_element`` the root's name.

    Raises EventError ``not_xml``, ``doctype`` and ``too_deep``.
    """
    text = text.strip()
    if text[:1] != "<":
        raise EventError("parse", "not_xml", "the text is no XML element")
    reader = _Reader()
    if (flaw := walk(text, reader.start, reader.end, reader.characters)) is not None:
        raise EventError("parse", "not_xml", flaw)
    root = reader.root
    found = root if isinstance(root, dict) else {TEXT: root}
    return {**found, "_element": reader.name}


class _Reader:
    """Builds the object while the parser walks."""

    def __init__(self) -> None:
        self.name = ""
        self.root: Any = None
        self._open: list[tuple[str, dict[str, Any], list[str]]] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.name = self.name or name
        held: dict[str, Any] = {}
        for key, value in attributes.items():
            if not key.startswith("xmlns"):
                _add(held, key.rpartition(":")[2], value)
        self._open.append((name, held, []))

    def characters(self, text: str) -> None:
        self._open[-1][2].append(text)

    def end(self) -> None:
        name, held, texts = self._open.pop()
        text = "".join(texts).strip()
        if text and held:
            _add(held, TEXT, text)
        value: Any = held or text
        if not self._open:
            self.root = value
        elif value:
            _add(self._open[-1][1], name, value)


def _add(held: dict[str, Any], name: str, value: Any) -> None:
    if name not in held:
        held[name] = value
    elif isinstance(held[name], list):
        held[name].append(value)
    else:
        held[name] = [held[name], value]
