"""Kinesis delivers again, with other neighbours: the alerts and what they count stay as they were."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.alerts.correlated import Correlated
from service.alerts.desk import Desk, Result, Rules
from service.alerts.lookout import Lookout
from service.alerts.queue import Open
from service.alerts.rating import Rating
from service.alerts.rule import AlertRule
from service.alerts.signal import MOST_EVIDENCE, Join, Signal, decode_signal, encode_signal
from service.alerts.tally import EXACT, Tally, mark_of
from service.alerts.tuning import AlertRules
from service.detect.correlation_rule import Correlation
from service.detect.joining import Joins, Source
from service.detect.rule import About
from service.errors import Place
from service.pipeline.compiled import Carried
from service.pipeline.watch import Watch
from service.spans import moment
from tests.alerts.conftest import HOUR, NOW, RULE, document, signal
from tests.alerts.test_lookout import SLICE, Everything, carried

SPAN = 60_000
INDEX = "siem-aws.cloudtrail-shop-prod-2026.11"
BY_ID = {RULE.id: RULE, "many": AlertRule("many", "Many", "high")}


def counting(name: str, events: int) -> Joins:
    """A correlation of so many matches of the rule within a minute."""
    rule = Correlation(About(name, name.title(), Place(f"{name}.yml", 1)), "event_count", (RULE.id,), SPAN, (), "gte", events)
    source = Source(rule, (), (), ())
    return Joins({name: rule}, frozenset([RULE.id]), {(RULE.id, "aws.cloudtrail"): [source]})


MANY = counting("many", 3)


class Partition:
    """A partition of signals with a correlation of three within a minute over them."""

    def __init__(self) -> None:
        rules = Rules(BY_ID, Rating(AlertRules()), HOUR, 50)
        self._desk = Desk(lambda: rules, Correlated(MANY, BY_ID))
        self.alerts: dict[str, Open] = {}

    def take(self, signals: Sequence[Signal]) -> bool:
        """Whether something has to be written because of them."""
        result = Result()
        for each in signals:
            heard = self._desk.hear(each)
            for found in self._desk.occurrences(heard, {ref: document() for ref in heard.wanted}):
                self._desk.take(found, NOW, result)
        self.alerts |= {alert.id: alert for alert in result.alerts}
        return bool(result.alerts)

    def documents(self) -> dict[str, dict[str, Any]]:
        return {identity: alert.document(None) for identity, alert in self.alerts.items()}


def joined(seconds: Sequence[float], joins: Joins = MANY) -> list[Signal]:
    """A message of events that a correlation counts, each at a second of its own, as the lookout tells of them."""
    lookout = Lookout(Everything(RULE.id), {RULE.id: RULE}, joins, Rating(AlertRules()), {}, HOUR)
    times = [NOW + round(1000 * second) for second in seconds]
    pieces = [
        f'{{"create":{{"_index":"{INDEX}","_id":"e{time}"}}}}\n{json.dumps(document(**{"@timestamp": moment(time)}))}\n'
        for time in times
    ]
    looked = lookout.look("aws.cloudtrail", Watch(), [(SLICE, Carried(pieces=[each])) for each in pieces], NOW)
    return [decode_signal(encode_signal(each)) for each in looked.signals]


def folded(numbers: Sequence[int]) -> list[Signal]:
    """A batch of events in which the rule matches all, as the lookout folds it."""
    lookout = Lookout(Everything(RULE.id), {RULE.id: RULE}, Joins(), Rating(AlertRules()), {}, HOUR)
    batch = carried(*[document()] * (max(numbers) + 1))
    batch.pieces[:] = [batch.pieces[number] for number in numbers]
    looked = lookout.look("aws.cloudtrail", Watch(), [(SLICE, batch)], NOW)
    return [decode_signal(encode_signal(each)) for each in looked.signals]


def cut(events: Sequence[int], at: Sequence[int]) -> list[Sequence[int]]:
    places = sorted({0, len(events), *(place % len(events) for place in at)})
    return [events[left:right] for left, right in pairwise(places)]


cuts = st.lists(st.integers(0, 500), max_size=6)


@given(st.lists(st.integers(0, 300), min_size=1, max_size=60), cuts, cuts, st.randoms(use_true_random=False))
def test_what_a_correlation_was_told_again_changes_nothing(
    seconds: list[int], first: list[int], again: list[int], shuffle: Any
) -> None:
    partition = Partition()
    partition.take([each for batch in cut(seconds, first) for each in joined(batch)])
    before = partition.documents()
    shuffle.shuffle(seconds)
    assert not partition.take([each for batch in cut(seconds, again) for each in joined(batch)])
    assert partition.documents() == before
    assert sum(each["alert"]["count"] for each in before.values()) <= len(set(seconds))


@given(st.integers(1, 3 * MOST_EVIDENCE), cuts, cuts, st.randoms(use_true_random=False))
def test_what_a_rule_matched_again_in_other_company_is_counted_once(
    events: int, first: list[int], again: list[int], shuffle: Any
) -> None:
    partition, numbers = Partition(), list(range(events))
    partition.take([each for batch in cut(numbers, first) for each in folded(batch)])
    shuffle.shuffle(numbers)
    assert not partition.take([each for batch in cut(numbers, again) for each in folded(batch)])
    ((found),) = partition.documents().values()
    assert found["alert"]["count"] == events


def test_all_that_lies_in_a_covered_span_is_counted_whenever_it_came() -> None:
    """Two events wait behind a window that one in front of them completes late: they belong to it from then on."""
    partition = Partition()
    partition.take(joined([0, 10, 61, 71]))
    assert partition.take(joined([20]))
    (found,) = partition.documents().values()
    assert found["alert"]["count"] == 5
    assert not partition.take([*joined([61]), *joined([71, 0])])


def test_what_a_worker_of_before_sent_with_a_document_counts_as_well() -> None:
    partition = Partition()
    joins = tuple(Join("many", ("shop", "prod"), NOW + 1000 * second, f"{INDEX}/e{NOW + 1000 * second}") for second in (0, 10))
    assert not partition.take([signal(0, own=False, joins=joins)])
    assert partition.take(joined([20, 10]))
    (found,) = partition.documents().values()
    assert (found["alert"]["count"], found["user"]["name"]) == (3, "root")


def test_a_firing_of_more_events_than_it_names_counts_each_of_them_once() -> None:
    joins = counting("big", 300)
    correlated = Correlated(joins, {RULE.id: RULE, "big": AlertRule("big", "Big", "high")})
    (told,) = joined([number / 10 for number in range(300)], joins)
    (happened,) = correlated.feed(told)
    found = happened.occurrence(told, document())
    alert = Open(found.id, "i", found, "high", NOW)
    assert alert.grow(found, "high")
    assert (alert.count, len(alert.evidence)) == (300, 100)
    assert (alert.evidence[0].time_ms, alert.evidence[-1].time_ms) == (NOW, NOW + 29_900)
    for more in correlated.feed(told):
        assert not alert.grow(more.occurrence(told, document()), "high")


@pytest.mark.parametrize("number", [1, EXACT, EXACT + 1, 3 * EXACT, 60_000])
def test_a_tally_is_exact_for_thousands_and_near_beyond(number: int) -> None:
    marks = [mark_of(str(each)) for each in range(number)]
    tally = Tally(marks)
    assert tally.number == number if number <= EXACT else abs(tally.number - number) < 0.05 * number
    before = tally.number
    assert not any(tally.add(mark) for mark in reversed(marks))
    assert tally.number == before


def test_the_order_in_which_a_tally_is_told_does_not_matter() -> None:
    marks = [mark_of(str(each)) for each in range(EXACT + 500)]
    one = Tally(marks).number
    random.Random(7).shuffle(marks)
    assert Tally(marks).number == one
