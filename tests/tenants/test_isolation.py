"""A hostile project: whatever it sends stays in its own indices, under its own name."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.enrich.enrichers import Enrichers
from service.event import Record, RecordBatch
from service.naming import dead_letter_index, is_safe
from service.pipeline.compile import compile_pipeline
from service.pipeline.compiled import CompiledPipeline
from service.pipeline.load import load_pipelines
from service.route.router import Router, build_router

ROOT = Path(__file__).resolve().parents[2]
NOW_MS = 1_795_200_000_000
OWN, VICTIM = "111122223333", "444455556666"
NASTY = (
    "..", "../siem-aws.cloudtrail-pay-prod-2026.11", "*", "siem-*", "_all", "UPPER", "a/b", "a,b", "<x{now/d}>", "%2e%2e",
    'x"}}\n{"delete":{"_index":"siem-aws.cloudtrail-pay-prod-2026.11","_id":"1"}}\n', "\u2028", "\x00", "-x", "pay", "pay-prod",
    "", "x" * 40_000,
)  # fmt: skip

_loaded = load_pipelines(ROOT / "pipelines")
_enrichers = Enrichers.empty()
_enrichers.accounts.declare({("shop", "prod"): {OWN}, ("pay", "prod"): {VICTIM}})


@pytest.fixture(scope="module")
def pipelines() -> dict[str, CompiledPipeline]:
    return {name: compile_pipeline(one, _enrichers) for name, one in _loaded.items()}


@pytest.fixture(scope="module")
def router() -> Router:
    return build_router(_loaded)


def carried(
    router: Router, pipelines: dict[str, CompiledPipeline], data: bytes, project: str = "shop", environment: str = "prod"
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Index, id and document of every event; dead letters are checked here."""
    batch = RecordBatch(project, environment, "logs", "shardId-0", [Record(data, "k", "49", 0, NOW_MS)])
    routed = router.route(batch)
    for letter in routed.dead:
        assert dead_letter_index(letter.project, letter.environment, NOW_MS).startswith(
            f"siem-dead-letters-{project}-{environment}-"
        )
    for dataset, slices in routed.by_dataset.items():
        for piece in slices:
            fates = pipelines[dataset].carry(piece, NOW_MS)
            for lines in fates.pieces:
                action, source, rest = lines.split("\n")
                assert rest == ""
                (operation,) = json.loads(action).items()
                assert operation[0] == "create"
                assert set(operation[1]) == {"_index", "_id"}
                yield operation[1]["_index"], operation[1]["_id"], json.loads(source)


def own_index(index: str, project: str = "shop", environment: str = "prod") -> bool:
    datasets = "|".join(map(re.escape, _loaded))
    return re.fullmatch(rf"siem-({datasets})-{project}-{environment}-20[0-9]{{2}}\.(w?[0-9.]+)", index) is not None and is_safe(
        index
    )


def trail(**other: Any) -> dict[str, Any]:
    return {
        "eventVersion": "1.11", "userIdentity": {"type": "IAMUser", "accountId": OWN, "arn": f"arn:aws:iam::{OWN}:user/eve"},
        "eventTime": "2026-11-20T10:00:00Z", "eventSource": "iam.amazonaws.com", "eventName": "ListUsers",
        "awsRegion": "eu-west-1", "sourceIPAddress": "192.0.2.7", "userAgent": "x", "readOnly": True,
        "eventID": "6a1b7c1e-0000-4000-8000-000000000001",
        "eventType": "AwsApiCall", "managementEvent": True, "eventCategory": "Management", "recipientAccountId": OWN, **other,
    }  # fmt: skip


def subscription(group: str, stream: str, owner: str, *messages: str, ids: str = "3" * 56) -> bytes:
    events = [{"id": ids, "timestamp": NOW_MS, "message": message} for message in messages]
    whole = {
        "messageType": "DATA_MESSAGE", "owner": owner, "logGroup": group, "logStream": stream, "subscriptionFilters": ["x"],
        "logEvents": events,
    }  # fmt: skip
    return gzip.compress(json.dumps(whole).encode())


@pytest.mark.parametrize("nasty", NASTY)
def test_no_name_in_an_event_or_envelope_gets_into_an_index_name(
    nasty: str, router: Router, pipelines: dict[str, CompiledPipeline]
) -> None:
    envelope = {
        "version": "0", "id": nasty, "detail-type": nasty, "source": nasty, "account": nasty, "time": nasty, "region": nasty,
        "resources": [nasty], "detail": {"id": nasty, "accountId": nasty},
    }  # fmt: skip
    records = [
        subscription(nasty, nasty, nasty, "a line", json.dumps(trail(eventID=nasty, recipientAccountId=nasty)), ids=nasty or "1"),
        json.dumps(trail(eventID=nasty, eventTime=nasty, awsRegion=nasty, eventSource=nasty, recipientAccountId=nasty)).encode(),
        json.dumps(envelope).encode(),
        json.dumps(envelope | {"source": "aws.guardduty", "detail-type": "GuardDuty Finding"}).encode(),
        f"2 {nasty} eni-1 192.0.2.1 192.0.2.2 1 2 6 1 1 {NOW_MS // 1000} {NOW_MS // 1000} ACCEPT OK".encode(),
    ]
    seen = 0
    for data in records:
        for index, ident, _ in carried(router, pipelines, data):
            assert own_index(index), index
            assert len(ident.encode()) <= 512
            seen += 1
    assert seen >= 2


