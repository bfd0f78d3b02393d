"""Durations and severities."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from service.normalise.steps.spec import StepFunction, StepSpec
from service.normalise.tables.syslog import SYSLOG_SEVERITIES, SYSLOG_SEVERITY_NUMBERS

NANOSECONDS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000}
LONG = 2**63
_CLOCK = re.compile(r"(\d{1,6}):(\d{1,2}):(\d{1,2}(?:\.\d{1,9})?)", re.ASCII)
BOUNDS: dict[str, float] = {"low": 0.0, "medium": 4.0, "high": 7.0, "critical": 9.0}
"""Where each label begins, as GuardDuty and CVSS have it."""


def number_of(value: object) -> float | int | None:
    """A finite number, also written as text; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if -LONG <= value < LONG else None
    if isinstance(value, str):
        try:
            value = float(value) if len(value) <= 40 else None
        except ValueError:
            return None
    return value if isinstance(value, float) and isfinite(value) else None


def seconds_of(value: object) -> float | None:
    """Seconds of ``12:34:56.789``, hours (any number of them), minutes and seconds; None for anything else."""
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    return None if found is None else int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])


def make_duration_ns(options: Mapping[str, Any]) -> StepFunction:
    """Sum of its inputs, given in ``unit`` (default ``s``), in nanoseconds and seconds; negative ones (ALB's -1) are absent."""
    unit = options.get("unit", "s")
    if unit not in NANOSECONDS and unit != "clock":
        raise ValueError(f"unit is one of {', '.join(NANOSECONDS)}, clock, not {unit!r}")
    factor = NANOSECONDS.get(unit, NANOSECONDS["s"])
    read = number_of if unit in NANOSECONDS else seconds_of

    def duration_ns(*parts: object) -> tuple[int | None, float | None]:
        numbers = [number for part in parts if part is not None and (number := read(part)) is not None and number >= 0]
        # Each part is rounded alone: 0.1 s + 0.2 s is 300,000,000 ns.
        if not numbers or max(numbers) * factor >= LONG:
            return None, None
        total = sum(round(number * factor) for number in numbers)
        return (total, total / NANOSECONDS["s"]) if total < LONG else (None, None)

    return duration_ns


def total(*parts: object) -> tuple[int | None]:
    """Sum of the whole numbers among its inputs; None when there is none."""
    numbers = [int(number) for part in parts if part is not None and (number := number_of(part)) is not None]
    found = sum(numbers) if numbers else LONG
    return (found if -LONG <= found < LONG else None,)


def make_severity_label(options: Mapping[str, Any]) -> StepFunction:
    """The last label of ``bounds`` (label → smallest severity) that the number reaches."""
    bounds = options.get("bounds", BOUNDS)
    if not isinstance(bounds, Mapping) or not bounds:
        raise ValueError("bounds is a mapping of label to smallest severity")
    labels: list[tuple[float, str]] = []
    for label, bound in bounds.items():
        smallest = number_of(bound)
        if smallest is None:
            raise ValueError(f"{label!r} begins at {bound!r}, which is no number")
        labels.append((float(smallest), str(label)))
    labels.sort(reverse=True)

    def severity_label(severity: object) -> tuple[str | None]:
        number = number_of(severity)
        if number is None:
            return (None,)
        return (next((label for bound, label in labels if number >= bound), None),)

    return severity_label


def rename_severity(value: object) -> tuple[str | None, int | None]:
    """Syslog's word and number for whatever a program calls its levels: ``WARN``, ``E``, ``panic``, ``3``."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None, None
    name = str(value).strip(" []<>:").lower() if not isinstance(value, str) or len(value) <= 40 else ""
    number = int(name) if name in SYSLOG_SEVERITIES else SYSLOG_SEVERITY_NUMBERS.get(_LETTERS.get(name, name))
    return (None, None) if number is None else (SYSLOG_SEVERITIES[str(number)], number)


# klog and glog write one letter.
_LETTERS = {"i": "info", "w": "warning", "e": "error", "f": "fatal", "d": "debug", "t": "trace", "n": "notice"}

STEPS: dict[str, StepSpec] = {
    "duration_ns": StepSpec(
        make_duration_ns({}),
        ("value", "second", "third", "fourth"),
        {"nanoseconds": "int", "seconds": "float"},
        options=("unit",),
        make=make_duration_ns,
    ),
    "sum": StepSpec(total, ("a", "b", "c", "d"), {"total": "int"}),
    "severity_label": StepSpec(
        make_severity_label({}), ("severity",), {"label": "str"}, options=("bounds",), make=make_severity_label
    ),
    "rename_severity": StepSpec(rename_severity, ("severity",), {"level": "str", "number": "int"}, cuts=True),
}
