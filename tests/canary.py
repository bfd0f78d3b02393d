"""A secret that every process of the test run knows, and that nothing may ever print.

It stands in the environment as the passwords of Kafka and OpenSearch. At the end everything the suite printed (stdout, stderr
and logs of every test, failures with their tracebacks) and every file under its temporary folder (logs of services,
configuration, state) is searched for it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

CANARY: Final = "canary-Zx81qLm0-never-print"
VARIABLES: Final = ("SIEM_KAFKA_PASSWORD", "SIEM_OPENSEARCH_PASSWORD")
_LARGEST = 64 * 1024 * 1024

found: list[str] = []
"""Where it was seen."""


def release() -> None:
    """Let it into the environment of this process and all its children."""
    for variable in VARIABLES:
        os.environ.setdefault(variable, CANARY)


def look(where: str, text: str) -> None:
    """Remember when it is in a text."""
    if CANARY in text:
        found.append(where)


def look_into(folder: Path) -> None:
    """Search every file below a folder."""
    needle = CANARY.encode()
    for path in folder.rglob("*"):
        try:
            if path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST:
                continue
            if needle in path.read_bytes():
                found.append(str(path.relative_to(folder)))
        except OSError:
            continue
