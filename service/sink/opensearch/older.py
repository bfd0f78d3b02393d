"""Templates for clusters that cannot yet do what ours rely on."""

from __future__ import annotations

from typing import Any

from service.cluster import Kind, Wanted

SEARCHES_COLUMNS = (2, 19)
"""First version of OpenSearch that finds a keyword by its doc values alone; one before refuses the search."""


def version_of(number: str) -> tuple[int, int]:
    """``2.19.1`` → (2, 19); something odd counts as new."""
    parts = number.split(".")
    try:
        return int(parts[0]), int(parts[1])
    except (IndexError, ValueError):
        return SEARCHES_COLUMNS


def fitted(wanted: Wanted, version: tuple[int, int]) -> Wanted:
    """The object as a cluster of that version takes it: before 2.19 every column is indexed as well, at its price."""
    if wanted.kind is not Kind.TEMPLATE or version >= SEARCHES_COLUMNS:
        return wanted
    return Wanted(wanted.kind, wanted.name, _indexed(wanted.body))


def _indexed(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    if part.get("index") is False and part.get("doc_values") is not False and isinstance(part.get("type"), str):
        return {key: value for key, value in part.items() if key != "index"}
    return {key: _indexed(value) for key, value in part.items()}
