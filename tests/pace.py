"""CPU time as it would be on the machine for which the bounds of tests were set, so that a slower one need not loosen them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

YARDSTICK = 0.0025
"""CPU seconds of ``_known_work`` on that machine: two cores of an Intel Xeon of 2026, CPython 3.11."""
_PAIR = re.compile(r"(\w+)=(\d+)")


def least_seconds(work: Callable[[], object], tries: int = 5) -> float:
    """The least CPU seconds that ``work`` took, each time beside a known piece of work; of a faster machine its own."""
    return min(_seconds(work) / slowness() for _ in range(tries))


def slowness() -> float:
    """How many times as long as on that machine a known piece of work takes at this moment; at least 1."""
    return max(1.0, _seconds(_known_work) / YARDSTICK)


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _known_work() -> int:
    """What parsing is made of: a pattern, dicts, small texts, JSON."""
    text = "".join(f"key{number}={number} " for number in range(2000))
    found = sum(int(pair[2]) for pair in _PAIR.finditer(text))
    return found + len(json.dumps({str(number): [number, str(number)] for number in range(3000)}))
