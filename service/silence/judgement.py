"""The verdict on one source: what is known of it, how far we are ourselves, and what the operator wants to hear."""

from __future__ import annotations

from dataclasses import dataclass

from service.silence.rhythm import HOUR_MS, Habit, habit
from service.silence.rules import Limits, Mute
from service.silence.source import State, Watched

STALE_MS = 10 * 60_000
"""Further behind than this, a silence may be our own."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to say of a source now."""

    state: State
    quiet_ms: int
    """How long nothing has arrived, as far as we can tell."""
    patience_ms: int | None
    """How long that may be; None while too little is known."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Through:
    """Up to when everything that arrived has been heard of."""

    ms: int | None
    reason: str = ""
    """Why that is not known, or long ago."""


def patience(watched: Watched, limits: Limits, learnt: Habit | None = None) -> int | None:
    """How long the source may be quiet: learnt, within what the operator set."""
    found = learnt or habit(watched.rhythm, limits.after_ms)
    if limits.within_ms is None:
        return found.patience_ms
    return limits.within_ms if found.patience_ms is None else max(limits.after_ms, min(limits.within_ms, found.patience_ms))


def judge(watched: Watched, learnt: Habit, limits: Limits, mute: Mute | None, through: Through, now_ms: int) -> Verdict:
    """The verdict; only what is known to have had the time to reach us can be missed."""
    allowed = patience(watched, limits, learnt)
    last_ms = watched.rhythm.last_ms
    until = now_ms if through.ms is None else min(now_ms, through.ms)
    quiet = max(0, until - last_ms)
    if watched.alert is not None and last_ms <= watched.alert.last_ms:
        # It was declared, and nothing came since: whatever befalls us now does not make it speak.
        return Verdict("silent", max(0, now_ms - last_ms), watched.alert.patience_ms)
    if through.ms is None or now_ms - until > STALE_MS:
        # Something arrived lately all the same: then it is not the source that keeps quiet.
        if now_ms - last_ms <= STALE_MS:
            return Verdict("heard", max(0, now_ms - last_ms), allowed)
        behind = "" if through.ms is None else f"we are {(now_ms - until) // 60_000} min behind"
        return Verdict("unknown", quiet, allowed, ": ".join(part for part in (through.reason, behind) if part))
    if allowed is None:
        return Verdict("learning", quiet, None, "seen too seldom to know its rhythm")
    if quiet <= allowed:
        state: State = "learning" if learnt.learning else "heard"
        return Verdict(state, quiet, allowed, "less than two weeks of history" if learnt.learning else "")
    if mute is not None:
        return Verdict("muted", quiet, allowed, f"muted until {mute.until}: {mute.reason}")
    return Verdict("silent", quiet, allowed)


def span(ms: int) -> str:
    """A span of time for people."""
    minutes = ms // 60_000
    if minutes < 120:
        return f"{minutes} min"
    return f"{ms // HOUR_MS} h" if ms < 72 * HOUR_MS else f"{ms // (24 * HOUR_MS)} d"
