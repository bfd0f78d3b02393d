"""``--config`` as every verb takes it, and the hint beside "does not answer"."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

CONFIG = Path("siem.yml")

config_option: Callable[[Any], Any] = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    envvar="SIEM_CONFIG",
    default=lambda: CONFIG if CONFIG.is_file() else None,
    help="Settings; default: siem.yml here, if there is one. SIEM_<SECTION>_<FIELD> in the environment wins.",
)


def where_from(config: Path | None, key: str) -> str:
    """In brackets, where the address came from: what to correct when nobody answers there."""
    variable = f"SIEM_{key.replace('.', '_').upper()}"
    if variable in os.environ:
        return f"({variable} in the environment)"
    if config is None:
        return f"({key} is at its default: give --config, or set {variable})"
    return f"({key} in {config})"


def say_it_once() -> None:
    """For verbs that end with one line of their own: Kafka's client would print each attempt above it."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