@pytest.mark.parametrize("time", ["1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2262-04-12T00:00:00Z", "2031-01-01T00:00:00Z"])
def test_hostile_clocks_make_no_indices(time: str, router: Router, pipelines: dict[str, CompiledPipeline]) -> None:
    ((index, _, document),) = carried(router, pipelines, json.dumps(trail(eventTime=time)).encode())
    assert index.startswith("siem-aws.cloudtrail-shop-prod-2026.11")
    assert "time_out_of_range" in document["tags"]


def test_fields_that_are_the_services_own_cannot_be_sent(router: Router, pipelines: dict[str, CompiledPipeline]) -> None:
    forged = {
        "project": {"id": "pay", "environment": "prod", "owner": "x"}, "siem": {"stream": "pay", "sequence_number": "1"},
        "event": {"dataset": "aws.guardduty"}, "_index": "siem-aws.cloudtrail-pay-prod-2026.11", "_id": "1", "tags": ["trusted"],
        "cloud": {"account": {"id": VICTIM}}, "project.id": "pay", "siem.stream": "pay", "ecs": {"version": "0"},
    }  # fmt: skip
    for data in (json.dumps(trail(**forged)).encode(), subscription("/app", "x", OWN, json.dumps(forged))):
        ((index, ident, document),) = carried(router, pipelines, data)
        assert own_index(index)
        assert ident != "1"
        assert document["project"] == {"id": "shop", "environment": "prod"}
        assert document["siem"]["stream"] == "logs"
        assert document["siem"]["sequence_number"] == "49"
        assert document["event"]["dataset"] in ("aws.cloudtrail", "aws.cloudwatch")
        assert "trusted" not in document.get("tags", [])
        assert document["cloud"]["account"]["id"] == OWN


def claims() -> list[bytes]:
    """Events of the victim's account, out of the hostile project's stream."""
    flow = f"2 {VICTIM} eni-1 192.0.2.1 192.0.2.2 1 2 6 1 1 {NOW_MS // 1000} {NOW_MS // 1000} ACCEPT OK"
    return [
        json.dumps(trail(recipientAccountId=VICTIM)).encode(),
        json.dumps(trail(recipientAccountId=VICTIM, userIdentity={"type": "Root", "accountId": VICTIM})).encode(),
        subscription("/cloudtrail", "x", VICTIM, json.dumps(trail())),
        subscription("/vpcflow", "x", VICTIM, flow),
        flow.encode(),
        subscription("/app", "x", VICTIM, "hello"),
    ]


@pytest.mark.parametrize("number", range(6))
def test_an_event_that_claims_anothers_account_is_flagged_and_not_found_under_it(
    number: int, router: Router, pipelines: dict[str, CompiledPipeline]
) -> None:
    ((index, _, document),) = carried(router, pipelines, claims()[number])
    assert own_index(index)
    assert "account_mismatch" in document["tags"]
    assert document["cloud"]["account"]["id"] == OWN
    assert document["project"]["id"] == "shop"
    assert document["project"]["claimed_account"] == VICTIM


def test_a_caller_from_another_account_is_no_mismatch(router: Router, pipelines: dict[str, CompiledPipeline]) -> None:
    data = json.dumps(trail(userIdentity={"type": "AssumedRole", "accountId": VICTIM})).encode()
    ((_, _, document),) = carried(router, pipelines, data)
    assert "account_mismatch" not in document.get("tags", [])
    assert document["cloud"]["account"]["id"] == VICTIM


def test_the_same_event_id_in_two_projects_is_two_documents(router: Router, pipelines: dict[str, CompiledPipeline]) -> None:
    data = json.dumps(trail()).encode()
    places = {
        next(iter(carried(router, pipelines, data, *owner)))[:2]
        for owner in (("shop", "prod"), ("pay", "prod"), ("shop", "nonprod"))
    }
    assert len(places) == 3
    assert len({ident for _, ident in places}) == 1


text = st.text(max_size=40) | st.sampled_from(NASTY[:-1])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    group=text, stream=text, owner=text, changes=st.dictionaries(st.sampled_from([*trail(), "errorCode", "tlsDetails"]), values)
)
def test_whatever_is_sent_stays_in_the_projects_indices(
    group: str, stream: str, owner: str, changes: dict[str, Any], router: Router, pipelines: dict[str, CompiledPipeline]
) -> None:
    event = json.dumps(trail(**changes))
    for data in (subscription(group, stream, owner, event), event.encode(), base64.b64encode(event.encode())):
        for index, _, document in carried(router, pipelines, data):
            assert own_index(index)
            assert (document["project"]["id"], document["project"]["environment"]) == ("shop", "prod")
