"""What can go wrong, as types that say what the caller must do.

SiemError
├── ContentError   a file of ours or the operator's is wrong: stop before the first event
│                  (ContentErrors: all those of one file or folder, an ExceptionGroup)
├── EventError     an event is wrong: dead-letter it and go on
├── Backpressure   the far side is busy: wait, then do the same thing again
└── LeaseLost      another worker owns this shard: drop what is in flight, checkpoint nothing
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something stands: ``line`` and ``column`` count from 1, 0 means the file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """``file:line:column``, the form editors jump to."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


class SiemError(Exception):
    """Root of everything this service raises on purpose."""


class ContentError(SiemError):
    """A configuration file is wrong; the service must not start (or must keep its old configuration).

    ``place`` says where, ``code`` which check refused it, ``hint`` what to do about it ("" when nothing is known).
    """

    def __init__(self, place: Place, code: str, reason: str, hint: str = "") -> None:
        """Remember place, code, reason and hint; ``str()`` gives ``file:line:col code: reason (hint)``."""
        self.place = place
        self.code = code
        self.reason = reason
        self.hint = hint
        super().__init__(f"{place} {code}: {reason}" + (f" ({hint})" if hint else ""))


class ContentErrors(ExceptionGroup[ContentError]):
    """Every ContentError that was found at once; ``faults`` holds them."""

    @property
    def faults(self) -> list[ContentError]:
        """All of them, flat."""
        found: list[ContentError] = []
        for error in self.exceptions:
            found.extend(error.faults if isinstance(error, ContentErrors) else [error])  # type: ignore[list-item]  # a group holds nothing else
        return found

    def derive(self, excs: Sequence[ContentError]) -> ContentErrors:  # type: ignore[override]  # narrower on purpose: except* keeps the class
        """Keep the kind when ``split`` and ``except*`` divide the group."""
        return ContentErrors(self.message, excs)

    def __str__(self) -> str:
        """One line for each error."""
        return "\n".join(str(error) for error in self.faults)


class EventError(SiemError):
    """One event (or the smallest broken unit around it) cannot be used; its neighbours go on.

    ``stage`` is the folder of ``service/`` that gave up (decode, route, parse, normalise, sink), ``code`` a stable
    snake_case word, ``field`` the raw or ECS field at fault, if one is.
    """

    def __init__(self, stage: str, code: str, reason: str, field: str | None = None) -> None:
        """Remember stage, code, reason and field."""
        self.stage = stage
        self.code = code
        self.reason = reason
        self.field = field
        super().__init__(f"{stage}/{code}: {reason}")


class Backpressure(SiemError):
    """The far side is busy or away; ``wait`` is its own suggestion in seconds, or None."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        """Remember the reason and the suggested wait."""
        self.reason = reason
        self.wait = wait
        super().__init__(reason)


class LeaseLost(SiemError):
    """Another worker took ``lease_key``; whoever holds in-flight work for it must drop it without a checkpoint."""

    def __init__(self, lease_key: str) -> None:
        """Remember which lease."""
        self.lease_key = lease_key
        super().__init__(lease_key)
