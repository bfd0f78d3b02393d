"""Rules over batches of documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import Any, NamedTuple

from service.detect.compiled import Holds, Resolved, compile_rule
from service.detect.index import Index, columns_of
from service.detect.rule import Rule
from service.detect.ruleset import RuleSet
from service.detect.seen import Seen
from service.detect.spots import KEYWORDS
from service.match import fields
from service.match.parse import TEXT
from service.pipeline.watch import Watch, Watched

MOST_WATCHED = 20
"""Fields that rules ask for are handed out beside documents; the most asked for first."""


class Match(NamedTuple):
    """A document that a rule matches."""

    rule: Rule
    at: int
    """Number of the document in the batch."""
    seen: Seen
    """What can be asked of the document without reading it, if possible."""

    @property
    def document(self) -> Mapping[str, Any]:
        """The document; it is read now, if nobody has yet."""
        return self.seen.document


TIMED_EVERY = 16
"""Of so many batches one is timed rule by rule: reading the clock twice costs as much as many a rule."""


@dataclass(slots=True)
class Cost:
    """What a rule has seen and cost since the start, on one dataset."""

    rule: Rule
    dataset: str
    looked: int = 0
    """Events it was asked about."""
    matched: int = 0
    nanoseconds: int = 0
    """Asking it, in the batches that were timed; finding out which rules to ask is the dataset's."""


@dataclass(slots=True)
class DatasetCost:
    """What the rules of a dataset have cost together."""

    dataset: str
    events: int = 0
    read: int = 0
    """Documents that were read to know whether a rule matches."""
    nanoseconds: int = 0
    """All of it, rules included."""
    timed: int = 0
    """Events of the batches in which each rule was timed."""
    rules: list[Cost] = field(default_factory=list)

    def microseconds(self, rule: Cost) -> float | None:
        """What one of the rules costs for each event of the dataset; None before a batch was timed."""
        return rule.nanoseconds / self.timed / 1000 if self.timed else None


Ask = Callable[[int, Seen, Iterable[int], Container[int], list[Match]], None]


class _Dataset:
    """The rules of one dataset, compiled."""

    def __init__(self, dataset: str, resolved: Sequence[Resolved], ticks: Callable[[], int], every: int) -> None:
        self.resolved = resolved
        self.every = every
        self.batches = 0
        self.ticks = ticks
        self.holds: list[Holds] = [compile_rule(each) for each in resolved]
        self.cost = DatasetCost(dataset, rules=[Cost(each.rule, dataset) for each in resolved])
        self.all = range(len(resolved))
        self._indices: dict[Watch, Index] = {}

    def index(self, watch: Watch) -> Index:
        """The index over what a pipeline hands out."""
        found = self._indices.get(watch)
        if found is None:
            found = self._indices[watch] = Index(self.resolved, watch)
        return found

    def asker(self, events: int) -> Ask:
        """How to ask the rules in the next batch: one in ``every`` is timed."""
        timed = self.batches % self.every == 0
        self.batches += 1
        if not timed:
            return self.ask
        self.cost.timed += events
        return self.ask_timed

    def ask(self, at: int, seen: Seen, numbers: Iterable[int], decided: Container[int], matches: list[Match]) -> None:
        """Ask rules, in their order, about one document; those that are ``decided`` match."""
        for number in numbers:
            cost = self.cost.rules[number]
            cost.looked += 1
            if number in decided or self.holds[number](seen):
                cost.matched += 1
                matches.append(Match(cost.rule, at, seen))

    def ask_timed(self, at: int, seen: Seen, numbers: Iterable[int], decided: Container[int], matches: list[Match]) -> None:
        """The same, by the clock."""
        for number in numbers:
            cost = self.cost.rules[number]
            cost.looked += 1
            if number not in decided:
                began = self.ticks()
                holds = self.holds[number](seen)
                cost.nanoseconds += self.ticks() - began
                if not holds:
                    continue
            cost.matched += 1
            matches.append(Match(cost.rule, at, seen))


