"""What first-seen rules came upon: one signal a message, told once; correlations count what was new."""

from __future__ import annotations

import msgspec
import pytest

from service.alerts import newcomers
from service.alerts.correlated import Correlated
from service.alerts.desk import Desk, Result, Rules
from service.alerts.lookout import Lookout
from service.alerts.rating import Rating
from service.alerts.rule import AlertRule, FirstSeen
from service.alerts.signal import Evidence, News, Signal, decode_signal, encode_signal
from service.alerts.tuning import AlertRules
from service.detect.joining import Joins
from service.pipeline.compiled import Carried
from service.pipeline.watch import Watch
from tests.alerts.conftest import HOUR, NOW, document
from tests.alerts.test_gathering import MANY, NAME, event_of, joins
from tests.alerts.test_lookout import SLICE, Everything

NEW = AlertRule("r-1", "New call", "medium", first_seen=FirstSeen(("user.name",), ("event.action",), 0))
BY_ID = {NEW.id: NEW, "many": MANY}


def told(*events: str, joined: Joins | None = None) -> list[Signal]:
    lookout = Lookout(Everything(NEW.id), BY_ID, joined or Joins(), Rating(AlertRules()), {}, HOUR)
    looked = lookout.look("aws.cloudtrail", Watch(), [(SLICE, Carried(pieces=list(events)))], NOW)
    return [decode_signal(encode_signal(each)) for each in looked.signals]


def desk(joined: Joins | None = None) -> Desk:
    rules = Rules(BY_ID, Rating(AlertRules()), HOUR, 50)
    return Desk(lambda: rules, Correlated(joined or Joins(), BY_ID))


def test_all_that_a_message_has_is_one_signal_without_a_document() -> None:
    (signal,) = told(event_of(1), event_of(2), event_of(1), event_of(3, "bob"), event_of(4, None))
    assert (signal.own, signal.count, signal.document, signal.evidence) == (True, 3, "", [])
    assert [(each.who, each.what, each.ref) for each in signal.news] == [
        ("alice", "Call1", f"{NAME}/e1"),
        ("alice", "Call2", f"{NAME}/e2"),
        ("bob", "Call3", f"{NAME}/e3"),
    ]
    assert signal.is_sound


def test_a_flood_is_several_signals_and_long_names_are_cut_and_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newcomers, "MOST_COUNTED", 4)
    monkeypatch.setattr(newcomers, "LONGEST", 10_000)
    assert [each.count for each in told(*(event_of(n) for n in range(10)))] == [4, 4, 2]
    people = [["x" * 256] * 20 + [f"{n}"] for n in range(10)]
    signals = told(*(event_of(1, each) for each in people))
    assert sum(each.count for each in signals) == 10
    assert all(len(news.who) < 1100 for each in signals for news in each.news)
    assert all(len(encode_signal(each)) < 20_000 for each in signals)


def test_only_what_is_new_becomes_an_alert_of_its_own() -> None:
    (signal,) = told(event_of(1), event_of(2))
    here, (first, second) = desk(), signal.news
    heard = here.hear_news(signal, [second], {})
    assert heard.wanted == [second.ref]
    (found,) = here.occurrences(heard, {second.ref: document("alice"), first.ref: document("bob")})
    assert (found.title, found.principal.name, found.evidence) == ("New call", "alice", (second.evidence,))
    (unread,) = here.occurrences(heard, {})
    assert unread.id == found.id, "which alert it is does not depend on whether its document is still there"


def test_what_workers_of_before_sent_is_understood() -> None:
    (signal,) = told(event_of(1))
    (news,) = signal.news
    old = msgspec.structs.replace(signal, news=(), who="alice", what="Call1", evidence=[news.evidence], document="{}")
    assert old.told() == (news,)
    (found,) = desk().occurrences(desk().hear_news(old, old.told(), {}))
    assert found.id == next(iter(desk().occurrences(desk().hear_news(signal, signal.news, {})))).id


def test_a_correlation_counts_what_is_new_and_its_base_rule_stays_silent() -> None:
    signals = [each for n in range(4) for each in told(event_of(n), joined=joins())]
    assert [(each.own, each.count) for each in signals] == [(False, 1)] * 4
    here, result = desk(joins()), Result()
    for number, signal in enumerate(signals):
        fresh = [] if number == 1 else signal.news  # the second one was known
        documents = {each.ref: document() | {"@timestamp": "2026-11-30T12:00:00Z"} for each in fresh}
        for at, each in enumerate(documents.values()):
            each["event"] = {"action": signal.news[at].what}
            each["user"] = {"name": "alice"}
        heard = here.hear_news(signal, fresh, documents)
        for found in here.occurrences(heard, documents):
            here.take(found, NOW, result)
        assert len(result.alerts) == (number == 3)
    (alert,) = result.alerts
    assert (alert.first.title, alert.first.evidence[0].id) == ("Many", "e0")


def test_what_matters_later_is_what_correlations_count() -> None:
    news = (News("a", "b", Evidence(NAME, "e", NOW)),)
    signal = Signal(NEW.id, "shop", "prod", "s", "aws.cloudtrail", NOW, [], 1, "", news=news)
    assert not desk().matters_later(signal)
    assert desk(joins()).matters_later(signal)
    assert desk().matters_later(msgspec.structs.replace(signal, rule="many"))
