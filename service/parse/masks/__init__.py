"""Masks: text → the same text without what gives access. One visible table; a pipeline names them under ``parse.mask``."""

from __future__ import annotations

from collections.abc import Callable

from service.parse.masks.api_keys import api_keys
from service.parse.masks.sql_secrets import sql_secrets

MASKS: dict[str, Callable[[str], str]] = {
    "api_keys": api_keys,
    "sql_secrets": sql_secrets,
}
"""Mask name → function; it takes any text, raises for none, and is idempotent."""
