"""What a process settles before it has begun: that being told to stop is a clean end, and how often garbage is looked for."""

from __future__ import annotations

import gc
import signal
import sys
from types import FrameType


def listen() -> None:
    """End with 0 at SIGTERM or SIGINT from now on; whoever has something to drain takes the signals over."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)


def calm() -> None:
    """Look for cycles of garbage seldom.

    Reading and compiling makes a million objects that stay: looking through them as often as Python does takes a fifth of the
    time.
    """
    gc.set_threshold(50_000, 20, 50)


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's signature
    sys.exit(0)
