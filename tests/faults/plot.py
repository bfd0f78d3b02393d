"""Lines over time as SVG: nothing but text, so that a review shows what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, GAP = 960, 150, 70, 42
COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#57606a")


@dataclass(frozen=True, slots=True)
class Panel:
    """One diagram: a title with its unit, and named series of one value for each moment."""

    title: str
    series: Mapping[str, Sequence[float]]


def svg(seconds: Sequence[float], panels: Sequence[Panel], marks: Sequence[tuple[float, str]]) -> str:
    """Panels under each other over the same time; ``marks`` are moments with a word, drawn as thin lines."""
    height = len(panels) * (HEIGHT + GAP) + 30
    total = WIDTH + LEFT + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{total}" height="{height}" fill="white"/>',
    ]
    last = max(seconds[-1], 1.0) if seconds else 1.0
    for number, panel in enumerate(panels):
        parts += _panel(panel, number * (HEIGHT + GAP) + 26, seconds, last, marks)
    step = 600 if last > 1800 else 60
    bottom = len(panels) * (HEIGHT + GAP)
    for at in range(0, int(last) + 1, step):
        x = LEFT + at / last * WIDTH
        parts.append(f'<text x="{x:.0f}" y="{bottom}" text-anchor="middle" fill="#57606a">{at // 60} min</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel, top: int, seconds: Sequence[float], last: float, marks: Sequence[tuple[float, str]]) -> list[str]:
    most = max((value for values in panel.series.values() for value in values), default=0) or 1
    parts = [f'<text x="{LEFT}" y="{top - 8}" font-weight="bold">{escape(panel.title)}</text>']
    for at, name in marks:
        x = LEFT + at / last * WIDTH
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{top + HEIGHT}" stroke="#d8dee4">')
        parts.append(f"<title>{escape(name)}</title></line>")
    for part in (0.0, 0.5, 1.0):
        y = top + HEIGHT - part * HEIGHT
        parts.append(f'<line x1="{LEFT}" x2="{LEFT + WIDTH}" y1="{y}" y2="{y}" stroke="#afb8c1" stroke-width="0.5"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end" fill="#57606a">{most * part:,.4g}</text>')
    for number, (name, values) in enumerate(panel.series.items()):
        colour = COLOURS[number % len(COLOURS)]
        pairs = zip(seconds, values, strict=True)
        points = " ".join(f"{LEFT + at / last * WIDTH:.1f},{top + HEIGHT - value / most * HEIGHT:.1f}" for at, value in pairs)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.2"/>')
        x = LEFT + WIDTH - 150 * (len(panel.series) - number)
        parts.append(f'<text x="{x}" y="{top - 8}" fill="{colour}">{escape(name)}</text>')
    return parts
