"""Relative paths in settings count from the folder of their file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from service.pipeline.schema import Model

M = TypeVar("M", bound=Model)


def anchored(settings: M, base: Path, fields: Iterable[tuple[str, str]]) -> M:
    """The settings with absolute paths in the fields named (section, field), which hold a path, some, or none."""

    def at(path: Path) -> Path:
        return path if path.is_absolute() else (base / path).resolve()

    changed: dict[str, dict[str, object]] = {}
    for section, name in fields:
        value = getattr(getattr(settings, section), name)
        if value is not None:
            changed.setdefault(section, {})[name] = [at(path) for path in value] if isinstance(value, list) else at(value)
    return with_fields(settings, changed)


def with_fields(settings: M, changed: dict[str, dict[str, object]]) -> M:
    """The settings with other values in some fields: section → field → value."""
    update = {section: getattr(settings, section).model_copy(update=fields) for section, fields in changed.items()}
    return settings.model_copy(update=update)
