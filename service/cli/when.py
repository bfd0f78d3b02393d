"""Times as people type them: a span before now, or a moment."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import click

from service.clock import SystemClock

_SPAN = re.compile(r"([1-9][0-9]{0,4})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class When(click.ParamType):
    """``30m``, ``12h``, ``7d`` before now, or an ISO 8601 time (UTC where it names no zone); gives milliseconds."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Milliseconds since the epoch."""
        if isinstance(value, int):
            return value
        if (span := _SPAN.fullmatch(str(value))) is not None:
            return SystemClock().now_ms() - int(span[1]) * _SECONDS[span[2]] * 1000
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is neither a span like 12h nor a time like 2026-11-21T08:00Z", param, ctx)
        return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


WHEN = When()
