"""The counts of a replay; they add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Counts:
    """Events = indexed + already there + dropped + dead-lettered + sent (not looked for, or not seen in time)."""

    records: int = 0
    """Records of a stream, or files."""
    events: int = 0
    indexed: int = 0
    already_there: int = 0
    dropped: int = 0
    dead_lettered: int = 0
    unseen: int = 0
    """Sent, and not found in OpenSearch by the end: late, or never looked for."""
    datasets: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    """``stage/code`` of what is dead."""

    def lines(self) -> dict[str, int]:
        """The numbers by their names, in the order of the path."""
        return {
            "records": self.records, "events": self.events, "indexed": self.indexed, "already_there": self.already_there,
            "dropped": self.dropped, "dead_lettered": self.dead_lettered, "unseen": self.unseen,
        }  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        """Everything, for ``--json``."""
        return {**self.lines(), "datasets": dict(self.datasets), "dead_letters": dict(self.codes)}
