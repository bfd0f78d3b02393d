"""What one stream has in a message, on its way to the fates of its events."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from service.alerts.lookout import Part
from service.alerts.signal import Signal
from service.enrich.grant import Told
from service.event import DeadLetter, Slice
from service.ledger.entry import Fated
from service.sink.parcel import Fates, Parcel
from service.telemetry.meters import Labels


@dataclass(slots=True)
class Share:
    """What one stream has in a message: counted and parcelled by itself."""

    labels: Labels
    events: int = 0
    oldest_ms: int = 1 << 62
    newest_ms: int = 0
    pieces: list[str] = field(default_factory=list)
    origins: list[tuple[Slice, list[int]]] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    parcel: Parcel | None = None
    looked_at: list[Part] = field(default_factory=list)
    """What detections look at, until they have."""
    signals: list[Signal] = field(default_factory=list)
    news: list[Told] = field(default_factory=list)  # of sessions

    def fated(self, key: str, minute_ms: int, fates: Fates) -> Fated:
        """What the ledger is told once every event has its fate."""
        dead = Counter(f"{letter.stage}/{letter.code}" for letter in self.letters)
        if fates.dead_lettered:
            dead["sink/refused"] += fates.dead_lettered
        return Fated(
            key, minute_ms, self.labels[-1], self.events, fates.indexed, fates.already_there, dict(self.dropped), dict(dead)
        )
