"""What one process met of format drift today: counted in memory, bounded in every direction, handed out to be stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import orjson

from service.drift.finding import OTHERS, Finding, Kind, Owner, What
from service.drift.naming import FEW, MOST, example, told
from service.pipeline.compiled import Carried
from service.spans import moment

DISTINCT = 200
"""Findings of one project and dataset that are told apart in a day; the others are one finding."""
VALUES = 20
"""New values of one field."""
ALL = 20_000
"""Findings of a process in a day."""
_DAY = len("2026-11-30")

Count = Callable[[Owner, Kind, int], None]
"""Is told how many of a kind one slice held."""


class Tally:
    """Counts; a worker has one. Counts are telemetry: a worker that is killed takes its last seconds of them along."""

    def __init__(self, count: Count | None = None) -> None:
        """``count`` is told of every slice that held something."""
        self._count = count
        self._day = ""
        self._found: dict[tuple[Owner, What], Finding] = {}
        self._held: Counter[Owner] = Counter()
        self._values: Counter[tuple[Owner, str]] = Counter()
        self._dirty: dict[tuple[Owner, What], None] = {}
        self._past: list[tuple[str, Finding]] = []

    def hear(self, owner: Owner, version: str, carried: Carried, at_ms: int) -> None:
        """Count what is odd about the events of a slice that arrived at ``at_ms``."""
        day = moment(at_ms)[:_DAY]
        if day > self._day:
            self._past += [(self._day, self._found[key]) for key in self._dirty]
            self._day = day
            for table in (self._found, self._held, self._values, self._dirty):
                table.clear()
        kinds: Counter[Kind] = Counter()
        for at, flaw in carried.odd:
            most = MOST if self._held[owner] < DISTINCT else FEW
            for what, value in told(flaw, carried.leftovers, carried.open, most):
                kinds[what.kind] += 1
                self._meet(owner, what, value, version, carried, at, at_ms)
        if self._count is not None:
            for kind, number in kinds.items():
                self._count(owner, kind, number)

    def _meet(self, owner: Owner, what: What, value: object, version: str, carried: Carried, at: int, at_ms: int) -> None:
        known = self._found.get((owner, what))
        if known is None:
            what = self._room(owner, what)
            known = self._found.get((owner, what))
        if known is None:
            self._held[owner] += 1
            index, identity = document_of(carried, at)
            shown = example(tuple(what.path.split(".")), value) if what.path != OTHERS else ""
            known = self._found[owner, what] = Finding(owner, what, version, shown, index, identity, at_ms, at_ms)
        known.meet(at_ms, version)
        self._dirty[owner, what] = None

    def _room(self, owner: Owner, what: What) -> What:
        """The finding that counts this: its own, or one for all that there is no room for."""
        if self._held[owner] >= DISTINCT or len(self._found) >= ALL:
            return What(what.kind, OTHERS)
        if what.value:
            if self._values[owner, what.path] >= VALUES:
                return What("value", what.path, OTHERS, what.wanted)
            self._values[owner, what.path] += 1
        return what

    def take(self) -> list[tuple[str, Finding]]:
        """Day and finding of what changed since it was taken last; to be given back where it could not be stored."""
        taken = [*self._past, *((self._day, self._found[key]) for key in self._dirty)]
        self._past = []
        self._dirty.clear()
        return taken

    def give_back(self, taken: list[tuple[str, Finding]]) -> None:
        """Take again what was not stored; of other days no more than there is room for."""
        for day, finding in taken:
            if day == self._day:
                self._dirty[finding.owner, finding.what] = None
            elif len(self._past) < ALL:
                self._past.append((day, finding))

    def findings(self) -> list[Finding]:
        """All of today's."""
        return list(self._found.values())


def document_of(carried: Carried, at: int) -> tuple[str, str]:
    """Index and ``_id`` of an event's document; empty where it got none."""
    try:
        piece = carried.pieces[carried.at.index(at)]
    except ValueError:
        return "", ""
    created = orjson.loads(piece[: piece.index("\n")])["create"]
    return str(created["_index"]), str(created["_id"])
