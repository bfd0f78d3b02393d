"""Is a document what the catalogue promises? Every leaf declared, of its type, with the values ECS allows."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Any

from service.fields import Catalogue, FieldSpec
from service.yaml_errors import closest

_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")
_LONG = 2**63
_DOTTED = object()
_EITHER = ("error.message",)
"""One value from the source, an array when the service has something to say too."""
_OPEN = ("object", "flat_object", "nested", "geo_point")


def check_document(document: dict[str, Any], catalogue: Catalogue) -> list[str]:
    """One sentence for everything that is wrong with the document; [] when nothing is."""
    faults: list[str] = []
    for name, value in _leaves(document, "", catalogue):
        spec = catalogue.get(name)
        if value is _DOTTED:
            faults.append(f"{name} is a dotted key: documents are nested")
        elif spec is None:
            hint = closest(name, catalogue.fields)
            faults.append(f"{name} is not declared in ecs.yml, siem.yml or fields.yml" + (f" ({hint})" if hint else ""))
        else:
            faults.extend(value_faults(spec, value))
    return faults + _category_faults(document, catalogue)


def _leaves(value: dict[str, Any], prefix: str, catalogue: Catalogue) -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        name = f"{prefix}{key}"
        if "." in key:
            yield name, _DOTTED
            continue
        spec = catalogue.get(name)
        if spec is not None and spec.type in _OPEN:
            yield name, inner
            objects = inner if isinstance(inner, list) else [inner]
            if spec.open:
                continue  # passes through as the source wrote it
            if spec.type in ("object", "nested") and any(field.startswith(f"{name}.") for field in catalogue.fields):
                for item in objects:
                    if isinstance(item, dict):
                        yield from _leaves(item, f"{name}.", catalogue)
        elif isinstance(inner, dict):
            if not inner:
                yield name, inner
            yield from _leaves(inner, f"{name}.", catalogue)
        else:
            yield name, inner


def value_faults(spec: FieldSpec, value: Any) -> Iterator[str]:
    """What is wrong with a value of this field, a sentence each."""
    if value is None or value in ("", [], {}):
        yield f"{spec.name} is empty: leave it out"
        return
    if isinstance(value, list) != spec.array and (spec.array or spec.type not in _OPEN) and spec.name not in _EITHER:
        yield f"{spec.name} must be an array" if spec.array else f"{spec.name} must be one value, not an array"
    for item in value if isinstance(value, list) else [value]:
        if not _FITS[spec.type](item):
            yield f"{spec.name} is {item!r:.80}, which is no {spec.type}"
        elif spec.allowed and item not in spec.allowed:
            yield f"{spec.name} is {item!r:.80}; ECS allows {', '.join(spec.allowed)}"


def _category_faults(document: dict[str, Any], catalogue: Catalogue) -> list[str]:
    event = document.get("event", {})
    spec = catalogue.get("event.category")
    categories, types = event.get("category"), event.get("type")
    if spec is None or not spec.expected_types or not isinstance(categories, list):
        return []
    if not isinstance(types, list):
        return []
    expected = {kind for category in categories for kind in spec.expected_types.get(category, ())}
    return [
        f"event.type {kind} does not go with event.category {', '.join(map(str, categories))}"
        for kind in types
        if kind not in expected
    ]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -_LONG <= value < _LONG


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_address(value: Any) -> bool:
    try:
        ipaddress.ip_address(value if isinstance(value, str) else "")
    except ValueError:
        return False
    return "%" not in value


def _is_date(value: Any) -> bool:
    return isinstance(value, str) and _DATE.fullmatch(value) is not None


def _is_point(value: Any) -> bool:
    if isinstance(value, dict):
        value = [value.get("lon"), value.get("lat")]
    numbers = isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))
    return numbers or _is_number(value)  # a list [lon, lat] is seen item by item


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


_FITS: dict[str, Callable[[Any], bool]] = {
    "keyword": _is_text,
    "wildcard": _is_text,
    "text": _is_text,
    "match_only_text": _is_text,
    "long": _is_whole,
    "integer": lambda value: _is_whole(value) and abs(value) < 2**31,
    "float": _is_number,
    "double": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "date": _is_date,
    "ip": _is_address,
    "geo_point": _is_point,
    "object": _is_object,
    "flat_object": _is_object,
    "nested": _is_object,
}
