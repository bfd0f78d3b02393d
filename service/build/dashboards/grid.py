"""Where panels stand: left to right, a new row when one does not fit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

WIDTH = 48
"""Columns of a dashboard."""
Size = tuple[int, int]

SIZES: dict[str, Size] = {
    "metric": (8, 5), "line": (24, 12), "area": (24, 12), "bar": (24, 12), "pie": (16, 12), "table": (24, 14),
    "heatmap": (24, 14), "map": (24, 18), "tagcloud": (16, 12), "gauge": (8, 8), "search": (48, 18), "markdown": (48, 3),
    "controls": (48, 5),
}  # fmt: skip
"""What suits each kind."""
NAVIGATION_SIZE: Size = (48, 5)
"""Of the links at the top."""


def places(sizes: Iterable[Size]) -> Iterator[dict[str, int | str]]:
    """``gridData`` of each panel, in order; ``i`` counts from 1."""
    x = y = tallest = 0
    for number, (width, height) in enumerate(sizes, 1):
        if x + width > WIDTH:
            x, y, tallest = 0, y + tallest, 0
        yield {"x": x, "y": y, "w": width, "h": height, "i": str(number)}
        x, tallest = x + width, max(tallest, height)
