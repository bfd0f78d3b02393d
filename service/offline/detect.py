"""Log files through the pipelines and the rules; the samples of rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from service.detect.detector import Detector
from service.detect.rule import Rule
from service.detect.ruleset import RuleSet, load_rules, rule_files
from service.detect.samples import NO_MATCH, dataset_named, folder_of, samples_of
from service.errors import ContentErrors
from service.offline.play import Dead, Player
from service.pipeline.load import LoadedPipeline
from service.samples import FACTS, Facts
from service.yaml_file import read


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
    unmatched: list[tuple[str, int]] = field(default_factory=list)
    """Dataset and line of events that no rule matches."""


def rules_for(roots: Sequence[Path], loaded: Mapping[str, LoadedPipeline]) -> RuleSet:
    """The rules below these folders, for these pipelines."""
    return load_rules(roots, {dataset: pipeline.catalogue for dataset, pipeline in loaded.items()})


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
        found = detector.run(played.dataset, documents)
        for match in found:
            its = played.documents[match.at]
            looked.hits.append(Hit(match.rule, played.dataset, its.line, its.index, its.id, match.document))
        seen = {match.at for match in found}
        looked.unmatched.extend((played.dataset, each.line) for at, each in enumerate(played.documents) if at not in seen)
    return looked


@dataclass(slots=True)
class RuleTrial:
    """The samples of one file of rules."""

    path: Path
    samples: int = 0
    faults: list[str] = field(default_factory=list)


def try_rules(roots: Sequence[Path], rules: RuleSet, player: Player) -> Iterator[RuleTrial]:
    """Every file of rules that has samples beside it, tried on them."""
    by_file: dict[str, list[Rule]] = {}
    for rule in rules.rules:
        by_file.setdefault(rule.about.place.file, []).append(rule)
    detector = Detector(rules)
    for root in roots:
        for path in rule_files(root):
            folder = folder_of(path)
            if folder.is_dir():
                yield _try(path, folder, by_file.get(str(path), []), player, detector)


def _try(path: Path, folder: Path, mine: list[Rule], player: Player, detector: Detector) -> RuleTrial:
    trial = RuleTrial(path)
    ids = {rule.id for rule in mine}
    if not mine:
        trial.faults.append("has no rule that can be run")
        return trial
    never = {rule.id: rule.title for rule in mine}
    for sample in samples_of(folder):
        trial.samples += 1
        try:
            facts = _facts(sample)
        except ContentErrors as errors:
            trial.faults.extend(map(str, errors.faults))
            continue
        player.now_ms = facts.arrived_ms()
        looked = look(player, detector, sample.read_bytes(), dataset_of(sample, mine, detector), facts)
        hits = [hit for hit in looked.hits if hit.rule.id in ids]
        trial.faults.extend(f"{sample.name}:{each.line}: {each.stage}/{each.code}: {each.reason}" for each in looked.dead)
        if not looked.events:
            trial.faults.append(f"{sample.name}: holds no event that becomes a document")
        if sample.name.startswith(NO_MATCH):
            trial.faults.extend(f"{sample.name}:{hit.line}: is matched by {hit.rule.title}" for hit in hits)
            continue
        for hit in hits:
            never.pop(hit.rule.id, None)
        missed = looked.events - len({(hit.dataset, hit.line, hit.id) for hit in hits})
        if missed:
            lines = sorted({line for _, line in looked.unmatched})
            trial.faults.append(f"{sample.name}: {missed} events are not matched, lines {', '.join(map(str, lines[:10]))}")
    trial.faults.extend(f"no match* sample is matched by {title}" for title in never.values())
    return trial


def dataset_of(sample: Path, rules: Sequence[Rule], detector: Detector) -> str | None:
    """What stands behind ``@`` in the sample's name, else the only dataset of its rules; None: content decides."""
    if (named := dataset_named(sample)) is not None:
        return named
    ids = {rule.id for rule in rules}
    datasets = [dataset for dataset, resolved in detector.rules.resolved.items() if any(each.rule.id in ids for each in resolved)]
    return datasets[0] if len(datasets) == 1 else None


def _facts(sample: Path) -> Facts:
    path = sample.with_name(sample.stem + FACTS)
    return read(path, Facts).value if path.is_file() else Facts()
