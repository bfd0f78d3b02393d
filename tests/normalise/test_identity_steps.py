"""Who acts behind a caller, as far as one event alone tells."""

from __future__ import annotations

from typing import Any

import pytest

from service.normalise.steps.identity import arn_identity, cloudtrail_identity, kube_identity, session_key, session_of

ALICE = "arn:aws:iam::111122223333:user/alice"
SESSION = "arn:aws:sts::111122223333:assumed-role/Admin/alice"
INSTANCE = "arn:aws:sts::111122223333:assumed-role/web/i-0123456789abcdef0"
KEY = "ASIAIOSFODNN7EXAMPLE"
_INPUTS = (
    "kind", "arn", "principal", "account", "user_name", "access_key", "invoked_by", "behalf",
    "issuer_arn", "issuer_id", "issuer_name", "source_identity", "delivery", "scope",
)  # fmt: skip


def identity(**said: Any) -> Any:
    return cloudtrail_identity(*(said.get(name) for name in _INPUTS))


@pytest.mark.parametrize(
    ("said", "chain"),
    [
        ({"kind": "IAMUser", "arn": ALICE, "access_key": "AKIAIOSFODNN7EXAMPLE"}, [ALICE]),
        ({"kind": "Root", "arn": "arn:aws:iam::111122223333:root"}, ["arn:aws:iam::111122223333:root"]),
        ({"kind": "AssumedRole", "arn": SESSION}, [SESSION]),
        ({"kind": "AssumedRole", "arn": SESSION, "source_identity": "alice"}, ["alice", SESSION]),
        ({"kind": "AssumedRole", "principal": "AROAEXAMPLE:alice"}, ["AROAEXAMPLE:alice"]),
        ({"kind": "AssumedRole", "arn": INSTANCE, "delivery": "2.0"}, ["i-0123456789abcdef0", INSTANCE]),
        (
            {
                "kind": "AssumedRole",
                "arn": SESSION,
                "scope": {"credentialsIssuedTo": "arn:aws:lambda:eu-central-1:111122223333:function:thumbs"},
            },
            ["arn:aws:lambda:eu-central-1:111122223333:function:thumbs", SESSION],
        ),
        (
            {
                "kind": "AssumedRole",
                "arn": SESSION,
                "issuer_arn": "arn:aws:iam::111122223333:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig",
            },
            ["config.amazonaws.com", SESSION],
        ),
        (
            {"kind": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0a1b/ann@example.com"},
            ["ann@example.com", "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0a1b/ann@example.com"],
        ),
        (
            {"kind": "FederatedUser", "arn": "arn:aws:sts::111122223333:federated-user/erin", "issuer_arn": ALICE},
            [ALICE, "arn:aws:sts::111122223333:federated-user/erin"],
        ),
        ({"kind": "SAMLUser", "principal": "x=:dave", "user_name": "dave"}, ["dave"]),
        ({"kind": "WebIdentityUser", "user_name": "repo:example/shop"}, ["repo:example/shop"]),
        ({"kind": "IdentityCenterUser", "behalf": "94f8"}, ["arn:aws:identitystore:::user/94f8"]),
        ({"kind": "AWSService", "invoked_by": "ec2.amazonaws.com"}, ["ec2.amazonaws.com"]),
        ({"kind": "AWSAccount", "principal": "AIDAEXAMPLE", "account": "444455556666"}, ["AIDAEXAMPLE"]),
        ({"kind": "AWSAccount", "account": "444455556666"}, ["444455556666"]),
        ({"kind": "AWSAccount", "account": "anonymous"}, None),
        ({"kind": "Unknown", "arn": ALICE}, None),
        ({}, None),
    ],
)
def test_cloudtrail_says_who_is_behind_a_caller(said: dict[str, Any], chain: list[str] | None) -> None:
    assert identity(**said)[0] == chain


def test_the_name_of_a_session_is_the_callers_choice_and_proves_no_instance() -> None:
    assert identity(kind="AssumedRole", arn=INSTANCE)[0] == [INSTANCE]
    assert identity(kind="AssumedRole", arn=SESSION, delivery="2.0")[0] == [SESSION]


def test_a_role_session_knows_its_key_and_whose_permissions_it_has() -> None:
    said = identity(kind="AssumedRole", arn=SESSION, access_key=KEY, issuer_id="AROAEXAMPLE", issuer_name="Admin")
    assert said[1:] == (KEY, "Admin", "AROAEXAMPLE")


@pytest.mark.parametrize("key", ["AKIAIOSFODNN7EXAMPLE", "", None, 7, "ASIA" + "A" * 200, 'ASIA"}', ["ASIA"]])
def test_only_temporary_keys_name_a_session(key: Any) -> None:
    assert session_key(key) is None


def test_kubernetes_knows_the_iam_session_behind_its_user() -> None:
    user = {"username": "admin", "extra": {"arn": [SESSION], "accessKeyId": [KEY], "sessionName": ["alice"]}}
    assert kube_identity(user, None) == ([SESSION], KEY, "Admin", None)
    assert kube_identity(user, {"username": "system:admin"})[0] == [SESSION, "system:admin"]


def test_a_service_account_is_a_workload_of_its_own() -> None:
    assert kube_identity({"username": "system:serviceaccount:shop:checkout"}, None)[0] == ["system:serviceaccount:shop:checkout"]


def test_a_node_is_its_instance() -> None:
    extra = {"arn": [INSTANCE], "accessKeyId": [KEY]}
    node = {"username": "system:node:ip-192-0-2-10.eu-central-1.compute.internal", "extra": extra}
    assert kube_identity(node, None)[0] == ["i-0123456789abcdef0", INSTANCE]
    assert kube_identity({"username": "admin", "extra": extra}, None)[0] == [INSTANCE]


def test_the_role_that_the_authenticator_names_and_its_session_are_the_sessions_arn() -> None:
    chain, key, name, identity_ = arn_identity("arn:aws:iam::111122223333:role/eng/Admin", "alice", KEY, "AROAEXAMPLE")
    assert (chain, key, name, identity_) == ([SESSION], KEY, "Admin", "AROAEXAMPLE")


def test_a_log_that_names_its_caller_by_arn_alone_names_the_chain_too() -> None:
    assert arn_identity(SESSION, None, None, None) == ([SESSION], None, "Admin", None)
    assert arn_identity("svc:delivery.logs.amazonaws.com", None, None, None)[0] == ["delivery.logs.amazonaws.com"]
    assert arn_identity("-", None, None, None)[0] is None


@pytest.mark.parametrize(
    "arn", ["arn:aws:sts::1:assumed-role/", "arn:aws:sts::1:assumed-role/x", "arn:aws:iam::1:assumed-role/a/b", "", "a/b"]
)
def test_what_is_no_session_is_none(arn: str) -> None:
    assert session_of(arn) is None
