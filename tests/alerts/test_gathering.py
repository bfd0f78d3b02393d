"""What correlations count travels without documents: gathered over a message, bounded, and enough to raise the alert."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from service.alerts import gathering
from service.alerts.correlated import Correlated
from service.alerts.desk import Desk, Result, Rules
from service.alerts.lookout import Lookout
from service.alerts.rating import Rating
from service.alerts.rule import AlertRule
from service.alerts.signal import Event, Signal, decode_signal, encode_signal, partition_key
from service.alerts.tuning import AlertRules
from service.detect.correlation_rule import Correlation
from service.detect.joining import Joins, Source
from service.detect.rule import About
from service.detect.spots import Spot, look
from service.errors import Place
from service.pipeline.compiled import Carried
from service.pipeline.watch import Watch
from service.spans import moment
from tests.alerts.conftest import HOUR, NOW, RULE, document
from tests.alerts.test_lookout import SLICE, Everything

NAME = "siem-aws.cloudtrail-shop-prod-2026.11"
MANY = AlertRule("many", "Many", "high", group_by=("user.name",))
BY_ID = {RULE.id: RULE, "many": MANY}


def joins(*, everywhere: bool = False) -> Joins:
    """Three calls of a user within a minute; the base rule is silent."""
    about = About("many", "Many", Place("many.yml", 1))
    rule = Correlation(
        about, "value_count", (RULE.id,), 60_000, ("user.name",), "gte", 3, ("event.action",), across_projects=everywhere
    )
    source = Source(rule, (look((Spot("user.name"),)),), (look((Spot("event.action"),)),), ())
    return Joins({"many": rule}, frozenset([RULE.id]), {(RULE.id, "aws.cloudtrail"): [source]})


def event_of(number: int, user: Any = "alice", **more: Any) -> str:
    said = document() | {"@timestamp": moment(NOW + number), "event": {"action": f"Call{number}"}, "user": {"name": user}}
    return f'{{"create":{{"_index":"{NAME}","_id":"e{number}"}}}}\n{json.dumps(said | more)}\n'


def told(*records: list[str], everywhere: bool = False) -> list[Signal]:
    lookout = Lookout(Everything(RULE.id), BY_ID, joins(everywhere=everywhere), Rating(AlertRules()), {}, HOUR)
    looked = lookout.look("aws.cloudtrail", Watch(), [(SLICE, Carried(pieces=each)) for each in records], NOW)
    assert looked.matches[RULE.id] == sum(map(len, records))
    return [decode_signal(encode_signal(each)) for each in looked.signals]


def desk(*, everywhere: bool = False) -> Desk:
    rules = Rules(BY_ID, Rating(AlertRules()), HOUR, 50)
    return Desk(lambda: rules, Correlated(joins(everywhere=everywhere), BY_ID))


def test_all_records_of_a_message_are_one_signal_without_a_document() -> None:
    (signal,) = told([event_of(1), event_of(2, "bob")], [event_of(3), event_of(4, ["alice", "bob"])], [event_of(5, None)])
    assert (signal.document, signal.evidence, signal.own, signal.count, signal.indices) == ("", [], False, 5, (NAME,))
    (counted,) = signal.counted
    assert counted.groups == [("alice",), ("bob",)]
    assert [(time - NOW, identity, value, group) for time, _, identity, value, group in counted.events] == [
        (1, "e1", "Call1", 0), (2, "e2", "Call2", 1), (3, "e3", "Call3", 0), (4, "e4", "Call4", 0), (4, "e4", "Call4", 1),
    ]  # fmt: skip
    assert [join.group for _, join in signal.joined()][:2] == [("shop", "prod", "alice"), ("shop", "prod", "bob")]
    assert len(encode_signal(signal)) < 300
    assert partition_key(signal) == b"shop/prod"


def test_what_is_counted_across_projects_goes_where_all_of_them_go() -> None:
    (signal,) = told([event_of(1)], everywhere=True)
    assert (partition_key(signal), signal.counted[0].groups) == (b"*", [("alice",)])


def test_a_message_with_more_than_one_signal_holds_is_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MOST_COUNTED", 4)
    events = [event_of(number) for number in range(10)]
    told_of = told(events)
    assert [signal.count for signal in told_of] == [5, 5]
    assert [event[2] for signal in told_of for each in signal.counted for event in each.events] == [
        f"e{number}" for number in range(10)
    ]


def test_groups_of_long_names_are_several_signals() -> None:
    told_of = told([event_of(number, "u" * 30_000 + str(number)) for number in range(20)])
    assert [signal.count for signal in told_of] == [10, 10]
    assert all(len(encode_signal(signal)) < 2 * gathering.LONGEST for signal in told_of)


def test_only_the_event_that_made_it_fire_is_read() -> None:
    here = desk()
    (first,), (second,) = told([event_of(1), event_of(2)]), told([event_of(3), event_of(4)])
    assert here.hear(first).wanted == []
    heard = here.hear(second)
    assert heard.wanted == [f"{NAME}/e4"], "e3 made it fire, e4 is one more: the newest says most"
    (found,) = here.occurrences(heard, {f"{NAME}/e4": document("alice", "203.0.113.9")})
    assert (found.principal.name, found.document["source"]["ip"]) == ("alice", "203.0.113.9")
    assert [(each.index, each.id) for each in found.evidence] == [(NAME, f"e{number}") for number in (1, 2, 3, 4)]
    assert not found.signal.counted, "an alert that is open does not hold what was counted with it"
    assert here.hear(second).wanted, "what comes again is known to belong to it"


def test_an_alert_is_raised_though_its_event_is_not_there_any_more() -> None:
    here, result = desk(), Result()
    (signal,) = told([event_of(1), event_of(2), event_of(3)])
    for found in here.occurrences(here.hear(signal), {}):
        here.take(found, NOW, result)
    (alert,) = result.alerts
    raised = alert.document(None)
    assert (raised["alert"]["principal"], raised["alert"]["count"]) == ({"name": "alice", "field": "user.name"}, 3)
    assert raised["project"] == {"id": "shop", "environment": "prod"}


@pytest.mark.parametrize("event", [(NOW, 1, "e", "x", 0), (NOW, -1, "e", "x", 0), (NOW, 0, "e", "x", 1), (NOW, 0, "e", "x", -1)])
def test_a_signal_that_names_what_it_does_not_have_says_nothing(event: Event) -> None:
    (signal,) = told([event_of(1), event_of(2), event_of(3)])
    broken = msgspec.structs.replace(signal.counted[0], events=[*signal.counted[0].events, event])
    here = desk()
    assert here.hear(signal).happened
    assert not here.hear(msgspec.structs.replace(signal, counted=(broken,))).happened
