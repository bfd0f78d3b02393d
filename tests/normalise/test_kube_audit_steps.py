"""Kubernetes audit: who, which act, allowed or not, and never a secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from service.fields import Catalogue
from service.normalise.steps import kube_audit as kube

ROOT = Path(__file__).parents[2]
CATALOGUE = Catalogue.read(ROOT / "mappings/ecs.yml", ROOT / "pipelines/aws.eks_audit/fields.yml")
ALLOWED = CATALOGUE.fields["event.category"].expected_types


@pytest.mark.parametrize(
    ("verb", "resource", "subresource", "category", "types"),
    [
        ("get", "pods", None, ["api"], ["access"]),
        ("create", "pods", "exec", ["process"], ["start"]),
        ("create", "pods", "portforward", ["session"], ["start"]),
        ("create", "clusterrolebindings", None, ["iam"], ["creation"]),
        ("list", "roles", None, ["iam"], ["info"]),
        ("create", "serviceaccounts", "token", ["authentication"], ["info"]),
        ("create", "tokenreviews", None, ["authentication"], ["info"]),
        ("deletecollection", "pods", None, ["api"], ["deletion"]),
        ("weird", None, None, ["api"], ["info"]),
        (None, ["odd"], 7, ["api"], ["info"]),
    ],
)
def test_a_verb_on_a_resource_has_a_category(verb: Any, resource: Any, subresource: Any, category: Any, types: Any) -> None:
    assert kube.kube_kind(verb, resource, subresource) == (category, types)
    assert set(types) <= set(ALLOWED[category[0]])


@pytest.mark.parametrize(
    ("decision", "code", "outcome"),
    [
        ("allow", 404, "success"),
        ("forbid", 403, "failure"),
        (None, 201, "success"),
        (None, "500", "failure"),
        (None, None, None),
        (None, "x", None),
    ],
)
def test_the_authorisation_decides_else_the_status(decision: Any, code: Any, outcome: Any) -> None:
    assert kube.kube_outcome(decision, code) == (outcome,)


def test_dots_in_annotations_become_underscores() -> None:
    (text,) = kube.kube_annotations({"authorization.k8s.io/decision": "allow", "x": {"a": 1}, "e": "", " ": "y"})
    assert json.loads(text or "") == {"authorization_k8s_io/decision": "allow", "x": '{"a":1}'}


def test_a_kubernetes_user_leads_to_the_iam_identity() -> None:
    extra = {
        "arn": ["arn:aws:sts::111122223333:assumed-role/A/s"],
        "canonicalArn": ["arn:aws:iam::111122223333:role/A"],
        "sessionName": ["s"],
    }
    found = kube.kube_user(
        {"username": "u", "uid": "1", "groups": ["g"], "extra": extra}, {"username": "admin", "groups": ["system:masters"]}
    )
    assert found == (
        "u",
        "1",
        ["g"],
        "admin",
        ["system:masters"],
        "arn:aws:iam::111122223333:role/A",
        "111122223333",
        None,
        "s",
        ["1", "u", "admin", "s"],
    )


@pytest.mark.parametrize("odd", [None, 7, "x", [], {"extra": "x", "groups": {"a": 1}}])
def test_odd_users_are_nobody(odd: Any) -> None:
    assert kube.kube_user(odd, odd)[0] is None


def test_the_first_address_is_the_caller() -> None:
    assert kube.kube_addresses(["192.0.2.1", "2001:db8::1"]) == ("192.0.2.1", ["192.0.2.1", "2001:db8::1"])
    assert kube.kube_addresses({"odd": 1}) == (None, None)


def test_the_log_group_names_the_cluster() -> None:
    assert kube.kube_cluster("/aws/eks/shop-prod/cluster") == ("shop-prod",)
    assert kube.kube_cluster("/aws/lambda/x") == (None,)


def test_the_bookkeeping_of_metadata_is_not_kept() -> None:
    request = {
        "kind": "Pod",
        "metadata": {"name": "a", "managedFields": [1], "annotations": {"x": "y"}},
        "spec": {"hostPID": True},
    }
    response = {"kind": "Pod", "metadata": {"uid": "1"}, "data": {"secret": "x"}, "roleRef": {"name": "r"}}
    sent, came = kube.kube_objects(request, response)
    assert json.loads(sent or "") == {"kind": "Pod", "spec": {"hostPID": True}, "metadata": {"name": "a"}}
    assert json.loads(came or "") == {"kind": "Pod", "roleRef": {"name": "r"}}


def test_a_privileged_container_anywhere_in_the_pod_makes_it_privileged() -> None:
    spec = {"containers": [{"name": "a", "image": "i"}, {"securityContext": {"privileged": True}}]}
    assert kube.kube_container({"spec": spec}) == ("a", "i", True)
    assert kube.kube_container({"spec": {"template": {"spec": spec}}}) == ("a", "i", True)
    assert kube.kube_container({"spec": "odd"}) == (None, None, None)


@pytest.mark.parametrize(("leaves", "under"), [(kube.REQUEST, "requestObject"), (kube.RESPONSE, "responseObject")])
def test_what_is_searched_is_what_is_guarded(leaves: Any, under: str) -> None:
    prefix = f"kubernetes.audit.{under}."
    assert {name.removeprefix(prefix) for name in CATALOGUE.fields if name.startswith(prefix)} == set(leaves)


def test_no_expected_document_holds_the_body_of_a_secret() -> None:
    kept = (ROOT / "pipelines/aws.eks_audit/samples/secret_bodies.expected.json").read_text()
    assert "c3VwZXItc2VjcmV0" not in kept
    assert "eyJhbGciOiJSUzI1NiJ9" not in kept
