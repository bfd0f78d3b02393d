"""The steps of Kubernetes audit events: who, what kind of act, how it ended, which objects were sent."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from service.enrich.fragments import dump
from service.normalise.cast import to_keyword, to_keywords, to_long
from service.normalise.fitting import Shape, names
from service.normalise.steps.spec import StepSpec

_IAM = frozenset(
    {
        "roles",
        "rolebindings",
        "clusterroles",
        "clusterrolebindings",
        "serviceaccounts",
        "users",
        "groups",
        "certificatesigningrequests",
        "userextras",
        "uids",
    }
)
_REVIEWS = frozenset({"tokenreviews", "selfsubjectreviews", "tokenrequests"})
_SESSIONS = frozenset({"exec", "attach", "portforward", "proxy"})
_TYPES = {
    "get": "access",
    "list": "access",
    "watch": "access",
    "head": "access",
    "options": "info",
    "create": "creation",
    "post": "creation",
    "update": "change",
    "patch": "change",
    "put": "change",
    "delete": "deletion",
    "deletecollection": "deletion",
    "bind": "change",
    "escalate": "change",
    "approve": "change",
    "sign": "change",
    "impersonate": "change",
    "use": "access",
}
_CLUSTER = re.compile(r"/aws/eks/([^/]{1,100})/cluster")
_ARN = re.compile(r"arn:[a-z-]+:(?:iam|sts)::(\d{12}):")

_POD = names(
    "hostNetwork hostPID hostIPC serviceAccountName nodeName containers.name containers.image containers.command"
    " containers.securityContext.privileged containers.securityContext.allowPrivilegeEscalation"
    " containers.securityContext.runAsUser containers.securityContext.capabilities.add volumes.hostPath.path"
    " securityContext.runAsUser type"
)
REQUEST = [
    *(f"spec.{leaf}" for leaf in _POD),
    *(f"spec.template.spec.{leaf}" for leaf in _POD),
    *names(
        "kind roleRef.kind roleRef.name subjects.kind subjects.name subjects.namespace rules.resources rules.verbs"
        " rules.apiGroups metadata.name metadata.namespace spec.username spec.groups spec.audiences spec.expirationSeconds"
        " spec.user spec.resourceAttributes.resource spec.resourceAttributes.verb spec.resourceAttributes.namespace"
        " webhooks.clientConfig.url webhooks.clientConfig.service.name webhooks.clientConfig.service.namespace"
    ),
]
"""Leaves of the request object that are searched."""
RESPONSE = names(
    "kind code reason status.allowed status.reason roleRef.kind roleRef.name subjects.kind subjects.name"
    " rules.verbs rules.resources"
)
"""Leaves of the response object that are searched; nothing else of it is kept apart from the original."""
_REQUEST, _RESPONSE = Shape(REQUEST), Shape(RESPONSE)


@lru_cache(maxsize=4096)
def _kind(verb: str, resource: str, subresource: str) -> tuple[list[str], list[str]]:
    effect = _TYPES.get(verb, "info")
    if subresource in _SESSIONS and effect != "deletion":
        return ["process" if subresource in ("exec", "attach") else "session"], ["start"]
    if resource in _REVIEWS or subresource == "token":
        return ["authentication"], ["info"]
    if resource in _IAM:
        return ["iam"], [{"access": "info"}.get(effect, effect)]
    return ["api"], [effect]


def kube_kind(verb: object, resource: object, subresource: object) -> tuple[list[str], list[str]]:
    """event.category and event.type of a verb on a resource."""
    words = [each.lower() if isinstance(each, str) else "" for each in (verb, resource, subresource)]
    return _kind(*words)


def kube_outcome(decision: object, code: object) -> tuple[str | None]:
    """The authorisation's word, else the status code's."""
    if decision == "allow":
        return ("success",)
    if decision == "forbid":
        return ("failure",)
    number = to_long(code)
    return (None if number is None else "success" if number < 400 else "failure",)


def kube_annotations(annotations: object) -> tuple[str | None]:
    """JSON text of the annotations, dots in their keys as underscores, values as text."""
    if not isinstance(annotations, dict):
        return (None,)
    kept = {key.replace(".", "_"): text for key, value in annotations.items() if (text := _as_text(value)) and key.strip()}
    return (dump(kept) if kept else None,)


def _as_text(value: Any) -> str | None:
    return dump(value) if isinstance(value, dict | list) else to_keyword(value)


def kube_user(user: object, impersonated: object) -> tuple[Any, ...]:
    """Name, uid and groups; the impersonated name and groups; IAM ARN, its account, access key and session; all names."""
    who = user if isinstance(user, dict) else {}
    other = impersonated if isinstance(impersonated, dict) else {}
    extra: dict[str, Any] = who["extra"] if isinstance(who.get("extra"), dict) else {}
    name, uid, effective = to_keyword(who.get("username")), to_keyword(who.get("uid")), to_keyword(other.get("username"))
    arn = _first(extra.get("canonicalArn")) or _first(extra.get("arn"))
    found = _ARN.match(arn) if arn else None
    session = _first(extra.get("sessionName"))
    names = [each for each in dict.fromkeys((uid, name, effective, session)) if each]
    return (
        name,
        uid,
        to_keywords(who.get("groups")),
        effective,
        to_keywords(other.get("groups")),
        arn,
        found[1] if found else None,
        _first(extra.get("accessKeyId")),
        session,
        names or None,
    )


def _first(value: object) -> str | None:
    if isinstance(value, list):
        return to_keyword(value[0]) if value else None
    return to_keyword(value)


def kube_addresses(addresses: object) -> tuple[str | None, list[str] | None]:
    """Where the call came from first, and every address on its way."""
    found = to_keywords(addresses)
    return (found[0], found) if found else (None, None)


def kube_cluster(log_group: object) -> tuple[str | None]:
    """Name of the EKS cluster whose log group it is."""
    found = _CLUSTER.match(log_group) if isinstance(log_group, str) else None
    return (found[1] if found else None,)


def kube_objects(request: object, response: object) -> tuple[str | None, str | None]:
    """JSON text of the request object, without the bookkeeping of its metadata, and of what the response says."""
    return _REQUEST.fit(_plain(request)), _mapped(response)


def _plain(value: object) -> object:
    if not isinstance(value, dict):
        return value
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        return value
    kept = {key: metadata[key] for key in ("name", "namespace", "generateName") if key in metadata}
    body = {key: item for key, item in value.items() if key != "metadata"}
    return {**body, "metadata": kept} if kept else body


def _mapped(value: object) -> str | None:
    if not isinstance(value, dict):
        return None
    return _RESPONSE.fit({key: value[key] for key in ("kind", "code", "reason", "roleRef", "subjects") if key in value})


def kube_container(request: object) -> tuple[str | None, str | None, bool | None]:
    """Name, image and privilege of the first container of a pod or of a workload's pod template."""
    spec = request.get("spec") if isinstance(request, dict) else None
    if isinstance(spec, dict) and "containers" not in spec:
        template = spec.get("template")
        spec = template.get("spec") if isinstance(template, dict) else None
    containers = spec.get("containers") if isinstance(spec, dict) else None
    if not isinstance(containers, list) or not containers or not isinstance(containers[0], dict):
        return None, None, None
    security = [each.get("securityContext") for each in containers if isinstance(each, dict)]
    flags = [each.get("privileged") for each in security if isinstance(each, dict)]
    privileged = True if True in flags else False if False in flags else None
    return to_keyword(containers[0].get("name")), to_keyword(containers[0].get("image")), privileged


STEPS: dict[str, StepSpec] = {
    "kube_kind": StepSpec(kube_kind, ("verb", "resource", "subresource"), {"category": "list", "type": "list"}, cuts=True),
    "kube_outcome": StepSpec(kube_outcome, ("decision", "code"), {"outcome": "str"}, cuts=True),
    "kube_annotations": StepSpec(kube_annotations, ("annotations",), {"annotations": "json"}),
    "kube_user": StepSpec(
        kube_user,
        ("user", "impersonated"),
        {
            "name": "str",
            "id": "str",
            "groups": "list",
            "effective_name": "str",
            "effective_groups": "list",
            "arn": "str",
            "account": "str",
            "access_key": "str",
            "session": "str",
            "names": "list",
        },
        cuts=True,
    ),
    "kube_addresses": StepSpec(kube_addresses, ("addresses",), {"first": "str", "all": "list"}, cuts=True),
    "kube_cluster": StepSpec(kube_cluster, ("log_group",), {"name": "str"}),
    "kube_objects": StepSpec(kube_objects, ("request", "response"), {"request": "json", "response": "json"}),
    "kube_container": StepSpec(kube_container, ("request",), {"name": "str", "image": "str", "privileged": "bool"}, cuts=True),
}
