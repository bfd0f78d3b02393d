"""What Security Hub's and Inspector's findings say of their actions, resources, indicators and packages."""

from __future__ import annotations

from typing import Any

import pytest

from service.normalise.steps import STEPS


def outputs(step: str, *inputs: object) -> dict[str, Any]:
    spec = STEPS[step]
    given = [*inputs, *[None] * (len(spec.inputs) - len(inputs))]
    made = spec.function(*given)
    return {name: value for name, value in zip(spec.outputs, made, strict=True) if value is not None}


REMOTE = {"IpAddressV4": "198.51.100.7", "Country": {"CountryName": "Sweden"}}


def test_an_action_has_two_sides_whichever_way_the_traffic_went() -> None:
    action = {"NetworkConnectionAction": {"ConnectionDirection": "OUTBOUND", "Protocol": "TCP", "RemoteIpDetails": REMOTE}}
    found = outputs("asff_action", action)
    assert found["destination_ip"] == "198.51.100.7"
    assert found["destination_country"] == "Sweden"
    assert "source_ip" not in found


def test_the_same_is_read_from_the_paths_of_a_guardduty_finding() -> None:
    base = "aws/guardduty/service/action/"
    fields = {
        f"{base}portProbeAction/portProbeDetails.0_/remoteIpDetails/ipAddressV4": "198.51.100.7",
        f"{base}portProbeAction/portProbeDetails.0_/localPortDetails/port": "22",
        f"{base}portProbeAction/blocked": "true",
        "aws/guardduty/service/count": "3",
    }
    assert outputs("asff_action", None, fields) == {
        "source_ip": "198.51.100.7",
        "destination_port": 22,
        "direction": "inbound",
        "blocked": True,
    }


def test_paths_that_contradict_each_other_do_no_harm() -> None:
    base = "aws/guardduty/service/action/"
    fields = {f"{base}portProbeAction": "x", f"{base}portProbeAction/portProbeDetails.0_/a": "1", f"{base}a/b/c/d/e/f/g/h/i": "1"}
    assert outputs("asff_action", None, fields) == {}


def test_a_domain_that_was_asked_for_is_no_side() -> None:
    found = outputs("asff_action", {"DnsRequestAction": {"Domain": "c2.example.com", "Protocol": "UDP"}})
    assert (found["domain"], found["direction"], found["protocol"]) == ("c2.example.com", "outbound", "dns")


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ({"Type": "AwsIamUser", "Id": "arn:aws:iam::111122223333:user/ana"}, {"user_name": "ana"}),
        (
            {"Type": "AwsIamAccessKey", "Id": "k", "Details": {"PrincipalName": "ana", "PrincipalId": "AIDA1"}},
            {"user_name": "ana", "user_id": "AIDA1", "users": ["ana", "AIDA1"]},
        ),
        (
            {"Type": "AwsEc2Instance", "Id": "arn:aws:ec2:eu-west-1:1:instance/i-1", "Details": {"Type": "t3.micro"}},
            {"instance": "i-1", "machine": "t3.micro"},
        ),
        (
            {"Type": "AwsElbv2LoadBalancer", "Id": "lb", "Details": {"AvailabilityZones": [{"ZoneName": "a"}]}},
            {"zone": "a"},
        ),
        ({"Type": "AwsEcsCluster", "Id": "arn:aws:ecs:r:1:cluster/jobs"}, {"cluster": "jobs", "orchestrator": "ecs"}),
        ({"Type": "AwsLambdaFunction", "Id": "arn:aws:lambda:r:1:function:f"}, {"function": "f"}),
    ],
)
def test_a_resource_is_told_in_the_words_of_its_kind(resource: dict[str, Any], expected: dict[str, Any]) -> None:
    assert expected.items() <= outputs("asff_resources", [resource]).items()


