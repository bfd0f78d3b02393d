"""What first-seen rules came upon, gathered over a whole Kafka message: pairs and places, no documents.

Almost all of it was seen before. Whoever receives it asks the baselines for all at once, and reads the documents of the few
that are new from their indices, where they were stored before the signal was sent.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from hashlib import sha256

from service.alerts.gathering import LONGEST, MOST_COUNTED, place_of
from service.alerts.principal import text_of
from service.alerts.rule import AlertRule, FirstSeen
from service.alerts.signal import Evidence, News, Signal
from service.detect.joining import time_of
from service.detect.seen import Seen
from service.event import Slice

TOLD = 100_000
"""Pairs that a worker remembers to have told of."""
LONGEST_NAME = 1024
"""Characters of a subject, and of what it was seen with; a longer one is cut, and a hash of it says which it was."""


class Told:
    """The pairs that this worker told of lately; what it told is durable, or the worker ended."""

    def __init__(self, most: int = TOLD) -> None:
        """Nothing was told; of more than ``most`` the one that came least lately is forgotten."""
        self._most = most
        self._pairs: OrderedDict[tuple[str, ...], None] = OrderedDict()

    def is_news(self, *pair: str) -> bool:
        """Whether it was not told of; from now on it was."""
        pairs = self._pairs
        if pair in pairs:
            pairs.move_to_end(pair)
            return False
        pairs[pair] = None
        if len(pairs) > self._most:
            pairs.popitem(last=False)
        return True


class Newcomers:
    """Takes in the matches of first-seen rules in one message, of one dataset."""

    def __init__(self, told: Told, dataset: str) -> None:
        """Nothing has matched yet."""
        self._told = told
        self._dataset = dataset
        self._news: dict[str, list[News]] = {}

    def take(self, rule: AlertRule, first: FirstSeen, slice_: Slice, seen: Seen, piece: str) -> None:
        """A match, and its lines of a bulk request; one without a subject, or without what is new, says nothing."""
        who, what = _named(seen, first.who), _named(seen, first.what)
        if who.strip() and what.strip() and self._told.is_news(rule.id, slice_.project, slice_.environment, who, what):
            evidence = Evidence(*place_of(piece), time_of(seen, slice_.arrival_ms))
            self._news.setdefault(rule.id, []).append(News(who, what, evidence))

    def signals(self, slice_: Slice, quiet: Collection[str]) -> Iterator[Signal]:
        """All of it; rules that are ``quiet`` only feed correlations."""
        for rule, news in self._news.items():
            for part in _parts(news):
                yield Signal(
                    rule=rule,
                    project=slice_.project,
                    environment=slice_.environment,
                    stream=slice_.stream,
                    dataset=self._dataset,
                    arrived_ms=slice_.arrival_ms,
                    evidence=[],
                    count=len(part),
                    document="",
                    own=rule not in quiet,
                    news=tuple(part),
                )


def _named(seen: Seen, fields: Iterable[str]) -> str:
    """As ``grouped_by``; the document is not read where these fields were handed out beside it."""
    name = "\n".join([text_of(seen.at(field, _keys(field))) for field in fields])
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[:LONGEST_NAME]}…{sha256(name.encode(errors='surrogatepass')).hexdigest()[:16]}"


@lru_cache(maxsize=1024)
def _keys(field: str) -> tuple[str, ...]:
    return tuple(field.split("."))


def _parts(news: list[News]) -> Iterator[list[News]]:
    """As much of it as fits one signal, each time."""
    part: list[News] = []
    size = 0
    for each in news:
        part.append(each)
        size += len(each.who) + len(each.what)
        if len(part) >= MOST_COUNTED or size >= LONGEST:
            yield part
            part, size = [], 0
    if part:
        yield part
