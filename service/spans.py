"""Spans and moments of time as operators write them in YAML, and moments as documents have them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator

_UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}


def duration_ms(text: str) -> int:
    """A span like ``90m`` in milliseconds."""
    return int(text[:-1]) * _UNIT_MS[text[-1]]


def moment_ms(text: str) -> int:
    """A date (its beginning, UTC) or a time in milliseconds since the epoch; raises ValueError for anything else."""
    when = datetime.fromisoformat(text)
    return round((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)


def moment(at_ms: int) -> str:
    """A time as documents have it."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _a_time(text: str) -> str:
    try:
        moment_ms(text)
    except ValueError:
        raise ValueError("is no date like 2026-12-01 and no time like 2026-12-01T08:00:00Z") from None
    return text


Moment = Annotated[str, AfterValidator(_a_time)]
"""Text that ``moment_ms`` reads."""
