"""ECS's categorisation fields: which values, and which types go with which category."""

from __future__ import annotations

from collections.abc import Iterator

from service.fields import Catalogue
from service.pipeline.schema import Class
from service.yaml_errors import closest


def class_faults(given: Class, catalogue: Catalogue) -> Iterator[tuple[str, str, str, str]]:
    """Key, code, reason and hint of everything ECS does not allow in one class."""
    for key in ("kind", "category", "type", "outcome"):
        spec = catalogue.get(f"event.{key}")
        value = getattr(given, key)
        if spec is None or value is None:
            continue
        for word in value if isinstance(value, list) else [value]:
            if word not in spec.allowed:
                hint = closest(word, spec.allowed) or f"ECS allows: {', '.join(spec.allowed)}"
                yield key, "not_allowed", f"event.{key} cannot be `{word}`", hint
    spec = catalogue.get("event.category")
    if spec is None or not given.category or not given.type:
        return
    expected = sorted({kind for category in given.category for kind in spec.expected_types.get(category, ())})
    for kind in given.type:
        if expected and kind not in expected:
            pair = f"event.type `{kind}` does not go with event.category {', '.join(given.category)}"
            yield "type", "bad_pair", pair, f"ECS expects: {', '.join(expected)}"