class Detector:
    """The rules of a set, compiled when their dataset is first seen. Pure and synchronous; raises for no document."""

    def __init__(self, rules: RuleSet, ticks: Callable[[], int] = perf_counter_ns, every: int = TIMED_EVERY) -> None:
        """Compile nothing yet; ``ticks`` are the nanoseconds by which costs are told, of one batch in ``every``."""
        self.rules = rules
        self._every = every
        self._ticks = ticks
        self._datasets: dict[str, _Dataset] = {}

    def watch(self, dataset: str) -> Watch:
        """What the dataset's pipeline should hand out beside its documents; nothing where there are no rules for it."""
        resolved = self.rules.resolved.get(dataset, ())
        asked: Counter[str] = Counter()
        joined = [*self.rules.joins.asked(dataset), *(name for rule in resolved for name in _named_as_new(rule))]
        for rule in resolved:
            for name in fields(rule.node):
                asked.update(column for column in columns_of(rule, name) if column is not None)
        facets = tuple(name for name in self.rules.logsources.facets(dataset) if name in asked)
        texts = [name for name, _ in asked.most_common() if name not in facets and name != TEXT]
        texts = list(dict.fromkeys([*texts[:MOST_WATCHED], *(name for name in joined if name not in facets)]))
        watch = Watch(facets, tuple(texts))
        if any(_needs_text(rule, watch) for rule in resolved):
            return Watch(facets, (*watch.texts, TEXT))
        return watch

    def run(self, dataset: str, documents: Sequence[Mapping[str, Any]]) -> list[Match]:
        """The matches of a batch, document by document, rules in their order."""
        mine = self._of(dataset)
        matches: list[Match] = []
        if mine is not None:
            began = self._ticks()
            ask = mine.asker(len(documents))
            for at, document in enumerate(documents):
                ask(at, Seen(document), mine.all, (), matches)
            mine.cost.events += len(documents)
            mine.cost.read += len(documents)
            mine.cost.nanoseconds += self._ticks() - began
        return matches

    def look(self, dataset: str, watch: Watch, watched: Sequence[Watched], pieces: Sequence[str]) -> list[Match]:
        """The same for documents as a pipeline writes them (``Carried.pieces``), with what it handed out beside them.

        Only documents that a rule might match are read.
        """
        mine = self._of(dataset)
        matches: list[Match] = []
        if mine is None or not pieces:
            return matches
        began = self._ticks()
        # A pipeline that hands nothing out leaves its documents' text to tell.
        known = watched if watch else [((), ())] * len(pieces)
        index = mine.index(watch)
        decided, places = index.decided, index.places
        ask = mine.asker(len(pieces))
        for at, numbers in index.candidates(known, pieces):
            seen = Seen(None, pieces[at], known[at], places)
            ask(at, seen, numbers, decided, matches)
            mine.cost.read += seen.is_read
        mine.cost.events += len(pieces)
        mine.cost.nanoseconds += self._ticks() - began
        return matches

    def costs(self) -> Iterator[DatasetCost]:
        """What has been seen and spent so far, by dataset."""
        return (each.cost for each in self._datasets.values())

    def _of(self, dataset: str) -> _Dataset | None:
        found = self._datasets.get(dataset)
        if found is None:
            resolved = self.rules.resolved.get(dataset)
            if not resolved:
                return None
            found = self._datasets[dataset] = _Dataset(dataset, resolved, self._ticks, self._every)
        return found


def _named_as_new(rule: Resolved) -> Iterator[str]:
    """Fields of the pairs that a first-seen rule is about: looked at in each of its matches."""
    said = rule.rule.about.custom.get("first_seen")
    lists = [said.get(key) for key in ("who", "what")] if isinstance(said, dict) else []
    names = [name for each in lists if isinstance(each, list) for name in each if isinstance(name, str)]
    yield from (spot.path for name in names for spot in rule.locate(name)[:1] if spot.plain)


def _needs_text(rule: Resolved, watch: Watch) -> bool:
    """Whether the raw event's text tells early that a rule will not match, where nothing that is watched decides it."""
    if KEYWORDS in rule.where:
        return True
    return any(spot.raw for found in rule.where.values() for spot in found) and not Index([rule], watch).decided
