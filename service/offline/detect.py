"""Log files through the pipelines and the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from service.detect.detector import Detector
from service.detect.rule import Rule
from service.detect.ruleset import RuleSet, load_rules
from service.offline.play import Dead, Player
from service.pipeline.load import LoadedPipeline
from service.samples import Facts


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that matches an event of a file."""

    rule: Rule
    dataset: str
    line: int
    index: str
    id: str
    document: Mapping[str, Any]


@dataclass(slots=True)
class Looked:
    """What became of the events of one input."""

    events: int = 0
    dead: list[Dead] = field(default_factory=list)
    hits: list[Hit] = field(default_factory=list)
    documents: list[tuple[str, int, str]] = field(default_factory=list)
    """Dataset, line and id of every document."""


def rules_for(roots: Sequence[Path], loaded: Mapping[str, LoadedPipeline], *, partial: bool = False) -> RuleSet:
    """The rules below these folders, for these pipelines; ``partial``: which are not all that log sources speak of."""
    return load_rules(roots, {dataset: pipeline.catalogue for dataset, pipeline in loaded.items()}, partial=partial)


def look(player: Player, detector: Detector, data: bytes, dataset: str | None = None, facts: Facts | None = None) -> Looked:
    """Every event of the input through its pipeline and the rules of its dataset."""
    looked = Looked()
    for played in player.play(data, dataset, facts):
        if isinstance(played, Dead):
            looked.dead.append(played)
            continue
        looked.dead.extend(played.dead)
        documents = [orjson.loads(each.source) for each in played.documents]
        looked.events += len(documents)
        looked.documents.extend((played.dataset, each.line, each.id) for each in played.documents)
        for match in detector.run(played.dataset, documents):
            its = played.documents[match.at]
            looked.hits.append(Hit(match.rule, played.dataset, its.line, its.index, its.id, match.document))
    return looked
