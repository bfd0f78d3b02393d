"""Where the values are that a rule's field names mean: in the document, in its raw event, or nowhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import orjson

from service.detect.logsource import View
from service.detect.seen import RawForm, Seen, reach
from service.fields import Catalogue
from service.match.parse import TEXT
from service.match.values import split_path

_OBJECTS = frozenset({"object", "flat_object", "nested"})
_WHOLE = ("event.original", "message")
"""What a keyword is searched in."""
KEYWORDS = "|".join(_WHOLE)
"""What a keyword's field is called once it is resolved."""

Look = Callable[[Seen], object]
"""The value of something that a rule asks for."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A path; ``raw`` None: in the document. One that ends with ``*`` stands for all values there whose names begin so."""

    path: str
    raw: RawForm | None = None
    bare: bool = False
    """A value without a slash is a file without its folder."""

    @property
    def name(self) -> str:
        """What the spot is called where rules are compiled; that of a plain field is the field's."""
        name = f"{self.raw}:{self.path}" if self.raw else self.path
        return f"bare:{name}" if self.bare else name

    @property
    def ours(self) -> bool:
        """Whether what it holds stands in the document as we wrote it."""
        return self.raw is None and not self.bare

    @property
    def plain(self) -> bool:
        """Whether the value is a field of the document, as it stands there."""
        return self.ours and not self.path.endswith("*")


def spots(name: str, view: View, catalogue: Catalogue) -> tuple[Spot, ...] | None:
    """Where a name may be found, best first; empty: the log never has it; None: nobody knows the name."""
    found = _spots(name, view, catalogue)
    return tuple(replace(spot, bare=True) for spot in found) if found and name in view.bare_paths else found


def _spots(name: str, view: View, catalogue: Catalogue) -> tuple[Spot, ...] | None:
    if name == TEXT:
        return tuple(Spot(path) for path in _WHOLE)
    if name in view.either:
        name = view.either[name][0]
    if (mapped := view.fields.get(name)) is not None:
        return tuple(Spot(path, None if declared(path, catalogue) else view.raw) for path in mapped)
    if declared(name, catalogue):
        return (Spot(name),)
    if any(fnmatchcase(name, pattern) for pattern in view.lacks):
        return ()
    if view.below:
        return tuple(Spot(f"{parent}.{name}") for parent in view.below)
    return (Spot(name, view.raw),) if view.raw is not None else None


def declared(name: str, catalogue: Catalogue) -> bool:
    """Whether a document may carry the field: it is in the catalogue, or below an object that passes through."""
    if catalogue.get(name) is not None:
        return True
    parent = name
    while "." in parent:
        parent = parent.rpartition(".")[0]
        spec = catalogue.get(parent)
        if spec is not None:
            return spec.type in _OBJECTS
    return False


def look(found: tuple[Spot, ...]) -> Look:
    """The value at the first of these spots that has one."""
    looks = [_look(spot) for spot in found]
    if len(looks) == 1:
        return looks[0]

    def first(seen: Seen) -> object:
        for each in looks:
            value = each(seen)
            if value is not None:
                return value
        return None

    return first


def _look(spot: Spot) -> Look:
    if spot.bare:
        inside = _look(replace(spot, bare=False))
        return lambda seen: _rooted(inside(seen))
    path, keys, form = spot.path, split_path(spot.path), spot.raw
    if form is None:
        return (lambda seen: seen.at(path, keys)) if spot.plain else _all_below(keys)

    def in_raw(seen: Seen) -> object:
        event = seen.raw(form)
        value = reach(event, keys)
        return _spelt(event.get(path) if value is None else value)  # some write their dots into the keys

    return in_raw


def _all_below(keys: tuple[str, ...]) -> Look:
    """The values of an object whose names begin as the last key does, before its ``*``."""
    above, begin = keys[:-1], keys[-1].removesuffix("*")

    def values(seen: Seen) -> object:
        parent = reach(seen.document, above)
        if not isinstance(parent, dict):
            return None
        return [value for name, value in parent.items() if name.startswith(begin)] or None

    return values


def _rooted(value: object) -> object:
    if isinstance(value, str):
        return value if "/" in value else f"/{value}"
    return [_rooted(each) for each in value] if isinstance(value, list) else value


def _spelt(value: object) -> object:
    """An object of a raw event as its JSON text: rules look into it as into any other. A list without values is nothing."""
    if isinstance(value, dict):
        return orjson.dumps(value).decode()
    if isinstance(value, list):
        return [each for each in map(_spelt, value) if each is not None] or None
    return value
