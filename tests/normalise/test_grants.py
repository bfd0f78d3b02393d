"""Grants are read out of CloudTrail; whatever stands in an event, reading it harms nobody."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.enrich.grant import Told
from service.event import Slice
from service.normalise.grants import grants_in

SHOP, PAY = "111122223333", "123456789012"
ALICE = {"type": "IAMUser", "arn": f"arn:aws:iam::{SHOP}:user/alice", "accountId": SHOP, "accessKeyId": "AKIAIOSFODNN7EXAMPLE"}
ADMIN = f"arn:aws:sts::{SHOP}:assumed-role/Admin/alice"


def event(**more: Any) -> dict[str, Any]:
    return {
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRole",
        "awsRegion": "eu-west-1",
        "recipientAccountId": SHOP,
        "userIdentity": ALICE,
        "requestParameters": {"roleArn": f"arn:aws:iam::{SHOP}:role/eng/Admin", "roleSessionName": "alice"},
        "responseElements": {
            "credentials": {
                "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
                "sessionToken": "x",
                "expiration": "Jan 14, 2026, 10:09:07 AM",
            },
            "assumedRoleUser": {"assumedRoleId": "AROAEXAMPLEADMIN0000:alice", "arn": ADMIN},
        },
        **more,
    }


def read(*events: Any) -> list[Told]:
    texts = [each if isinstance(each, str) else json.dumps(each) for each in events]
    return list(grants_in(Slice("shop", "prod", "audit", "s", "1", 0, 0, texts), 1))


def by_service(service: str, role: str, session: str, **asked: Any) -> dict[str, Any]:
    return event(
        userIdentity={"type": "AWSService", "invokedBy": service},
        requestParameters={"roleArn": f"arn:aws:iam::{SHOP}:role/{role}", "roleSessionName": session, **asked},
        responseElements=None,
    )


def test_a_role_that_was_assumed_is_a_grant() -> None:
    (told,) = read(event())
    assert (told.project, told.environment, told.account) == ("shop", "prod", SHOP)
    grant = told.grant
    assert (grant.key, grant.arn, grant.role_id) == ("ASIAIOSFODNN7EXAMPLE", ADMIN, "AROAEXAMPLEADMIN0000:alice")
    assert (grant.parent, grant.parent_key, grant.caller) == ((ALICE["arn"],), "", SHOP)
    assert read({"detail": event()})[0].grant == grant


@pytest.mark.parametrize(
    ("who", "parent"),
    [
        ({"type": "SAMLUser", "userName": "ann@example.com"}, "ann@example.com"),
        ({"type": "WebIdentityUser", "userName": "system:serviceaccount:shop:checkout"}, "system:serviceaccount:shop:checkout"),
        ({"type": "AWSAccount", "principalId": "AIDAEXAMPLE", "accountId": PAY}, "AIDAEXAMPLE"),
    ],
)
def test_those_who_sign_in_elsewhere_are_named_as_they_are_there(who: dict[str, str], parent: str) -> None:
    (told,) = read(event(userIdentity=who, eventName="AssumeRoleWithSAML"))
    assert told.grant.parent == (parent,)


@pytest.mark.parametrize(
    ("service", "session", "asked", "parent"),
    [
        ("ec2.amazonaws.com", "i-0123456789abcdef0", {}, "i-0123456789abcdef0"),
        ("lambda.amazonaws.com", "thumbs", {}, f"arn:aws:lambda:eu-west-1:{SHOP}:function:thumbs"),
        ("ecs-tasks.amazonaws.com", "0f9d", {}, "ecs-task/0f9d"),
        ("config.amazonaws.com", "x", {}, "config.amazonaws.com"),
        (
            "pods.eks.amazonaws.com",
            "eks-c-pod",
            {
                "tags": [
                    {"key": "kubernetes-namespace", "value": "shop"},
                    {"key": "kubernetes-service-account", "value": "checkout"},
                    7,
                    {"key": ["x"], "value": {}},
                ]
            },
            "system:serviceaccount:shop:checkout",
        ),
        (
            "pods.eks.amazonaws.com",
            "eks-c-pod",
            {"tags": [{"key": "kubernetes-namespace", "value": "a:b"}]},
            "pods.eks.amazonaws.com",
        ),
    ],
)
def test_what_a_service_asked_for_is_for_the_workload_that_it_names(service: str, session: str, asked: Any, parent: str) -> None:
    (told,) = read(by_service(service, "web", session, **asked))
    assert told.grant.parent == (parent,)
    assert told.grant.key == ""
    assert told.grant.arn == f"arn:aws:sts::{SHOP}:assumed-role/web/{session}"


def test_a_federated_user_and_an_assumed_root_are_sessions_too() -> None:
    erin = {"arn": f"arn:aws:sts::{SHOP}:federated-user/erin", "federatedUserId": f"{SHOP}:erin"}
    federated = event(
        eventName="GetFederationToken", responseElements={"credentials": {"accessKeyId": "ASIA2"}, "federatedUser": erin}
    )
    rooted = event(
        eventName="AssumeRoot",
        requestParameters={"targetPrincipal": f"arn:aws:iam::{PAY}:root"},
        responseElements={"credentials": {"accessKeyId": "ASIA3"}},
    )
    assert [told.grant.arn for told in read(federated, rooted)] == [erin["arn"], f"arn:aws:sts::{PAY}:assumed-root"]


@pytest.mark.parametrize(
    "nothing",
    [
        event(errorCode="AccessDenied"),
        event(eventSource="iam.amazonaws.com"),
        event(eventName="GetCallerIdentity"),
        event(eventName="GetSessionToken"),
        event(eventName=["AssumeRole"]),
        event(userIdentity=None),
        event(userIdentity={"type": "Unknown"}),
        event(responseElements=None, requestParameters=None),
        event(responseElements={"assumedRoleUser": {"arn": "arn:aws:sts::x:assumed-role/A/b"}}),
        event(responseElements={"assumedRoleUser": {"arn": f"arn:aws:iam::{SHOP}:user/alice"}}),
        event(responseElements={"assumedRoleUser": {"arn": ["x"]}}),
        event(recipientAccountId="no account"),
        event(recipientAccountId={"a": 1}),
        '["sts.amazonaws.com"]',
        '{"x":"sts.amazonaws.com"',
        '{"a":' * 3000 + '"sts.amazonaws.com"' + "}" * 3000,
        '{"eventName":"\\ud800","eventSource":"sts.amazonaws.com"}',
    ],
)
def test_what_is_no_grant_tells_nothing(nothing: Any) -> None:
    assert read(nothing) == []


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(ADMIN) | st.just("AWSService"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*event(), *ALICE, "tags", "key", "arn"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.sampled_from(sorted(event())), _JSON)
@settings(deadline=None, max_examples=150)
def test_anything_may_stand_anywhere(name: str, value: Any) -> None:
    for told in read({**event(), name: value}):
        assert told.grant.parent
        assert len(told.grant.arn) <= 2048
