"""Files of rules tried on their samples: raw logs that they must match, and raw logs that they must not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from service.detect.correlation_rule import Correlation
from service.detect.detector import Detector
from service.detect.rule import Rule
from service.detect.ruleset import RuleSet, rule_files
from service.detect.samples import LISTS, NO_MATCH, dataset_named, folder_of, samples_of
from service.enrich.enrichers import Enrichers
from service.errors import ContentErrors
from service.offline.correlate import correlate
from service.offline.detect import Looked, look
from service.offline.play import Player
from service.samples import FACTS, Facts
from service.yaml_file import read

_SHOWN = 10


@dataclass(slots=True)
class RuleTrial:
    """The samples of one file of rules."""

    path: Path
    samples: int = 0
    faults: list[str] = field(default_factory=list)


def try_rules(roots: Sequence[Path], rules: RuleSet, player: Player) -> Iterator[RuleTrial]:
    """Every file of rules that has samples beside it, tried on them."""
    detector = Detector(rules)
    for root in roots:
        for path in rule_files(root):
            if folder_of(path).is_dir():
                yield _Trial(path, rules, detector, player).done()


class _Trial:
    def __init__(self, path: Path, rules: RuleSet, detector: Detector, player: Player) -> None:
        self.path = path
        self.rules = rules
        self.detector = detector
        lists = folder_of(path) / LISTS
        # Rules about threat lists bring a list of their own.
        self.player = Player(player.loaded, Enrichers.load([], lists, None), player.now_ms) if lists.is_file() else player
        self.mine: list[Rule] = [rule for rule in rules.rules if rule.about.place.file == str(path)]
        joined = rules.joins.correlations.values()
        self.joined: list[Correlation] = [each for each in joined if each.about.place.file == str(path)]
        self.ids = {rule.id for rule in self.mine}
        # Where a correlation stands beside its base rules, those are only its parts.
        wanted = [each.about for each in self.joined] or [rule.about for rule in self.mine]
        self.unseen = {about.id: about.title for about in wanted}
        self.trial = RuleTrial(path)

    def done(self) -> RuleTrial:
        if not self.unseen:
            self.trial.faults.append("has no rule that can be run")
            return self.trial
        for sample in samples_of(folder_of(self.path)):
            self.trial.samples += 1
            try:
                facts = _facts(sample)
            except ContentErrors as errors:
                self.trial.faults.extend(map(str, errors.faults))
                continue
            self.player.now_ms = facts.arrived_ms()
            looked = look(self.player, self.detector, sample.read_bytes(), self._dataset(sample), facts)
            faults = [f"{each.line}: {each.stage}/{each.code}: {each.reason}" for each in looked.dead]
            if not looked.events:
                faults.append(" holds no event that becomes a document")
            faults += self._fired(sample, looked) if self.joined else self._matched(sample, looked)
            self.trial.faults.extend(f"{sample.name}:{fault}" for fault in faults)
        self.trial.faults.extend(f"no match* sample is matched by {title}" for title in self.unseen.values())
        return self.trial

    def _matched(self, sample: Path, looked: Looked) -> list[str]:
        hits = [hit for hit in looked.hits if hit.rule.id in self.ids]
        if sample.name.startswith(NO_MATCH):
            return [f"{hit.line}: is matched by {hit.rule.title}" for hit in hits]
        for hit in hits:
            self.unseen.pop(hit.rule.id, None)
        seen = {(hit.dataset, hit.id) for hit in hits}
        missed = [line for dataset, line, ident in looked.documents if (dataset, ident) not in seen]
        if not missed:
            return []
        return [f" {len(missed)} events are not matched, lines {', '.join(map(str, sorted(missed)[:_SHOWN]))}"]

    def _fired(self, sample: Path, looked: Looked) -> list[str]:
        mine = {each.about.id for each in self.joined}
        fired = [hit for hit in correlate(self.rules, looked.hits) if hit.correlation.about.id in mine]
        if sample.name.startswith(NO_MATCH):
            return [f" {hit.correlation.about.title} fires for {hit.grouped}" for hit in fired]
        for hit in fired:
            self.unseen.pop(hit.correlation.about.id, None)
        return [] if fired else [" no correlation fires"]

    def _dataset(self, sample: Path) -> str | None:
        """What stands behind ``@`` in the sample's name, else the only dataset of its rules; None: content decides."""
        if (named := dataset_named(sample)) is not None:
            return named
        wanted = self.ids | {rule for each in self.joined for rule in each.rules}
        datasets = [
            dataset for dataset, resolved in self.rules.resolved.items() if any(each.rule.id in wanted for each in resolved)
        ]
        return datasets[0] if len(datasets) == 1 else None


def _facts(sample: Path) -> Facts:
    path = sample.with_name(sample.stem + FACTS)
    return read(path, Facts).value if path.is_file() else Facts()
