"""GuardDuty findings: sides of the traffic, names of the vendor object, ATT&CK, what to search by."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from service.errors import EventError
from service.fields import Catalogue
from service.normalise.steps import STEPS
from service.normalise.steps import finding_facts as facts
from service.normalise.steps.finding_actors import finding_pivots, finding_sides
from service.normalise.steps.finding_names import renamed
from service.normalise.steps.finding_threats import TACTICS, TECHNIQUES, finding_attack
from service.parse.steps import PARSERS

ROOT = Path(__file__).parents[2]
CATALOGUE = Catalogue.read(ROOT / "mappings/ecs.yml", ROOT / "pipelines/aws.guardduty/fields.yml")
REMOTE = {
    "ipAddressV4": "203.0.113.9",
    "country": {"countryName": "Netherlands"},
    "organization": {"asn": "64500", "asnOrg": "Example"},
}


def connection(direction: str | None) -> dict[str, Any]:
    return {
        "networkConnectionAction": {
            "connectionDirection": direction,
            "remoteIpDetails": REMOTE,
            "localIpDetails": {"ipAddressV4": "192.0.2.15"},
            "remotePortDetails": {"port": 4444},
            "localPortDetails": {"port": 22},
            "protocol": "TCP",
            "blocked": False,
        }
    }


def sides(action: Any) -> dict[str, Any]:
    return dict(zip(STEPS["finding_sides"].outputs, finding_sides(action), strict=True))


def test_inbound_traffic_comes_from_the_remote_side() -> None:
    found = sides(connection("INBOUND"))
    assert (found["source_ip"], found["source_port"], found["source_as_number"]) == ("203.0.113.9", 4444, 64500)
    assert (found["destination_ip"], found["destination_port"]) == ("192.0.2.15", 22)
    assert (found["direction"], found["transport"], found["blocked"]) == ("inbound", "tcp", False)


def test_outbound_traffic_goes_to_the_remote_side_and_so_does_its_place() -> None:
    found = sides(connection("OUTBOUND"))
    assert (found["source_ip"], found["destination_ip"]) == ("192.0.2.15", "203.0.113.9")
    assert found["destination_country"] == "Netherlands"
    assert found["source_country"] is None


def test_an_unknown_direction_is_no_direction() -> None:
    assert sides(connection("UNKNOWN"))["direction"] is None


def test_the_first_prober_of_a_port_is_the_source() -> None:
    probe = {"remoteIpDetails": REMOTE, "localIpDetails": {"ipAddressV4": "192.0.2.15"}, "localPortDetails": {"port": 9200}}
    found = sides({"portProbeAction": {"blocked": True, "portProbeDetails": [probe]}})
    assert (found["source_ip"], found["destination_port"], found["direction"], found["blocked"]) == (
        "203.0.113.9",
        9200,
        "inbound",
        True,
    )


def test_a_protocol_comes_by_name_or_by_number() -> None:
    action = connection("INBOUND")
    action["networkConnectionAction"]["protocol"] = "17"
    assert (sides(action)["transport"], sides(action)["number"]) == ("udp", "17")


def test_a_dns_request_is_outbound_dns() -> None:
    found = sides({"dnsRequestAction": {"protocol": "UDP", "domain": "example.com"}})
    assert (found["direction"], found["transport"], found["protocol"]) == ("outbound", "udp", "dns")


@pytest.mark.parametrize("action", [None, [], "x", {}, {"portProbeAction": {"portProbeDetails": ["x"]}}, {"awsApiCallAction": 7}])
def test_odd_actions_have_no_sides(action: Any) -> None:
    assert sides(action)["source_ip"] is None


@pytest.mark.parametrize("place", [{"lat": "x", "lon": 1}, {"lat": 91, "lon": 0}, {"lat": True, "lon": 1}, 7])
def test_a_place_off_the_globe_is_left_out(place: Any) -> None:
    found = sides({"awsApiCallAction": {"remoteIpDetails": {"ipAddressV4": "300.1.1.1", "geoLocation": place}}})
    assert (found["source_ip"], found["source_location"]) == (None, None)


def test_everything_to_search_by_is_found_however_deep() -> None:
    resource = {
        "accessKeyDetails": {"principalId": "AIDA", "userName": "mallory"},
        "instanceDetails": {
            "networkInterfaces": [
                {"privateDnsName": "host.internal", "privateIpAddress": "192.0.2.15", "ipv6Addresses": ["2001:db8::15", "odd"]}
            ]
        },
    }
    service = {"runtimeDetails": {"process": {"executableSha256": "E" * 64, "user": "root"}}, "x": {"sourceIPs": ["203.0.113.9"]}}
    addresses, users, hashes, hosts = finding_pivots(resource, service)
    assert addresses == ["192.0.2.15", "2001:db8::15", "203.0.113.9"]
    assert users == ["AIDA", "mallory", "root"]
    assert (hashes, hosts) == (["e" * 64], ["host.internal"])


def test_names_are_those_that_detection_content_reads() -> None:
    value = {
        "resourceType": "Instance",
        "instanceDetails": {
            "instanceId": "i-1",
            "imageId": "ami-1",
            "networkInterfaces": [{"publicIp": "198.51.100.1", "vpcId": "vpc-1"}],
        },
        "eksClusterDetails": {"vpcId": "vpc-2", "createdAt": 1636625755.218, "tags": [{"key": "A B", "value": "c"}]},
        "empty": None,
    }
    assert renamed(value, "resource") == {
        "type": "Instance",
        "instance_details": {
            "instance": {"id": "i-1"}, "image": {"id": "ami-1"},
            "network_interfaces": [{"public": {"ip": "198.51.100.1"}, "vpc_id": "vpc-1"}],
        },
        "eks_cluster_details": {
            "vpcid": "vpc-2", "created_at": "2021-11-11T10:15:55.218Z", "tags": [{"key": "A B", "value": "c"}],
        },
    }  # fmt: skip


def test_objects_nested_without_end_are_cut() -> None:
    deep: Any = "x"
    for _ in range(60):
        deep = {"a": deep}
    assert renamed(deep) is None
    assert finding_pivots(deep, [deep]) == (None, None, None, None)


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        (0.1, (0, "Low", "low")),
        (2, (2, "Low", "low")),
        (5.5, (5, "Medium", "medium")),
        (8.9, (8, "High", "high")),
        (9.0, (9, "Critical", "critical")),
        ("high", (None, None, None)),
        (-1, (None, None, None)),
    ],
)
def test_severities_have_a_number_and_a_word(severity: Any, expected: Any) -> None:
    assert facts.finding_severity(severity) == expected


@pytest.mark.parametrize(
    ("kind", "purpose", "ruleset", "category"),
    [
        ("Trojan:EC2/BlackholeTraffic!DNS", "Trojan", "Trojan:EC2", ["intrusion_detection", "malware"]),
        ("Execution:EC2/MaliciousFile", "Execution", "Execution:EC2", ["intrusion_detection", "malware"]),
        ("Policy:IAMUser/RootCredentialUsage", "Policy", "Policy:IAMUser", ["intrusion_detection"]),
        ("no colon", None, None, ["intrusion_detection"]),
        (None, None, None, ["intrusion_detection"]),
    ],
)
def test_a_type_is_a_rule(kind: Any, purpose: Any, ruleset: Any, category: Any) -> None:
    assert facts.finding_rule(kind) == (purpose, ruleset, category)


def test_a_type_names_its_technique() -> None:
    tactics, names, techniques, technique_names, sub, sub_names = finding_attack(
        "Stealth:IAMUser/CloudTrailLoggingDisabled", None
    )
    assert (tactics, names) == (["TA0005"], ["Defense Evasion"])
    assert (techniques, technique_names) == (["T1562"], ["Impair Defenses"])
    assert (sub, sub_names) == (["T1562.008"], ["Disable or Modify Cloud Logs"])


def test_an_attack_sequence_names_its_own() -> None:
    sequence = {
        "sequenceIndicators": [
            {"key": "ATTACK_TACTIC", "values": ["Exfiltration", 7]},
            {"key": "ATTACK_TECHNIQUE", "values": ["T1530 - Data from Cloud Storage"]},
            "odd",
        ]
    }
    tactics, _, techniques, *_ = finding_attack("AttackSequence:S3/CompromisedData", sequence)
    assert (tactics, techniques) == (["TA0010"], ["T1530"])


@pytest.mark.parametrize("kind", [None, 7, "", ":", "A:B", "Policy:S3/AccountBlockPublicAccessDisabled"])
def test_other_types_name_none(kind: Any) -> None:
    assert finding_attack(kind, "odd") == (None,) * 6


def test_every_technique_and_tactic_of_the_tables_has_a_name() -> None:
    from service.normalise.steps import finding_threats

    assert set(finding_threats._PURPOSES.values()) <= set(TACTICS)
    for number in finding_threats._FAMILIES.values():
        assert number in TECHNIQUES
        assert number.partition(".")[0] in TECHNIQUES


def test_samples_are_known_by_their_flag_or_by_their_text() -> None:
    assert facts.finding_sample({"sample": True}) == (True,)
    assert facts.finding_sample({"value": '{"a": 1, "sample": true}'}) == (True,)
    assert facts.finding_sample({"value": "{}"}) == (None,)


def test_the_first_infected_file_stands_for_all() -> None:
    names = [{"name": "EICAR", "filePaths": [{"filePath": "tmp/e", "fileName": "e", "hash": "a" * 64}]}]
    service = {"ebsVolumeScanDetails": {"scanDetections": {"threatDetectedByName": {"threatNames": names}}}}
    assert facts.finding_file(service) == ("tmp/e", "e", "a" * 64, "EICAR", None)


def test_a_workloads_container_is_found_and_its_privilege() -> None:
    workload = {"containers": [{"name": "sh", "image": "alpine", "securityContext": {"privileged": True}}]}
    assert facts.finding_container({"kubernetesDetails": {"kubernetesWorkloadDetails": workload}}) == (
        None,
        "sh",
        "alpine",
        None,
        True,
    )


@pytest.mark.parametrize(("leaves", "under"), [(facts.RESOURCE, "resource"), (facts.SERVICE, "service")])
def test_what_is_searched_is_what_is_guarded(leaves: tuple[str, ...], under: str) -> None:
    prefix = f"aws.guardduty.{under}."
    assert {name.removeprefix(prefix) for name in CATALOGUE.fields if name.startswith(prefix)} == set(leaves)


def test_the_apis_capitals_and_envelopes_read_the_same() -> None:
    plain = {"id": "f", "accountId": "1", "resource": {"resourceType": "x"}, "service": {"action": {"ipAddressV4": "a"}}}
    api = {"Id": "f", "AccountId": "1", "Resource": {"ResourceType": "x"}, "Service": {"Action": {"IpAddressV4": "a"}}}
    for form in (plain, api, {"source": "aws.guardduty", "detail": plain}, {"detail-type": "GuardDuty Finding", "detail": api}):
        assert PARSERS["guardduty"](json.dumps(form)) == plain


def test_text_that_is_no_finding_is_refused() -> None:
    with pytest.raises(EventError):
        PARSERS["guardduty"]("[1]")
