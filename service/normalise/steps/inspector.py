"""Inspector findings: the instance, image or function they are about."""

from __future__ import annotations

from typing import Any

from service.normalise.cast import to_keyword, to_keywords
from service.normalise.steps.finding_actors import Pivots
from service.normalise.steps.spec import StepSpec

_MOST = 100
_SYSTEMS = (("windows", "windows"), ("macos", "macos"), ("linux", "linux"), ("ubuntu", "linux"), ("debian", "linux"))
_MORE_LINUX = (
    "amazon",
    "centos",
    "rocky",
    "alma",
    "oracle",
    "rhel",
    "sles",
    "suse",
    "fedora",
    "alpine",
    "bottlerocket",
    "photon",
)


def inspector_resources(resources: object) -> tuple[Any, ...]:
    """Of the first resource of each kind: what ECS has a field for; addresses and hashes of all. Outputs stand in ``STEPS``."""
    first: dict[str, Any] = {}
    found = Pivots()
    for resource in resources[:_MOST] if isinstance(resources, list) else ():
        if not isinstance(resource, dict):
            continue
        ident, details, tags = to_keyword(resource.get("id")), _object(resource.get("details")), _object(resource.get("tags"))
        instance = _object(details.get("awsEc2Instance"))
        image = _object(details.get("awsEcrContainerImage"))
        function = _object(details.get("awsLambdaFunction"))
        facts: list[tuple[str, Any]] = []
        if resource.get("type") == "AWS_EC2_INSTANCE":
            platform = to_keyword(instance.get("platform"))
            facts += [("instance", ident), ("name", to_keyword(tags.get("Name"))), ("machine", to_keyword(instance.get("type")))]
            facts += [("platform", platform), ("system", _system(platform)), ("network", to_keyword(instance.get("vpcId")))]
            for key in ("ipV4Addresses", "ipV6Addresses"):
                found.walk(instance.get(key), "ipAddress")
        if image:
            facts += [("image", to_keyword(image.get("repositoryName"))), ("image_tags", to_keywords(image.get("imageTags")))]
            facts += [("image_hash", to_keywords(image.get("imageHash")))]
            found.walk(str(image.get("imageHash") or "").removeprefix("sha256:"), "sha256")
        if function:
            facts += [("function", to_keyword(function.get("functionName"))), ("function_id", ident)]
        for name, value in facts:
            if value:
                first.setdefault(name, value)
    return (*(first.get(name) for name in _FACTS), list(found.addresses)[:_MOST] or None, list(found.hashes)[:_MOST] or None)


def _system(platform: str | None) -> str | None:
    """``host.os.type`` of Inspector's name for a platform, ``AMAZON_LINUX_2023``."""
    lowered = (platform or "").lower()
    named = next((system for part, system in _SYSTEMS if part in lowered), None)
    return named or ("linux" if lowered.startswith(_MORE_LINUX) else None)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


_FACTS = (
    "instance", "name", "machine", "platform", "system", "network", "image", "image_tags", "image_hash", "function",
    "function_id",
)  # fmt: skip

STEPS: dict[str, StepSpec] = {
    "inspector_resources": StepSpec(
        inspector_resources,
        ("resources",),
        {
            **{name: "list" if name in ("image_tags", "image_hash") else "str" for name in _FACTS},
            "addresses": "list",
            "hashes": "list",
        },
    ),
}
