"""``*`` and ``?`` in rules that were probably meant as they stand: in Sigma they are wildcards wherever they are not escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from service.errors import ContentError, ContentErrors, Place
from service.yaml_file import Key, load_documents

_PARTS = {"contains", "startswith", "endswith"}
_NO_TEXT = {"re", "cidr", "exists", "base64", "base64offset", "gt", "gte", "lt", "lte", "fieldref", "expand"}
_WILDCARD = re.compile(r"(?<!\\)(?:\\\\)*[*?]")


def doubtful_wildcards(path: Path) -> Iterator[ContentError]:
    """The values of a file's rules whose wildcards say nothing, or not what they seem to say; broken files have none."""
    try:
        documents = load_documents(path.read_bytes(), str(path))
    except (OSError, ContentErrors):
        return
    for data, places in documents:
        if isinstance(data, dict) and isinstance(data.get("detection"), dict):
            for keys, text in _texts(("detection",), data["detection"]):
                if (fault := _doubt(keys, text, _place(places, keys, path))) is not None:
                    yield fault


def _doubt(keys: tuple[Key, ...], text: str, place: Place) -> ContentError | None:
    name = next((key for key in reversed(keys) if isinstance(key, str)), "")
    modifiers = set(name.split("|")[1:])
    if not modifiers & _PARTS or modifiers & _NO_TEXT:
        return None
    escaped = text.replace("*", r"\*").replace("?", r"\?")
    if re.fullmatch(r"[*?]+", text):
        return ContentError(
            place, "wildcard_alone", f"`{name}: {text}` matches any text: {text[0]} is a wildcard", f"`{escaped}` for the letter"
        )
    if _bare(text, "?"):
        return ContentError(
            place,
            "wildcard",
            f"`?` in `{text}` stands for any one character, not for a question mark",
            f"`{escaped}` for the letter",
        )
    before, after = text.startswith("*") and "startswith" not in modifiers, _ends(text) and "endswith" not in modifiers
    if before or after:
        return ContentError(
            place, "wildcard", f"`*` at an end of `{text}` adds nothing to {name.partition('|')[2]}", "leave it out"
        )
    return None


def _bare(text: str, wildcard: str) -> bool:
    """Whether the wildcard stands in the text without a backslash before it."""
    return any(found[0][-1] == wildcard for found in _WILDCARD.finditer(text))


def _ends(text: str) -> bool:
    last = text[len(text.rstrip("*")) - 1 :] if text.rstrip("*") else text
    return text.endswith("*") and _bare(last, "*")


def _texts(keys: tuple[Key, ...], value: Any) -> Iterator[tuple[tuple[Key, ...], str]]:
    if isinstance(value, str):
        yield keys, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key != "condition":
                yield from _texts((*keys, key), inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts((*keys, number), inner)


def _place(places: Mapping[tuple[Key, ...], Place], keys: tuple[Key, ...], path: Path) -> Place:
    for length in range(len(keys), 0, -1):
        if (found := places.get(keys[:length])) is not None:
            return found
    return Place(str(path))
