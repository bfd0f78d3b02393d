"""What decoding collects: runs of events that share their facts, broken units, and what carries no event by design."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from service.decode.limits import Limits
from service.decode.tables import NONE, Tables
from service.errors import EventError
from service.event import Origin


class Run(msgspec.Struct):
    """Raw events that share all facts; event i begins at ``lines[i]``.

    It is number ``first + i`` of its record, or of its object where it has an origin.
    """

    events: list[str]
    lines: Sequence[int]
    """1-based input lines, or the numbers inside the array or envelope when the input is a single one."""
    first: int
    transport: str = "plain"
    ids: list[str] | None = None
    times: list[int] | None = None
    account: str | None = None
    region: str | None = None
    log_group: str | None = None
    log_stream: str | None = None
    source: str | None = None
    detail_type: str | None = None
    envelope_id: str | None = None
    envelope_time: str | None = None
    columns: str | None = None
    envelope_resources: list[str] | None = None
    envelope_line: int = 0
    """Line of the array or envelope the events came out of; ``lines`` are then numbers inside it. 0: of none."""
    origin: Origin | None = None
    written_ms: int | None = None
    """When the object was written, of events that have an origin."""

    @property
    def s3_bucket(self) -> str | None:
        """The fact of that name."""
        return self.origin.bucket if self.origin is not None else None

    @property
    def s3_key(self) -> str | None:
        """The fact of that name."""
        return self.origin.key if self.origin is not None else None


class Broken(msgspec.Struct):
    """The smallest unit that cannot be used; ``index`` -1 is the record as a whole."""

    index: int
    line: int
    data: bytes
    code: str
    reason: str
    envelope_line: int = 0
    stage: str = "decode"
    origin: Origin | None = None
    written_ms: int | None = None


class Units:
    """Collects, in order; every event and every broken unit takes the next number of the record."""

    def __init__(self, limits: Limits, tables: Tables = NONE) -> None:
        self.limits = limits
        self.tables = tables
        """Tables whose header lines are known."""
        self.runs: list[Run] = []
        self.broken: list[Broken] = []
        self.control = 0
        """Units that carry no event by design: control messages, empty envelopes, header lines."""
        self.columns: str | None = None
        """Header line in force for the text that follows."""
        self.next = 0
        self.values = 0
        """JSON values and lines of text at the top level of the payload."""
        self._envelope_line = 0
        self._open: Run | None = None

    def plain(self, event: str, line: int) -> None:
        """Add one event without facts of its own; neighbours share a run."""
        run = self._open
        if run is None or run.columns != self.columns:
            run = self._open = Run([], [], self.next, columns=self.columns, envelope_line=self._envelope_line)
            self.runs.append(run)
        run.events.append(event)
        run.lines.append(line)  # type: ignore[attr-defined]  # an open run holds a list
        self.next += 1

    @property
    def full(self) -> bool:
        """Whether a further unit must not be looked at: more than a record can mean."""
        return self.next >= self.limits.events or len(self.broken) >= self.limits.broken

    def gives_up(self, rest: bytes, line: int) -> None:
        """Add all that is left as one broken unit; nothing is added for white space."""
        if rest.strip():
            reason = f"more than {self.limits.events} events or {self.limits.broken} broken ones in one record"
            self.breaks(rest, line, "too_many_units", reason)

    def plain_lines(self, lines: list[str], first_line: int) -> None:
        """Add many lines of text at once, none of them blank or a header."""
        room = max(self.limits.events - self.next, 0)
        if len(lines) > room:
            if room:
                self.plain_lines(lines[:room], first_line)
            self.gives_up("\n".join(lines[room:]).encode(), first_line + room)
            return
        self.plain(lines[0], first_line)
        run = self.runs[-1]
        run.events.extend(lines[1:])
        run.lines.extend(range(first_line + 1, first_line + len(lines)))  # type: ignore[attr-defined]  # the list grows, its type is a sequence
        self.next += len(lines) - 1
        self.values += len(lines)

    def add(self, run: Run) -> None:
        """Add a run whose ``first`` is ``next``."""
        self._open = None
        run.envelope_line = self._envelope_line
        self.runs.append(run)
        self.next += len(run.events)

    def breaks(self, data: bytes, line: int, code: str, reason: str) -> None:
        """Add a unit that cannot be used."""
        self._open = None
        self.broken.append(Broken(self.next, line, data, code, reason, self._envelope_line))
        self.next += 1

    def fails(self, data: bytes, error: EventError) -> None:
        """Give up the record as a whole."""
        self._open = None
        self.broken.append(Broken(-1, 1, data, error.code, error.reason))

    def enter(self, line: int) -> None:
        """Begin an array or envelope at ``line``: what follows is numbered inside it; 0 ends it."""
        self._open = None
        self._envelope_line = line

    def finish(self) -> None:
        """Settle the line numbers: numbers inside an envelope stand only if it is all there is."""
        if self.values <= 1:
            return
        for run in self.runs:
            if run.envelope_line:
                run.lines = [run.envelope_line] * len(run.events)
        for broken in self.broken:
            broken.line = broken.envelope_line or broken.line

    def found(self) -> int:
        """Return how many events, broken units and control units there are."""
        return sum(len(run.events) for run in self.runs) + len(self.broken) + self.control


def failure(code: str, reason: str) -> EventError:
    """Return the EventError of this stage."""
    return EventError("decode", code, reason)
