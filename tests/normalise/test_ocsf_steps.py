"""What an event of the Open Cybersecurity Schema Framework is about."""

from __future__ import annotations

from typing import Any

import pytest

from service.normalise.steps import STEPS
from service.normalise.steps.ocsf_kind import CLASSES
from service.pipeline.flaw import cannot_cast


def outputs(step: str, *inputs: object) -> dict[str, Any]:
    spec = STEPS[step]
    given = [*inputs, *[None] * (len(spec.inputs) - len(inputs))]
    made = spec.function(*given)
    return {name: value for name, value in zip(spec.outputs, made, strict=True) if value is not None}


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ((3002, 1, "Logon"), ("logon", "event", ["authentication"], ["info", "start"])),
        (("3001", 7, "Attach Policy"), ("attach-policy", "event", ["iam"], ["info", "user", "change"])),
        ((4001, 5, "Refuse", "Blocked"), ("refuse", "event", ["network"], ["info", "denied"])),
        ((4001, 6, "Traffic", None, "Allowed"), ("traffic", "event", ["network"], ["info", "connection", "allowed"])),
        ((4003, 2, "Response", "No Action", "Denied"), ("response", "event", ["network"], ["info", "protocol", "denied"])),
        ((1005, 1, "Load"), ("load", "event", ["library"], ["start"])),
        ((1005, 2, "Unload"), ("unload", "event", ["process"], ["info"])),
        ((1001, 1, "Create", "Allowed"), ("create", "event", ["file"], ["info", "creation"])),
        ((2004, 1, "Create"), ("create", "alert", ["intrusion_detection"], ["info"])),
        ((2001, 1, "Create", None, None, [{}], [{}]), ("create", "alert", ["malware", "vulnerability"], ["info"])),
        ((2002, 1, "Create", None, None, None, [{}]), ("create", "alert", ["vulnerability"], ["info"])),
    ],
)
def test_class_and_activity_say_what_it_is(inputs: tuple[object, ...], expected: tuple[object, ...]) -> None:
    found = outputs("ocsf_kind", *inputs)
    assert (found["action"], found["kind"], found["category"], found["type"]) == expected


def test_a_class_that_nobody_knows_has_no_category() -> None:
    assert outputs("ocsf_kind", 9999, 1, "Do") == {"action": "do", "kind": "event", "type": ["info"]}


ALLOWED = {
    "api": "access admin allowed change creation deletion denied end info start user",
    "authentication": "start end info",
    "configuration": "access change creation deletion info",
    "database": "access change info error",
    "driver": "change end info start",
    "email": "info",
    "file": "access change creation deletion info",
    "host": "access change end info start",
    "iam": "admin change creation deletion group info user",
    "library": "start",
    "network": "access allowed connection denied end info protocol start",
    "package": "access change deletion info installation start",
    "process": "access change end info start",
    "session": "start end info",
    "vulnerability": "info",
    "web": "access error info",
}


@pytest.mark.parametrize("uid", sorted(CLASSES))
def test_every_activity_of_every_class_has_types_that_ecs_allows_for_its_category(uid: int) -> None:
    for activity in range(100):
        found = outputs("ocsf_kind", uid, activity, "x", "Blocked")
        allowed = {word for name in found["category"] for word in ALLOWED[name].split()}
        assert set(found["type"]) <= allowed, activity


def test_attacks_of_old_and_new_versions_are_read_alike() -> None:
    old = [{"tactics": [{"uid": "TA0011", "name": "Command and Control"}], "technique": {"uid": "T1071", "name": "Protocol"}}]
    new = [{"tactic": {"uid": "TA0011", "name": "Command and Control"}, "sub_technique": {"uid": "T1071.004", "name": "DNS"}}]
    assert outputs("ocsf_attacks", old, new) == {
        "tactic_ids": ["TA0011"],
        "tactic_names": ["Command and Control"],
        "technique_ids": ["T1071"],
        "technique_names": ["Protocol"],
        "subtechnique_ids": ["T1071.004"],
        "subtechnique_names": ["DNS"],
    }


def test_observables_go_by_their_type_and_what_is_no_address_is_none() -> None:
    values = [(2, "203.0.113.9"), (2, "nowhere"), (4, "ana"), (1, "c2.example.org"), (8, "abc"), (10, "arn")]
    found = outputs("ocsf_observables", [{"type_id": number, "value": value} for number, value in values])
    assert found == {"addresses": ["203.0.113.9"], "users": ["ana"], "hosts": ["c2.example.org"], "hashes": ["abc"]}


def test_hashes_go_by_the_name_of_their_algorithm_or_by_its_number() -> None:
    given = [{"algorithm": "SHA-256", "value": "AB"}, {"algorithm": "Other", "algorithm_id": 1, "value": "CD"}]
    assert outputs("ocsf_hashes", given) == {"md5": "cd", "sha256": "ab", "list": ["ab", "cd"]}


def test_a_vulnerability_has_its_score_whether_in_a_list_or_alone() -> None:
    for cvss in ({"base_score": 7.5, "version": "3.1"}, [{"base_score": 7.5, "version": "3.1"}]):
        found = outputs(
            "ocsf_vulnerabilities", [{"cve": {"uid": "CVE-2024-10001", "cvss": cvss}, "affected_packages": [{"name": "a"}]}]
        )
        assert found == {"id": "CVE-2024-10001", "score": 7.5, "version": "3.1", "packages": ["a"]}


def test_an_object_of_empty_objects_is_no_error() -> None:
    assert cannot_cast(None, "ocsf.actor", ("actor",), {"session": {}, "idp": {"more": [{}]}}, "an object") is None
    assert cannot_cast(None, "ocsf.actor", ("actor",), {"session": [0]}, "an object") is not None
