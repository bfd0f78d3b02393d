"""Being told to stop before the service has begun: a clean end, where Python's own is death by signal."""

from __future__ import annotations

import signal
import sys
from types import FrameType


def listen() -> None:
    """End with 0 at SIGTERM or SIGINT from now on; whoever has something to drain takes the signals over."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)


def _leave(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a signal handler's signature
    sys.exit(0)
