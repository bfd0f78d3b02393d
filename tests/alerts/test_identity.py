"""Alerts are about the first human or workload of a chain, in whatever order it becomes known."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from service.alerts.correlated import Correlated
from service.alerts.desk import Desk, Result, Rules
from service.alerts.principal import principal_of, readable
from service.alerts.queue import Open
from service.alerts.rating import Rating
from service.alerts.tuning import AlertRules
from service.detect.joining import Joins
from service.enrich.accounts import AccountTable
from service.enrich.grant import Grant, Told
from service.enrich.identities import Identities
from tests.alerts.conftest import HOUR, NOW, RULE, document, signal

SHOP = "111122223333"
ALICE = f"arn:aws:iam::{SHOP}:user/ops/alice"


def role(name: str) -> str:
    return f"arn:aws:sts::{SHOP}:assumed-role/{name}/x"


def step(parent: str, name: str, key: str, parent_key: str = "") -> Told:
    return Told("shop", "prod", SHOP, Grant(key, role(name), "", SHOP, (parent,), parent_key, SHOP), NOW)


def found(number: int, chain: list[str], session: str = "") -> Any:
    text = json.dumps(document(user="x", identity={"chain": chain, **({"session": session} if session else {})}))
    return signal(number, document=text)


def make() -> tuple[Desk, Identities]:
    identities = Identities(AccountTable({}))
    rules = Rules({RULE.id: RULE}, Rating(AlertRules()), HOUR, 50)
    return Desk(lambda: rules, Correlated(Joins({}), {}), identities), identities


STEPS: list[Any] = [
    step(ALICE, "Admin", "ASIA1"),
    step(role("Admin"), "Audit", "ASIA2", "ASIA1"),
    found(1, [ALICE]),
    found(2, [role("Admin")], "ASIA1"),
    found(3, [role("Audit")], "ASIA2"),
]


def carried_out(order: Any) -> dict[str, dict[str, Any]]:
    """What the index holds in the end."""
    desk, identities = make()
    index: dict[str, dict[str, Any]] = {}

    def write(alerts: list[Open]) -> None:
        index.update({alert.id: alert.document(None) for alert in alerts})

    for each in order:
        if isinstance(each, Told):
            identities.learn(each, NOW)
            changed, gone = desk.renew()
            for alert, _ in gone:
                del index[alert.id]
            write(changed)
        else:
            result = Result()
            for one in desk.occurrences(desk.hear(each)):
                desk.take(one, NOW, result)
            write(result.alerts)
    return index


@pytest.mark.parametrize("order", list(itertools.permutations(STEPS))[::7])
def test_whatever_comes_first_the_chain_is_one_alert_about_who_began_it(order: Any) -> None:
    (expected,), (alert,) = carried_out(STEPS).items(), carried_out(order).items()
    assert alert[0] == expected[0]
    about = alert[1]["alert"]
    assert (about["principal"]["name"], about["group"], about["count"]) == ("alice", "shop/prod/alice", 3)
    assert sorted(about["evidence"]["id"]) == ["e1", "e2", "e3"]
    assert alert[1]["identity"]["chain"][0] == ALICE


def test_two_people_of_one_name_are_two_alerts() -> None:
    assert len(carried_out([found(1, [ALICE]), found(2, ["arn:aws:iam::444455556666:user/alice"])])) == 2


def test_sessions_that_nobody_told_of_stay_apart() -> None:
    assert len(carried_out([found(1, [role("Admin")], "ASIA1"), found(2, [role("Audit")], "ASIA2")])) == 2


@pytest.mark.parametrize(
    "identity", [7, {"chain": "x"}, {"chain": []}, {"chain": [7]}, {"chain": [None], "session": 3}, {"session": "ASIA1"}]
)
def test_whatever_stands_where_the_chain_should_be_the_alert_is_raised(identity: Any) -> None:
    text = json.dumps(document(user="bob", identity=identity))
    assert len(carried_out([signal(1, document=text), STEPS[0]])) == 1
    assert principal_of(json.loads(text)).name == "bob"


@pytest.mark.parametrize(
    ("who", "name"),
    [
        (ALICE, "alice"),
        (f"arn:aws:iam::{SHOP}:root", "root"),
        (role("Admin"), "Admin/x"),
        (f"arn:aws:sts::{SHOP}:assumed-root", "assumed-root"),
        (f"arn:aws:lambda:eu-west-1:{SHOP}:function:thumbs", "thumbs"),
        (f"arn:aws:ec2:eu-west-1:{SHOP}:instance/i-0123", "i-0123"),
        ("arn:", "arn:"),
        ("system:serviceaccount:shop:checkout", "system:serviceaccount:shop:checkout"),
    ],
)
def test_a_principal_is_named_as_people_say_it(who: str, name: str) -> None:
    assert readable(who) == name
