"""Named parse steps: text → a dict of raw fields. One visible table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

PARSERS: dict[str, Callable[[str], dict[str, Any]]] = {}
"""Step name → function; it raises EventError (stage ``parse``) for text that it cannot take apart."""
