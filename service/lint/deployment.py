"""Files of a deployment: streams, forwarding, projects, threat lists, silence, settings. Their first name says which they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from service.alerts.tuning import load_alert_rules
from service.enrich.accounts import read_projects
from service.enrich.threat_files import read_lists
from service.errors import ContentError, ContentErrors
from service.settings import load_settings
from service.silence.rules import load_rules
from service.source.forwarding import load_forwarding
from service.source.streams import load_streams

READERS: dict[str, Callable[[Path], object]] = {
    "streams": load_streams,
    "projects": read_projects,
    "lists": read_lists,
    "silence": load_rules,
    "alerts": load_alert_rules,
    "forward": load_forwarding,
    "siem": lambda path: load_settings(path, {}),
}
"""``streams.yml``, ``streams.example.yml`` … → what reads and validates them."""


def deployment_files(folder: Path) -> Iterator[Path]:
    """The files in a folder that a deployment consists of."""
    for path in sorted(folder.glob("*.yml")):
        if kind_of(path) is not None:
            yield path


def kind_of(path: Path) -> str | None:
    """Which file of a deployment this is, by its name; None when it is none."""
    first = path.name.partition(".")[0]
    return first if first in READERS and path.suffix in (".yml", ".yaml") else None


def check_deployment(path: Path) -> list[ContentError]:
    """Every fault of one file."""
    kind = kind_of(path)
    try:
        if kind is not None:
            READERS[kind](path)
    except ContentErrors as errors:
        return errors.faults
    except ContentError as error:
        return [error]
    return []
