"""CloudTrail: who called, what kind of call it was, what it touched, how it ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from service.fields import Catalogue
from service.normalise.steps import STEPS
from service.normalise.steps import cloudtrail_bodies as bodies
from service.normalise.steps.cloudtrail_actor import cloudtrail_actor
from service.normalise.steps.cloudtrail_facts import (
    cloudtrail_details,
    cloudtrail_outcome,
    cloudtrail_resources,
    cloudtrail_tls,
    console_login,
)
from service.normalise.steps.cloudtrail_kind import cloudtrail_kind
from service.normalise.steps.cloudtrail_targets import cloudtrail_actor_entity, cloudtrail_targets
from service.normalise.steps.cloudtrail_words import FAMILIES, NAMES, VERBS

ROOT = Path(__file__).parents[2]
CATALOGUE = Catalogue.read(ROOT / "mappings/ecs.yml", ROOT / "pipelines/aws.cloudtrail/fields.yml")
ALLOWED = CATALOGUE.fields["event.category"].expected_types


@pytest.mark.parametrize(
    ("service", "name", "category", "types"),
    [
        ("iam", "CreateUser", "iam", ["user", "creation"]),
        ("iam", "CreateAccessKey", "iam", ["user", "change"]),
        ("iam", "AttachRolePolicy", "iam", ["change"]),
        ("iam", "TagInstanceProfile", "iam", ["change"]),
        ("iam", "ListInstanceProfiles", "iam", ["info"]),
        ("signin", "ConsoleLogin", "authentication", ["info"]),
        ("sts", "SomethingNew", "authentication", ["info"]),
        ("ec2", "RunInstances", "host", ["start"]),
        ("ec2", "DescribeRouteTables", "network", ["info"]),
        ("ec2", "CreateRouteTable", "configuration", ["creation"]),
        ("ec2", "ModifyImageAttribute", "configuration", ["change"]),
        ("s3", "PutObject", "file", ["change"]),
        ("s3", "PutBucketPolicy", "configuration", ["change"]),
        ("s3", "DeleteBucketPolicy", "configuration", ["deletion"]),
        ("rds", "CreateDBInstance", "configuration", ["creation"]),
        ("lambda", "UpdateFunctionCode20150331v2", "configuration", ["change"]),
        ("newservice", "BatchGetThings", "configuration", ["info"]),
        ("newservice", "updateThing", "configuration", ["change"]),
        ("newservice", "FrobnicateThing", "configuration", ["change"]),
    ],
)
def test_a_name_has_a_category(service: str, name: str, category: str, types: list[str]) -> None:
    assert cloudtrail_kind(f"{service}.amazonaws.com", name, None) == ([category], types, service)


def test_an_unknown_verb_that_only_reads_is_information() -> None:
    assert cloudtrail_kind("newservice.amazonaws.com", "FrobnicateThing", True)[1] == ["info"]


@pytest.mark.parametrize("name", sorted({*NAMES, *(verb + "Thing" for verb in VERBS), "", "x", "123", "ÜberThing"}))
def test_every_pair_is_one_that_ecs_allows(name: str) -> None:
    for service in [*FAMILIES, "cloudtrail", ""]:
        for reads in (True, False):
            (category,), types, _ = cloudtrail_kind(f"{service}.amazonaws.com", name, reads)
            assert set(types) <= set(ALLOWED[category]), (service, name)
            assert types


@pytest.mark.parametrize("odd", [None, 7, ["a"], {"a": 1}])
def test_odd_names_are_no_reason_to_fail(odd: Any) -> None:
    assert cloudtrail_kind(odd, odd, odd)[:2] == (["api"], ["info"])
    assert cloudtrail_actor(*[odd] * 7)[0] is None
    assert cloudtrail_targets(*[odd] * 6) == (None, None, None, None)
    assert cloudtrail_actor_entity(*[odd] * 6) == (None, None, None)
    assert cloudtrail_tls(odd) == (None, None)
    assert console_login(odd, odd) == (None, None, None)
    assert cloudtrail_details(odd, odd, odd, odd) == (None,) * 9
    assert cloudtrail_outcome(odd, None, None, odd, odd) == ("success",)


def actor(kind: str | None, **facts: str) -> tuple[Any, ...]:
    names = ("arn", "user_name", "principal", "issuer_name", "typed", "behalf")
    values: list[Any] = [facts.get(name) for name in names]
    values[4] = {"UserName": values[4]}
    return cloudtrail_actor(kind, *values)


def test_an_assumed_role_is_called_by_the_roles_name_and_searchable_by_its_session() -> None:
    arn = "arn:aws:sts::111122223333:assumed-role/Deploy/alice@example.com"
    name, identity, mail, session, related = actor("AssumedRole", arn=arn, principal="AROA:alice", issuer_name="Deploy")
    assert (name, identity, mail, session) == ("Deploy", "AROA:alice", "alice@example.com", "alice@example.com")
    assert related == ["AROA:alice", "Deploy", "alice@example.com", "alice"]


def test_a_role_without_an_issuer_is_named_by_its_arn() -> None:
    assert actor("AssumedRole", arn="arn:aws-cn:sts::111122223333:assumed-role/Deploy/i-0example")[0] == "Deploy"
    assert actor("FederatedUser", arn="arn:aws:sts::111122223333:federated-user/erin")[0] == "erin"


def test_the_root_user_is_called_root_unless_the_account_has_an_alias() -> None:
    assert actor("Root", principal="111122223333")[0] == "root"
    assert actor("Root", principal="111122223333", user_name="shop")[0] == "shop"
    assert actor("AssumedRole", arn="arn:aws:sts::111122223333:assumed-root")[0] == "root"


def test_a_sign_in_of_an_identity_center_user_is_known_by_what_was_typed() -> None:
    name, identity, mail, *_ = actor("IdentityCenterUser", typed="carol@example.com", behalf="u-1")
    assert (name, identity, mail) == ("carol@example.com", "u-1", "carol@example.com")


def test_an_aws_service_is_nobody() -> None:
    assert actor("AWSService") == (None, None, None, None, None)


def test_who_assumes_a_role_from_a_role_is_that_role() -> None:
    arn, issuer = "arn:aws:sts::1:assumed-role/Ci/b", "arn:aws:iam::1:role/Ci"
    assert cloudtrail_actor_entity("AssumeRole", "AssumedRole", arn, issuer, None, None) == (issuer, None, None)
    assert cloudtrail_actor_entity("GetObject", "AssumedRole", arn, issuer, None, None) == (arn, None, None)


def test_service_linked_roles_and_services_are_services() -> None:
    linked = "arn:aws:sts::1:assumed-role/AWSServiceRoleForConfig/s"
    assert cloudtrail_actor_entity("X", "AssumedRole", linked, None, None, None) == (None, linked, None)
    assert cloudtrail_actor_entity("X", "AWSService", None, None, "ec2.amazonaws.com", None) == (None, "ec2.amazonaws.com", None)


@pytest.mark.parametrize(
    ("service", "name", "request_", "response", "expected"),
    [
        ("sts", "AssumeRole", {"roleArn": "arn:aws:iam::1:role/R"}, None, (["arn:aws:iam::1:role/R"], None, None, None)),
        ("ssm", "SendCommand", {"instanceIds": ["i-1", "i-2"]}, None, (None, ["i-1", "i-2"], None, None)),
        ("ssm", "SendCommand", {"instanceIds": ["*"]}, None, (None, None, None, ["111122223333"])),
        ("ssm", "SendCommand", {"targets": [{"key": "t", "values": ["i-3"]}]}, None, (None, ["i-3"], None, None)),
        ("ec2", "DeleteNetworkAclEntry", {"networkAclId": "acl-1", "ruleNumber": 100}, None, (None, None, ["acl-1"], ["100"])),
        ("s3", "GetObject", {}, None, (None, None, ["arn:aws:s3:::b/k"], None)),
        ("ec2", "DescribeVpcs", None, None, (None, None, None, ["111122223333"])),
        ("ec2", "NotInTheTable", {"a": 1}, None, (None, None, None, None)),
    ],
)
def test_targets_are_sorted_by_what_they_are(service: str, name: str, request_: Any, response: Any, expected: Any) -> None:
    resources = [{"ARN": "arn:aws:s3:::b/k"}, "odd", {"ARN": 7}]
    found = cloudtrail_targets(f"{service}.amazonaws.com", name, request_, response, resources[:1], "111122223333")
    assert found == expected


def test_a_sign_in_says_itself_how_it_ended() -> None:
    assert cloudtrail_outcome("ConsoleLogin", None, None, {"ConsoleLogin": "Failure"}, None) == ("failure",)
    assert cloudtrail_outcome("UserAuthentication", None, None, None, {"UserAuthentication": "Success"}) == ("success",)
    assert cloudtrail_outcome("GetObject", "AccessDenied", None, None, None) == ("failure",)
    assert cloudtrail_outcome("GetObject", None, None, None, None) == ("success",)


def test_resources_are_named_as_detection_content_reads_them_and_stand_once() -> None:
    one = {"ARN": "arn:aws:s3:::b", "accountId": "1", "type": "AWS::S3::Bucket"}
    (text,) = cloudtrail_resources([one, dict(one), {"ARNPrefix": "arn:aws:s3:::b/"}, "odd", {"type": 7}])
    assert json.loads(text or "") == [
        {"arn": "arn:aws:s3:::b", "account_id": "1", "type": "AWS::S3::Bucket"},
        {"arn_prefix": "arn:aws:s3:::b/"},
    ]
    assert cloudtrail_resources([]) == (None,)


def test_tls_versions_split_and_placeholders_are_nothing() -> None:
    assert cloudtrail_tls("TLSv1.3") == ("1.3", "tls")
    assert cloudtrail_tls("tlsVersion") == (None, None)
    assert cloudtrail_tls("-") == (None, None)


def test_a_console_login_tells_of_mfa_and_mobile() -> None:
    said = {"MFAUsed": "No", "MobileVersion": "Yes", "LoginTo": "https://console.aws.amazon.com/"}
    assert console_login("ConsoleLogin", said) == (False, True, "https://console.aws.amazon.com/")
    assert console_login("SwitchRole", said) == (None, None, None)


def details(provider: str, request: Any = None, response: Any = None, additional: Any = None) -> dict[str, Any]:
    names = STEPS["cloudtrail_details"].outputs
    found = cloudtrail_details(f"{provider}.amazonaws.com", request, response, additional)
    return {name: value for name, value in zip(names, found, strict=True) if value is not None}


def test_the_instance_a_call_is_about_is_found() -> None:
    assert details("ec2", None, {"instancesSet": {"items": [{"instanceId": "i-1"}]}}) == {"instance": "i-1"}
    assert details("ssm", {"target": "mi-1"}) == {"instance": "mi-1"}
    assert details("ec2", {"instanceId": "no instance"}) == {}


def test_who_and_what_is_acted_on_is_found() -> None:
    assert details("iam", {"userName": "a", "newUserName": "b"}, {"user": {"userId": "AIDA"}}) == {
        "target_name": "a", "target_id": "AIDA", "new_name": "b",
    }  # fmt: skip
    assert details("iam", {"roleName": "r"}) == {"target_name": "r"}
    assert details("ecs", {"roleName": "r", "key": "k"}) == {}
    assert details("iam", {"groupName": "g"}, {"group": {"groupId": "AGPA"}}) == {"group_name": "g", "group_id": "AGPA"}


def test_an_object_and_its_bytes_are_found() -> None:
    more = {"bytesTransferredIn": 48213.0, "bytesTransferredOut": 0}
    assert details("s3", {"key": "a/b"}, None, more) == {"path": "a/b", "bytes_in": 48213, "bytes_out": 0}
    assert details("s3", {"key": {"odd": 1}}, "odd", {"bytesTransferredIn": -1, "bytesTransferredOut": 0.5}) == {}


@pytest.mark.parametrize(
    ("leaves", "under"),
    [
        (bodies.REQUEST, "request_parameters"),
        (bodies.RESPONSE, "response_elements"),
        (bodies.ADDITIONAL, "additional_eventdata"),
        (bodies.DETAILS, "service_event_details"),
        (bodies.INSIGHT, "insight_details"),
    ],
)
def test_what_is_searched_is_what_is_guarded(leaves: tuple[str, ...], under: str) -> None:
    prefix = f"aws.cloudtrail.flattened.{under}."
    assert {name.removeprefix(prefix) for name in CATALOGUE.fields if name.startswith(prefix)} == set(leaves)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": "b", "c": [1, 2.5, True], "d": {"e": "f"}}, "{a=b, c=[1, 2.5, true], d={e=f}}"),
        ({"a": "x:y,z", "b": '{"Effect":"Allow"}'}, '{a=x:y,z, b={"Effect":"Allow"}}'),
        (
            {"a": "back\\slash", "b": "C:\\new", "c": "two\nlines\tand\u0001"},
            "{a=back\\slash, b=C:\\new, c=two\nlines\tand\\u0001}",
        ),
        ({"a:b,c": "ü"}, "{a:b,c=ü}"),
        ({"long": "x" * 300, "b": "c"}, "{long=" + "x" * 300 + ", b=c}"),
        ("text", "{value=text}"),
    ],
)
def test_bodies_stand_once_more_as_the_text_public_rules_search(value: object, text: str) -> None:
    parts = bodies.cloudtrail_bodies(value, None, None, None, None)
    assert parts[5:] == (text, None, None, None)
    assert bodies.cloudtrail_bodies(None, value, value, value, None)[5:] == (None, text, text, text)