def test_of_several_resources_the_first_speaks_and_all_are_searched_by() -> None:
    instances = [
        {
            "Type": "AwsEc2Instance",
            "Id": f"arn:aws:ec2:r:1:instance/i-{n}",
            "Details": {"AwsEc2Instance": {"IpV4Addresses": [f"192.0.2.{n}"]}},
        }
        for n in (1, 2)
    ]
    found = outputs("asff_resources", instances)
    assert found["instance"] == "i-1"
    assert found["addresses"] == ["192.0.2.1", "192.0.2.2"]
    assert found["hosts"] == ["arn:aws:ec2:r:1:instance/i-1", "i-1", "arn:aws:ec2:r:1:instance/i-2", "i-2"]


def test_what_was_done_and_what_is_listed_is_searched_by_too() -> None:
    action = {"PortProbeAction": {"PortProbeDetails": [{"RemoteIpDetails": {"IpAddressV4": "198.51.100.7"}}]}}
    listed = [
        {"Type": "DOMAIN", "Value": "c2.example.com"},
        {"Type": "IPV6_ADDRESS", "Value": "2001:db8::7"},
        {"Type": "HASH_SHA256", "Value": "AB" * 32},
        {"Type": "MUTEX", "Value": "x"},
        "noise",
    ]
    found = outputs("asff_resources", None, action, listed)
    assert found == {"addresses": ["198.51.100.7", "2001:db8::7"], "hosts": ["c2.example.com"], "hashes": ["ab" * 32]}


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("IPV4_ADDRESS", "192.0.2.1", {"type": "ipv4-addr", "ip": "192.0.2.1"}),
        ("DOMAIN", "c2.example.com", {"type": "domain-name", "domain": "c2.example.com"}),
        ("HASH_SHA1", "abc", {"type": "file", "sha1": "abc"}),
        ("EMAIL_ADDRESS", "a@example.com", {"type": "email-addr", "mail": "a@example.com"}),
        ("SOMETHING", "x", {}),
    ],
)
def test_an_indicator_is_put_where_its_type_belongs(kind: str, value: str, expected: dict[str, str]) -> None:
    assert outputs("asff_indicators", [{"Type": kind, "Value": value}]) == expected


def test_packages_of_all_vulnerabilities_are_named_once() -> None:
    package = {"Name": "openssl", "Version": "1.0.2k"}
    found = outputs("asff_vulnerabilities", [{"Id": "CVE-1", "VulnerablePackages": [package]}, {"VulnerablePackages": [package]}])
    assert found == {"id": "CVE-1", "packages": ["openssl"], "versions": ["1.0.2k"]}


@pytest.mark.parametrize(
    ("platform", "system"),
    [
        ("WINDOWS_SERVER_2022", "windows"),
        ("AMAZON_LINUX_2", "linux"),
        ("BOTTLEROCKET", "linux"),
        ("MACOS_14", "macos"),
        ("OTHER", None),
    ],
)
def test_the_platform_of_an_instance_tells_its_operating_system(platform: str, system: str | None) -> None:
    details = {"awsEc2Instance": {"platform": platform, "ipV4Addresses": ["192.0.2.1"]}}
    found = outputs("inspector_resources", [{"type": "AWS_EC2_INSTANCE", "id": "i-1", "details": details}])
    assert found.get("system") == system
    assert found["addresses"] == ["192.0.2.1"]


def test_an_image_is_told_by_name_tags_and_digest() -> None:
    digest = "50d858e0985ecc7f60418aaf0cc5ab587f42c2570a884095a9e8ccacd0f6545d"
    image = {"repositoryName": "shop/web", "imageTags": ["1", "latest"], "imageHash": f"sha256:{digest}"}
    found = outputs("inspector_resources", [{"type": "AWS_ECR_CONTAINER_IMAGE", "details": {"awsEcrContainerImage": image}}])
    assert found == {"image": "shop/web", "image_tags": ["1", "latest"], "image_hash": [f"sha256:{digest}"], "hashes": [digest]}
