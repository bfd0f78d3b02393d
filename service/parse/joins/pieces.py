"""What pieces of one event have in common, and how much of them is put together."""

from __future__ import annotations

JOINED = "\0joined"
"""Stands for a piece whose text is in the event before it; no event is that."""
MOST_PIECES = 1_000
MOST_CHARACTERS = 1 << 18
"""Of one event: what comes after begins a new one."""
