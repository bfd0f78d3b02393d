"""Rules over batches of documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.detect.compiled import Holds, compile_rule
from service.detect.raw import RawEvent
from service.detect.rule import Rule
from service.detect.ruleset import RuleSet


@dataclass(frozen=True, slots=True)
class Match:
    """A document that a rule matches."""

    rule: Rule
    at: int
    """Number of the document in the batch."""
    document: Mapping[str, Any]


class Detector:
    """The rules of a set, compiled when their dataset is first seen. Pure and synchronous; raises for no document."""

    def __init__(self, rules: RuleSet) -> None:
        """Compile nothing yet."""
        self.rules = rules
        self._compiled: dict[str, list[tuple[Rule, Holds]]] = {}

    def run(self, dataset: str, documents: Sequence[Mapping[str, Any]]) -> list[Match]:
        """The matches of a batch, document by document, rules in their order."""
        rules = self._compiled.get(dataset)
        if rules is None:
            resolved = self.rules.resolved.get(dataset, ())
            rules = self._compiled[dataset] = [(each.rule, compile_rule(each)) for each in resolved]
        if not rules:
            return []
        matches: list[Match] = []
        for at, document in enumerate(documents):
            raw = RawEvent(document)
            matches.extend(Match(rule, at, document) for rule, holds in rules if holds(document, raw))
        return matches
