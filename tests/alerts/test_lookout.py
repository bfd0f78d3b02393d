"""Documents in, signals out: suppressed, folded, only what is news."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import orjson
import pytest

from service.alerts.lookout import Hit, Looked, Lookout
from service.alerts.rating import Rating
from service.alerts.rule import AlertRule, FirstSeen
from service.alerts.signal import decode_signal, encode_signal
from service.alerts.tuning import AlertRules
from service.detect.joining import Joins
from service.detect.seen import Seen
from service.event import Slice
from service.pipeline.compiled import Carried
from service.pipeline.watch import Watch
from tests.alerts.conftest import HOUR, NOW, RULE, document

SLICE = Slice("shop", "prod", "audit", "shardId-0", "1", 0, NOW, [])


class Everything:
    """Matches every document with every rule it was given."""

    def __init__(self, *rules: str) -> None:
        self._rules = rules

    def matches(self, dataset: str, watch: Watch, carried: Carried) -> list[Hit]:
        documents = [json.loads(piece.split("\n")[1]) for piece in carried.pieces]
        return [(rule, at, Seen(each)) for at, each in enumerate(documents) for rule in self._rules]


def carried(*documents: Mapping[str, Any]) -> Carried:
    lines = []
    for number, each in enumerate(documents):
        action = {"create": {"_index": "siem-aws.cloudtrail-shop-prod-2026.11", "_id": f"e{number}"}}
        lines.append(f"{json.dumps(action)}\n{json.dumps(each)}\n")
    return Carried(pieces=lines)


def look(*documents: Mapping[str, Any], dataset: str = "aws.cloudtrail", rule: AlertRule = RULE, **said: Any) -> Looked:
    alerts = AlertRules.model_validate(said)
    rules = {rule.id: rule}
    lookout = Lookout(Everything(rule.id), rules, Joins(), Rating(alerts), alerts.findings, HOUR)
    return lookout.look(dataset, Watch(), [(SLICE, carried(*documents))], NOW)


def test_what_one_principal_does_again_and_again_in_a_batch_is_one_signal() -> None:
    looked = look(*[document()] * 80, document("alice"))
    one, other = looked.signals
    assert (one.count, len(one.evidence), other.count) == (80, 50, 1)
    assert one.evidence[-1].id == "e79"
    assert looked.matches == {"r-1": 81}
    assert decode_signal(encode_signal(one)) == one


def test_the_raw_event_does_not_travel_with_a_signal() -> None:
    (signal,) = look(document(event={"original": "x" * 100_000, "action": "a"})).signals
    assert "original" not in json.loads(signal.document)["event"]
    (signal,) = look(document(aws={"cloudtrail": {"request_parameters": "y" * 100_000}})).signals
    assert len(signal.document) < 64 * 1024
    assert json.loads(signal.document)["user"]["name"] == "root"


def test_what_is_suppressed_is_counted_and_no_signal() -> None:
    one = {"rule": "Root *", "when": {"source.ip|cidr": "192.0.2.0/24"}, "until": "2036-01-01", "reason": "the office"}
    looked = look(document(address="192.0.2.9"), document(), suppress=[one])
    assert (len(looked.signals), looked.suppressed) == (1, {"r-1": 1})


def test_a_suppression_ends() -> None:
    assert look(document(), suppress=[{"rule": "r-1", "until": "2026-11-30", "reason": "an hour ago"}]).signals


def test_an_experimental_rule_is_counted_only() -> None:
    looked = look(document(), rule=AlertRule("r-1", "Try", "high", counted_only=True))
    assert (looked.signals, looked.matches) == ([], {"r-1": 1})


def test_only_what_is_new_since_this_worker_told_of_it_is_a_signal() -> None:
    rule = AlertRule("r-1", "New", "medium", first_seen=FirstSeen(("user.name",), ("source.ip",), 0))
    alerts = AlertRules()
    lookout = Lookout(Everything("r-1"), {"r-1": rule}, Joins(), Rating(alerts), alerts.findings, HOUR)
    told = [
        [
            (news.who, news.what)
            for signal in lookout.look("aws.cloudtrail", Watch(), [(SLICE, carried(each))], NOW).signals
            for news in signal.told()
        ]
        for each in (document(), document(), document(address="203.0.113.1"), document("alice"), {"user": {"name": "bob"}})
    ]
    assert told == [[("root", "198.51.100.7")], [], [("root", "203.0.113.1")], [("alice", "198.51.100.7")], []]


def finding(label: str, identity: str, **more: Any) -> dict[str, Any]:
    return {
        "@timestamp": "2026-11-30T01:00:00.000Z",
        "event": {"id": identity, "dataset": "aws.guardduty"},
        "rule": {"name": "Recon:IAMUser/X"},
        "aws": {"guardduty": {"severity_label": label, **more}},
    }


def test_findings_of_other_products_come_into_the_queue_when_they_are_severe_enough_and_open() -> None:
    arn = "arn:aws:guardduty:eu-west-1:111122223333:detector/abc/finding/0ec0ffee00000000"
    documents = (
        finding("high", "0ec0ffee00000000"),
        finding("low", "1"),
        finding("high", arn),
        finding("critical", "2", service={"archived": True}),
    )
    looked = look(*documents, dataset="aws.guardduty", rule=AlertRule("r-9", "Nothing", "low", counted_only=True))
    (signal,) = looked.signals
    assert (signal.rule, signal.count, signal.key) == ("finding", 2, "0ec0ffee00000000")
    assert look(*documents, dataset="aws.guardduty", findings={"aws.guardduty": "off"}).signals[0].rule == "r-1"


def test_a_rule_counts_less_where_nothing_is_at_stake() -> None:
    rating = Rating(AlertRules())
    from service.alerts.rating import Origin

    prod, test = Origin("shop", "prod", "x"), Origin("shop", "nonprod", "x")
    assert [rating.severity(RULE, origin, Seen({}), NOW) for origin in (prod, test)] == ["high", "medium"]
    said = AlertRule("r-1", "Root acted", "high", levels={"nonprod": "critical"})
    assert rating.severity(said, test, Seen({}), NOW) == "critical"
    more = Rating(AlertRules.model_validate({"severity": [{"project": "sh*", "severity": "low", "reason": "only a shop"}]}))
    assert more.severity(said, test, Seen({}), NOW) == "low"


class Written(Everything):
    """The same, of documents that nobody has read."""

    def matches(self, dataset: str, watch: Watch, carried: Carried) -> list[Hit]:
        return [(rule, at, Seen(piece=piece)) for at, piece in enumerate(carried.pieces) for rule in self._rules]


@pytest.mark.parametrize("raw", ['{"a":"\\u00e9\\n"}', "plain", "x" * 100, 'says ,"original":"plain', "", "gone"])
def test_the_raw_event_is_cut_out_of_a_document_that_was_not_read(raw: str) -> None:
    event = {"action": "a", "original": raw, "reason": 'end "original":"plain"'}
    documents = [document(event=event), document(event=event, url={"path": "/", "original": raw})]
    lookout = Lookout(Written(RULE.id), {RULE.id: RULE}, Joins(), Rating(AlertRules()), {}, 3_600_000)
    for each in documents:
        piece = f'{{"create":{{"_index":"i","_id":"d"}}}}\n{orjson.dumps(each).decode()}\n'
        slice_ = msgspec.structs.replace(SLICE, events=["another" if raw == "gone" else raw])
        (signal,) = lookout.look("aws.cloudtrail", Watch(), [(slice_, Carried(pieces=[piece], at=[0]))], NOW).signals
        told = json.loads(signal.document)
        assert told == {**each, "event": {"action": "a", "reason": event["reason"]}}
        assert (signal.evidence[0].index, signal.evidence[0].id) == ("i", "d")
