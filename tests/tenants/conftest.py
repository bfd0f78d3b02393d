"""The deployment that a hostile project attacks."""

from __future__ import annotations

from tests.replay.conftest import deployment

__all__ = ["deployment"]
