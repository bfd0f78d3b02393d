"""What keeps a rule from being stable: what it does not say, what no sample shows, and how it has fared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from service.detect.coverage import techniques
from service.detect.rule import About
from service.detect.samples import MATCH, NO_MATCH, folder_of, samples_of

NOISY_A_DAY = 20.0
"""Matches a day, beyond which a rule is noisy."""
EXPENSIVE_US = 5.0
"""Microseconds an event: a twentieth of what an event may cost altogether."""


@dataclass(frozen=True, slots=True)
class Record:
    """How a rule has fared where it ran; None: nobody knows."""

    matches_a_day: float | None = None
    microseconds: float | None = None


def hindrances(about: About, record: Record, *, noisy: float = NOISY_A_DAY, expensive: float = EXPENSIVE_US) -> Iterator[str]:
    """Why the rule should not be stable yet, each reason in words."""
    if not about.description:
        yield "no description"
    if not techniques(about):
        yield "no technique of ATT&CK among its tags"
    if not about.falsepositives:
        yield "no falsepositives"
    if not about.custom.get("triage"):
        yield "no triage"
    samples = folder_of(Path(about.place.file))
    names = [path.name for path in samples_of(samples)] if samples.is_dir() else []
    if not any(name.startswith(MATCH) for name in names):
        yield "no sample that matches"
    if not any(name.startswith(NO_MATCH) for name in names):
        yield "no sample that nearly matches"
    if record.matches_a_day is not None and record.matches_a_day > noisy:
        yield f"noisy: {record.matches_a_day:,.1f} matches a day, more than {noisy:g}"
    if record.microseconds is not None and record.microseconds > expensive:
        yield f"expensive: {record.microseconds:.2f} µs an event, more than {expensive:g}"
