"""Occurrences become alerts: one for a rule, a principal and a window, whatever comes twice or late or in thousands."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from service.alerts.document import MOST_EVIDENCE
from service.alerts.occurrence import DAY_MS
from service.alerts.queue import Open, Queue, read_back
from service.alerts.rule import AlertRule
from tests.alerts.conftest import HOUR, NOW, RULE, occurrence


def filled(*numbers: int, most: int = 50) -> dict[str, Open]:
    queue, found = Queue(most), {}
    for number in numbers:
        if (alert := queue.take(occurrence(number), "high", NOW)) is not None:
            found[alert.id] = alert
    return found


def test_matches_of_one_rule_for_one_principal_in_one_hour_are_one_alert() -> None:
    (alert,) = filled(1, 2, 3).values()
    document = alert.document(None)
    assert document["alert"]["count"] == 3
    assert document["alert"]["evidence"]["id"] == ["e1", "e2", "e3"]
    assert (document["event"]["kind"], document["event"]["severity"]) == ("signal", 73)
    assert document["threat"]["technique"]["subtechnique"]["id"] == ["T1078.004"]
    assert document["threat"]["tactic"] == {"id": ["TA0001"], "name": ["Initial Access"]}
    assert document["related"]["user"] == ["root"]
    assert document["message"] == "Root acted: root – ListBuckets from 198.51.100.7 in account 111122223333 (3 events)"


@given(st.lists(st.integers(0, 20), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_what_comes_twice_and_in_any_order_is_the_same_alert(numbers: list[int], rng: random.Random) -> None:
    shuffled = numbers + numbers
    rng.shuffle(shuffled)
    (one,), (other,) = filled(*numbers).values(), filled(*shuffled).values()
    assert (one.id, one.count) == (other.id, other.count) == (one.id, len(set(numbers)))
    assert {each.id for each in one.evidence} == {each.id for each in other.evidence}


def test_another_principal_hour_rule_or_project_is_another_alert() -> None:
    ids = {
        occurrence(1).id,
        occurrence(1, user="alice").id,
        occurrence(1, NOW + HOUR).id,
        occurrence(1, project="pay").id,
        occurrence(1, environment="nonprod").id,
        occurrence(1, rule=AlertRule("r-2", "Other", "high")).id,
    }
    assert len(ids) == 6


def test_nothing_new_is_nothing_to_write() -> None:
    queue = Queue(50)
    assert queue.take(occurrence(1), "high", NOW) is not None
    assert queue.take(occurrence(1), "high", NOW) is None


def test_an_alert_becomes_as_severe_as_the_worst_that_it_rests_on() -> None:
    queue = Queue(50)
    queue.take(occurrence(1), "low", NOW)
    alert = queue.take(occurrence(2), "critical", NOW)
    assert alert is not None
    assert alert.changes(None)["alert"]["severity"] == "critical"


def test_a_flood_of_events_is_counted_and_named_in_part() -> None:
    (alert,) = filled(*range(1000)).values()
    document = alert.document(None)
    assert document["alert"]["count"] == 1000
    assert len(document["alert"]["evidence"]["id"]) == MOST_EVIDENCE


def test_beyond_the_limit_of_a_storm_the_rest_is_one_more_alert() -> None:
    queue, found = Queue(10), set()
    for number in range(200):
        alert = queue.take(occurrence(number, user=f"u{number}"), "high", NOW)
        assert alert is not None
        found.add(alert.id)
    assert len(found) == 11
    storm = queue.take(occurrence(1000, user="another"), "high", NOW)
    assert storm is not None
    assert (storm.count, storm.first.title, storm.first.principal.name) == (191, "Root acted (storm)", "many")


def test_the_index_is_never_that_of_a_clock_nobody_believes() -> None:
    found = occurrence(1, at_ms=NOW + 400 * DAY_MS)
    assert NOW - HOUR < found.from_ms <= NOW
    alert = Queue(50).take(found, "high", NOW)
    assert alert is not None
    assert alert.index == "siem-alerts-shop-prod-2026.11"


def test_what_comes_after_memory_has_gone_grows_the_alert_in_the_index() -> None:
    (before,) = filled(1, 2, 3).values()
    queue = Queue(50)
    queue.adopt(read_back(before.document(None), before.index, occurrence(4)))
    assert queue.take(occurrence(2), "high", NOW) is None
    alert = queue.take(occurrence(4), "high", NOW)
    assert alert is not None
    assert (alert.id, alert.count, alert.fresh) == (before.id, 4, False)


def test_a_late_event_says_so() -> None:
    alert = Queue(50).take(occurrence(1, NOW - 2 * HOUR), "high", NOW)
    assert alert is not None
    document = alert.document("https://dashboards.example.com/")
    assert (document["alert"]["late"], document["tags"]) == (True, ["late"])
    assert document["event"]["url"].startswith("https://dashboards.example.com/app/discover#/?_g=")
    assert RULE.id == document["rule"]["id"]
