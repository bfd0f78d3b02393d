"""JSON objects that pass through whole, made safe for a mapping that knows some of their leaves.

An object like CloudTrail's request parameters is stored as it came; a few of its leaves are mapped, the rest is not looked
at by OpenSearch. A mapped leaf that is suddenly an object, or a mapped object that is suddenly text, would be refused with
400. A ``Shape`` finds these and rewrites the one value: leaves become their JSON text, lone scalars ``{"value": …}``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from service.normalise.cast import dumps

_SCALARS = (str, int, float, bool, type(None))
_NUMBERS = (bool, int, float)
_KEYS_KEPT = 8192
LARGEST = 32_766
"""Characters of JSON text above which only the mapped parts of an object are stored a second time."""


def names(text: str) -> tuple[str, ...]:
    """Names that stand between blanks."""
    return tuple(text.split())


class Shape:
    """The mapped leaves below one object, by dotted path; ``fit`` gives the object's JSON text, safe to index."""

    def __init__(self, leaves: Iterable[str]) -> None:
        """``leaves``: dotted paths of the fields the mapping knows."""
        self.leaves: set[str] = set()
        """Names of fields right here."""
        self.below: dict[str, Shape] = {}
        """Names of objects that hold others."""
        self._seen: dict[str, bool] = {}
        """Keys met before → whether the mapping does not know them and they are harmless."""
        split: dict[str, list[str]] = {}
        for leaf in leaves:
            head, _, rest = leaf.partition(".")
            if rest:
                split.setdefault(head, []).append(rest)
            else:
                self.leaves.add(head)
        for head, rests in split.items():
            self.below[head] = Shape(rests)

    def fit(self, value: Any, *, clean: bool = False) -> str | None:
        """JSON text of the object; None when there is nothing in it. Anything but an object becomes ``{"value": …}``.

        ``clean``: it is known to hold no nulls and no empties.
        """
        if value.__class__ is not dict:
            if value in (None, "", [], {}):
                return None
            value = {"value": value}
        if not clean and not all(value.values()):
            value = {key: item for key, item in value.items() if item or item.__class__ in _NUMBERS}
        if not value:
            return None
        text = _text(value if self.fits(value) else self._fitted(value))
        if text is not None and not clean and ('""' in text or "null" in text or "[]" in text or "{}" in text):
            value = pruned(value)
            if value is None:
                return None
            text = _text(value if self.fits(value) else self._fitted(value))
        return _text(self.mapped_part(value)) if text is not None and len(text) > LARGEST else text

    def text(self, value: dict[str, Any]) -> str | None:
        """The same of an object that fits, and that has nothing empty but in what is kept verbatim."""
        text = self.clean_text(value)
        return self.fit(value) if text is None or '""' in text or "null" in text or "[]" in text or "{}" in text else text

    def clean_text(self, value: dict[str, Any]) -> str | None:
        """The same of an object that fits and has nothing empty in it."""
        if not value:
            return None
        text = _text(value)
        return _text(self.mapped_part(value)) if text is not None and len(text) > LARGEST else text

    def odd(self, key: str) -> bool:
        """Whether an object with that key fits only under another name."""
        return "." in key or not key.strip()

    def fits(self, value: dict[str, Any]) -> bool:
        """Whether every mapped leaf is a scalar or a list of scalars, every mapped object an object, and no key is odd."""
        seen = self._seen
        for key in value:
            harmless = seen.get(key)
            if harmless is None:
                harmless = self._learn(key)
            if harmless:
                continue
            item = value[key]
            if key in self.leaves:
                if item.__class__ not in _SCALARS and not (item.__class__ is list and _all_scalars(item)):
                    return False
            elif key in self.below:
                shape = self.below[key]
                if item.__class__ is dict:
                    if not shape.fits(item):
                        return False
                elif item.__class__ is list:
                    if not all(each.__class__ is dict and shape.fits(each) for each in item):
                        return False
                elif item is not None:
                    return False
            else:
                return False
        return True

    def _learn(self, key: str) -> bool:
        harmless = key not in self.leaves and key not in self.below and "." not in key and bool(key.strip())
        if len(self._seen) >= _KEYS_KEPT:
            self._seen.clear()
        self._seen[key] = harmless
        return harmless

    def _fitted(self, value: dict[str, Any]) -> dict[str, Any]:
        fitted: dict[str, Any] = {}
        for key, item in value.items():
            # OpenSearch reads a dot in a key as nesting and refuses empty names, even where nothing is mapped.
            name = key.replace(".", "_") if "." in key else key
            if not name.strip():
                name = "_"
            if name in self.leaves:
                fitted[name] = _leaf(item)
            elif name in self.below:
                fitted[name] = self.below[name].branch(item)
            else:
                fitted[name] = item
        return fitted

    def branch(self, item: Any) -> Any:
        """The value of a mapped object, made one."""
        if item.__class__ is dict:
            return self._fitted(item)
        if item.__class__ is list:
            return [self.branch(each) for each in item]
        return None if item is None else {"value": item}

    def mapped_part(self, value: dict[str, Any]) -> dict[str, Any]:
        """Only what is searched, of an object too large to keep twice."""
        part: dict[str, Any] = {}
        for key, item in value.items():
            if key in self.leaves and len(str(item)) < LARGEST:
                part[key] = _leaf(item)
            elif key in self.below:
                shape = self.below[key]
                if item.__class__ is dict:
                    part[key] = shape.mapped_part(item)
                elif item.__class__ is list:
                    part[key] = [shape.mapped_part(each) for each in item[:100] if each.__class__ is dict]
        return part


def pruned(value: Any) -> Any:
    """The value without nulls, empty strings, lists and objects; None when nothing is left."""
    if value.__class__ is dict:
        return {key: kept for key, item in value.items() if (kept := pruned(item)) is not None} or None
    if value.__class__ is list:
        return [kept for item in value if (kept := pruned(item)) is not None] or None
    return None if value == "" else value


def _leaf(item: Any) -> Any:
    if item.__class__ in _SCALARS or (item.__class__ is list and _all_scalars(item)):
        return item
    return _text(item)


def _all_scalars(items: list[Any]) -> bool:
    return all(each.__class__ in _SCALARS for each in items)


def _text(value: object) -> str | None:
    try:
        return dumps(value)
    except (TypeError, ValueError, RecursionError):
        return None
