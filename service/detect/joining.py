"""What a match of a base rule contributes to correlations: to which, in which group, with which value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import islice, product
from typing import Any, NamedTuple

from service.detect.correlation import Fired, Occurrence
from service.detect.correlation_rule import Correlation
from service.detect.seen import Seen
from service.detect.spots import Look
from service.match.values import number_of, text_of

TIME, PROJECT, ENVIRONMENT = "@timestamp", "project.id", "project.environment"
MOST_GROUPS = 16
"""Groups that one event may belong to, where what it is grouped by is a list."""


class Joined(NamedTuple):
    """What a match contributes to a correlation."""

    correlation: Correlation
    group: tuple[str, ...]
    """Values of ``group_by``; of one project, unless the correlation is across projects: its id and environment first."""
    occurrence: Occurrence


@dataclass(slots=True)
class Source:
    """How one base rule's matches in one dataset (or one correlation's firings) are grouped."""

    correlation: Correlation
    groups: tuple[Look, ...]
    values: tuple[Look, ...]
    asked: tuple[str, ...]
    """Fields of the document in which these look."""

    def grouped(self, seen: Seen) -> Iterable[tuple[str, ...]]:
        """The groups that a match belongs to, without its project; none where the document has nothing to group by."""
        if len(self.groups) == 1 and (value := self.groups[0](seen)).__class__ is str:
            return ((value,),)
        values = [each(seen) for each in self.groups]
        choices = [_texts(value) for value in values]
        return islice(product(*choices), MOST_GROUPS)

    def valued(self, seen: Seen) -> str | float | None:
        """What is counted or added of a match."""
        if not self.values:
            return None
        value = self.values[0](seen)
        if self.correlation.kind != "value_count":
            number = number_of(value)
            return number if number == number else None  # NaN is not itself, and no number
        if value.__class__ is str and len(self.values) == 1:
            return value or None
        found = [value, *(each(seen) for each in self.values[1:])]
        texts = ["\n".join(_texts(each)) for each in found]
        return "\0".join(texts) if all(texts) else None


@dataclass(slots=True)
class Joins:
    """All correlations, by what they are fed from."""

    correlations: dict[str, Correlation] = field(default_factory=dict)
    """By id."""
    silent: frozenset[str] = frozenset()
    """Ids of base rules that raise no alerts of their own: they are named by correlations, none of which has ``generate``."""
    sources: dict[tuple[str, str], list[Source]] = field(default_factory=dict)
    """Base rule and dataset → what its matches go to."""
    chained: dict[str, list[Correlation]] = field(default_factory=dict)
    """Correlation → what its firings go to."""

    def feeds(self, rule: str) -> bool:
        """Whether a correlation names the rule."""
        return any(rule in each.rules for each in self.correlations.values())

    def asked(self, dataset: str) -> tuple[str, ...]:
        """Fields of a dataset's documents that matches of its base rules are grouped by."""
        mine = [source for (_, its), sources in self.sources.items() if its == dataset for source in sources]
        names = dict.fromkeys(name for source in mine for name in source.asked)
        return (*names, TIME, PROJECT, ENVIRONMENT) if mine else ()

    def of(self, rule: str, dataset: str, document: Mapping[str, Any] | Seen, ref: str) -> Iterator[Joined]:
        """What the match of a rule contributes; ``ref`` names the document for good (``index/_id``).

        A document without a value to group by, or without a time, contributes nothing.
        """
        sources = self.sources.get((rule, dataset))
        if not sources:
            return
        seen = document if isinstance(document, Seen) else Seen(document)
        time_ms = milliseconds(seen.at(TIME, (TIME,)))
        if time_ms is None:
            return
        mine = _project(seen)
        for source in sources:
            value = source.valued(seen)
            scope = () if source.correlation.across_projects else mine
            for group in source.grouped(seen):
                yield Joined(source.correlation, (*scope, *group), Occurrence(rule, time_ms, ref, value))

    def of_fired(self, correlation: Correlation, group: tuple[str, ...], fired: Fired) -> Iterator[Joined]:
        """What a firing contributes to correlations of correlations."""
        mine = dict(zip(correlation.group_by, group[len(group) - len(correlation.group_by) :], strict=True))
        scope = group[: len(group) - len(correlation.group_by)]
        for outer in self.chained.get(correlation.about.id, ()):
            names = [mine.get(name) for name in outer.group_by]
            if None not in names:
                kept = () if outer.across_projects else scope
                told = Occurrence(correlation.about.id, fired.last_ms, fired.id)
                yield Joined(outer, (*kept, *(name for name in names if name is not None)), told)


def _texts(value: object) -> list[str]:
    """The values to group by: those of a list each for itself."""
    values = value if isinstance(value, list) else [value]
    texts = [text_of(each) for each in values]
    return list(dict.fromkeys(text for text in texts if text is not None))


def _project(seen: Seen) -> tuple[str, str]:
    return (text_of(seen.at(PROJECT, ("project", "id"))) or "", text_of(seen.at(ENVIRONMENT, ("project", "environment"))) or "")


def milliseconds(time: object) -> int | None:
    """Milliseconds since the epoch of an ISO 8601 time; None for anything else."""
    return _milliseconds(time) if isinstance(time, str) and len(time) <= 64 else None


def time_of(seen: Seen, otherwise_ms: int) -> int:
    """When a document's event happened, in milliseconds since the epoch; ``otherwise_ms`` where it does not say."""
    time_ms = milliseconds(seen.at(TIME, (TIME,)))
    return otherwise_ms if time_ms is None else time_ms


@lru_cache(maxsize=4096)
def _milliseconds(time: str) -> int | None:
    try:
        # Python takes at most microseconds; CloudWatch and others write nanoseconds, which do not matter here.
        return int(datetime.fromisoformat(time).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
