"""Raw objects into open fields: the mapping looks at a few declared leaves, and those are made safe for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from service.normalise.fitting import Shape
from service.normalise.plans import Misfit, Plans
from service.normalise.renaming import Renaming

MOST_ITEMS = 1000
"""Objects of a list that are kept; the event has the others."""
DEEPEST = 32
"""Levels of an object whose keys are renamed."""


@lru_cache(maxsize=512)
def open_object(
    leaves: tuple[str, ...],
    *,
    snake_case: bool = False,
    names: tuple[tuple[str, str], ...] = (),
    verbatim: tuple[str, ...] = (),
    moments: tuple[str, ...] = (),
) -> Callable[[object], str | None]:
    """A cast for an open field of which ``leaves`` are mapped: JSON text of an object, or of a list of objects.

    With ``snake_case`` its keys are renamed, see ``Renaming``.

    None for anything else (a lone scalar, a list that holds one), which the mapping would refuse.
    """
    shape = Shape(leaves)
    if not snake_case:
        return lambda value: _written(shape, value) if value and value.__class__ in (dict, list) else None
    renaming = Renaming(dict(names), verbatim, moments)
    plans, fitted = Plans(renaming, shape), shape.text if verbatim else shape.clean_text

    def cast(value: Any) -> str | None:
        if not value or value.__class__ not in (dict, list):
            return None
        try:
            found = plans.holder(value, DEEPEST)
        except Misfit:
            return _written(shape, renaming.of(value, DEEPEST))
        return fitted(found) if found.__class__ is dict else _list(found, fitted)

    return cast


def _written(shape: Shape, value: Any) -> str | None:
    return shape.fit(value) if value.__class__ is dict else _list(value, shape.fit)


def _list(items: list[Any], text_of: Callable[[Any], str | None]) -> str | None:
    if not all(item.__class__ is dict for item in items):
        return None
    texts = [text for item in items[:MOST_ITEMS] if (text := text_of(item)) is not None]
    return f"[{','.join(texts)}]" if texts else None
