"""A rule over history: an index finds candidates, the rules of the stream decide, correlations run in the events' own time."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from service.detect.compiled import Resolved
from service.detect.detector import Detector
from service.detect.question import Column, asked_of, question
from service.detect.ruleset import RuleSet
from service.offline.correlate import Correlating, CorrelationHit
from service.offline.detect import Hit
from service.offline.newcomers import Newcomers
from service.sink.opensearch.history import FieldIndex, History, Refused, Span, Stored

MOST_RULES = 100
"""Rules of one dataset that an index is asked about; of more, every event is a candidate."""


@dataclass(slots=True)
class Asked:
    """What the indices of one dataset are asked."""

    dataset: str
    pattern: str
    indices: int
    events: int
    """Of the time, whatever they say."""
    queries: list[str] = field(default_factory=list)
    """One a rule; none: every event is a candidate."""
    open: list[str] = field(default_factory=list)
    """``rule: what of it the index is not asked``."""
    candidates: int = 0

    def clause(self) -> dict[str, Any]:
        """The same as a query, of this dataset's indices only."""
        filters: list[dict[str, Any]] = [{"prefix": {"_index": f"siem-{self.dataset}-"}}]
        if self.queries:
            asked = [{"query_string": {"query": query, "analyze_wildcard": False}} for query in self.queries]
            filters.append({"bool": {"should": asked, "minimum_should_match": 1}})
        return {"bool": {"filter": filters}}


@dataclass(slots=True)
class Tally:
    """How far a hunt is."""

    candidates: int = 0
    matches: int = 0
    """Of wanted rules and correlations."""
    known: int = 0
    """Matches of first-seen rules with a pair that was there before in the same time."""


class Hunt:
    """One hunt. Raises Backpressure when OpenSearch does not answer in full."""

    def __init__(self, rules: RuleSet, history: History, span: Span, project: str | None, *, repeats: bool = False) -> None:
        """Look for all of ``rules``; ``repeats``: also what first-seen rules know already. Raises ContentError."""
        self.rules = rules
        self.tally = Tally()
        self._history = history
        self._span = span
        self._project = project
        self._repeats = repeats
        self._newcomers = Newcomers(rules)

    async def plan(self) -> list[Asked]:
        """What will be asked; of datasets that have events of this time."""
        patterns = {
            dataset: f"siem-{dataset}-{self._project}-*" if self._project else f"siem-{dataset}-*"
            for dataset in self.rules.resolved
        }
        found = await self._history.indices(list(patterns.values()), self._span) if patterns else {}
        asked: list[Asked] = []
        for dataset, pattern in patterns.items():
            mine = {index: count for index, count in found.items() if index.startswith(f"siem-{dataset}-")}
            if mine:
                one = Asked(dataset, pattern, len(mine), sum(mine.values()))
                await self._ask(one, set(mine))
                asked.append(one)
        return asked

    async def run(self, asked: Sequence[Asked], slices: int) -> AsyncGenerator[list[Hit | CorrelationHit], None]:
        """What matches and fires, in the order of the events' times; an empty list says that time has passed."""
        detector, correlating = Detector(self.rules), Correlating(self.rules.joins)
        query = self._query([one.clause() for one in asked])
        pages = self._history.read([one.pattern for one in asked], query, slices)
        datasets = [one.dataset for one in asked]
        async with aclosing(pages):
            async for page in pages:
                self.tally.candidates += len(page)
                found: list[Hit | CorrelationHit] = []
                for hit in _hits(detector, datasets, page):
                    is_news = self._newcomers.is_news(hit)
                    if hit.rule.id not in self.rules.joins.silent:
                        if is_news or self._repeats:
                            found.append(hit)
                        self.tally.known += not (is_news or self._repeats)
                    if is_news:
                        found.extend(correlating.take(hit))
                self.tally.matches += len(found)
                yield found

    async def _ask(self, one: Asked, indices: set[str]) -> None:
        rules = self.rules.resolved[one.dataset]
        names: set[str] = set().union(*map(asked_of, rules))
        kept = await self._history.fields(one.pattern, names)
        columns = _columns([kept.get(index, {}) for index in indices], names)
        everything = len(rules) > MOST_RULES
        if everything:
            one.open.append(f"{len(rules)} rules: too many to ask for at once")
        for rule in rules[:MOST_RULES]:
            asked = question(rule, columns)
            one.open.extend(f"{rule.rule.title}: {what}" for what in asked.open)
            if asked.query is None:
                everything = True
            elif not everything:
                await self._heed(one, rule, asked.query)
                everything = asked.query not in one.queries
        if everything:
            one.queries.clear()
            one.candidates = await self._history.count([one.pattern], self._query([one.clause()]))

    async def _heed(self, one: Asked, rule: Resolved, query: str) -> None:
        """Take the query up, if OpenSearch does."""
        one.queries.append(query)
        try:
            one.candidates = await self._history.count([one.pattern], self._query([one.clause()]))
        except Refused as refused:
            one.queries.pop()
            one.open.append(f"{rule.rule.title}: OpenSearch refuses the query ({refused})")

    def _query(self, should: list[dict[str, Any]]) -> dict[str, Any]:
        filters: list[dict[str, Any]] = [self._span.clause(), {"bool": {"should": should, "minimum_should_match": 1}}]
        if self._project is not None:
            filters.append({"term": {"project.id": self._project}})
        return {"bool": {"filter": filters}}


def _hits(detector: Detector, datasets: Sequence[str], page: Sequence[Stored]) -> Iterable[Hit]:
    """The matches of a page, in its order."""
    by_dataset: dict[str, list[int]] = {}
    for at, stored in enumerate(page):
        dataset = next(each for each in datasets if stored.index.startswith(f"siem-{each}-"))
        by_dataset.setdefault(dataset, []).append(at)
    found: list[tuple[int, Hit]] = []
    for dataset, places in by_dataset.items():
        for match in detector.run(dataset, [page[at].document for at in places]):
            at = places[match.at]
            found.append((at, Hit(match.rule, dataset, 0, page[at].index, page[at].id, match.document)))
    return (hit for _, hit in sorted(found, key=lambda each: each[0]))


def _columns(indices: Sequence[Mapping[str, FieldIndex]], names: Iterable[str]) -> dict[str, Column]:
    """What can be asked of all of these indices alike."""
    columns: dict[str, Column] = {}
    for name in names:
        kept = [index.get(name) for index in indices]
        there = [each for each in kept if each is not None and each.searched]
        if len(there) == len(kept) and len({each.type for each in there}) == 1:
            longest = [each.longest for each in there if each.longest is not None]
            columns[name] = Column(there[0].type, min(longest, default=None))
    return columns
