"""What went wrong lately, for the status page: one entry for each kind, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from service.clock import Clock
from service.telemetry.advice import advice

MOST = 40
TEXT = 400


class Problem(msgspec.Struct):
    """A kind of warning or error."""

    event: str
    level: str
    count: int
    first_ms: int
    last_ms: int
    detail: str
    advice: str


class Problems:
    """The latest kinds of problems of a process; bounded."""

    def __init__(self, clock: Clock) -> None:
        """Remember nothing yet."""
        self._clock = clock
        self._known: dict[str, Problem] = {}

    def note(self, event: str, level: str, detail: Mapping[str, object]) -> None:
        """Remember one more; ``detail`` must be redacted already."""
        now = self._clock.now_ms()
        text = " ".join(f"{key}={value}" for key, value in detail.items())[:TEXT]
        problem = self._known.pop(event, None)
        if problem is None:
            problem = Problem(event, level, 0, now, now, "", advice(event))
        problem.count += 1
        problem.level = level
        problem.last_ms = now
        problem.detail = text
        self._known[event] = problem
        if len(self._known) > MOST:
            del self._known[next(iter(self._known))]

    def latest(self) -> list[Problem]:
        """Return copies, newest last."""
        return [msgspec.structs.replace(problem) for problem in self._known.values()]


def merge_problems(lists: Iterable[Iterable[Problem]]) -> list[Problem]:
    """Return the problems of several workers as one list, newest first."""
    merged: dict[str, Problem] = {}
    for problem in (problem for problems in lists for problem in problems):
        held = merged.get(problem.event)
        if held is None:
            merged[problem.event] = msgspec.structs.replace(problem)
            continue
        newer = problem if problem.last_ms >= held.last_ms else held
        merged[problem.event] = msgspec.structs.replace(
            newer, count=held.count + problem.count, first_ms=min(held.first_ms, problem.first_ms)
        )
    return sorted(merged.values(), key=lambda problem: -problem.last_ms)
