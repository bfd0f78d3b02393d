"""What today's pipelines will make of events: the same pure stages as the service's, run beside it.

Index and ``_id`` of a document are pure functions of the event, so a replay knows the place of every document before the
service wrote it, and can look whether it is there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from service.event import DeadLetter, RecordBatch, Slice
from service.naming import dead_letter_index
from service.pipeline.deferred import Pipeline
from service.route.router import Router
from service.sink.letter import letter_id, letter_of


class Place(NamedTuple):
    """Where one document lies."""

    index_name: str
    id: str


@dataclass(slots=True)
class Foreseen:
    """The fates of some events: as many places, dropped and dead ones as there are events."""

    records: int = 0
    documents: list[Place] = field(default_factory=list)
    """One for each event that becomes a document; two events may have one place."""
    letters: list[Place] = field(default_factory=list)
    """One for each dead letter."""
    dropped: int = 0
    dead: Counter[str] = field(default_factory=Counter)
    """``stage/code`` → events."""
    datasets: Counter[str] = field(default_factory=Counter)
    """Dataset → documents."""

    @property
    def events(self) -> int:
        """Events found, those that could not be decoded among them."""
        return len(self.documents) + self.dropped + len(self.letters)

    def bury(self, letters: Iterable[DeadLetter]) -> None:
        """Note dead letters."""
        for letter in letters:
            self.dead[f"{letter.stage}/{letter.code}"] += 1
            index = dead_letter_index(letter.project, letter.environment, letter.arrival_ms)
            self.letters.append(Place(index, letter_id(letter)))


class Foresight:
    """Router and pipelines as the service has them."""

    def __init__(self, router: Router, pipelines: Mapping[str, Pipeline]) -> None:
        """Foresee with these."""
        self.router = router
        self._pipelines = pipelines

    def of_records(self, batch: RecordBatch, now_ms: int) -> Foreseen:
        """The fates of a batch's events."""
        routed = self.router.route(batch)
        foreseen = Foreseen(records=len(batch.records))
        foreseen.bury(routed.dead)
        for dataset, slices in routed.by_dataset.items():
            self.carry(dataset, slices, now_ms, foreseen)
        return foreseen

    def carry(self, dataset: str, slices: Iterable[Slice], now_ms: int, foreseen: Foreseen) -> None:
        """Add the fates of one dataset's slices."""
        pipeline = self._pipelines[dataset]
        for piece in slices:
            carried = pipeline.carry(piece, now_ms)
            foreseen.documents += map(_place, carried.pieces)
            foreseen.datasets[dataset] += len(carried.pieces)
            foreseen.dropped += sum(carried.dropped.values())
            foreseen.bury(
                letter_of(piece, each.at, stage=each.stage, code=each.code, reason=each.reason, dataset=dataset)
                for each in carried.dead
            )


def _place(piece: str) -> Place:
    create = orjson.loads(piece[: piece.index("\n")])["create"]
    return Place(create["_index"], create["_id"])
