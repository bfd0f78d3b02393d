"""Security Hub findings: what their actions, resources, indicators and vulnerabilities say that ECS has a field for."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from service.normalise.cast import to_float, to_keyword, to_keywords
from service.normalise.steps.finding import SIDES
from service.normalise.steps.finding_actors import Pivots, finding_sides
from service.normalise.steps.spec import FieldKind, StepSpec

_GUARDDUTY = "aws/guardduty/service/action/"
_MOST = 100
_LISTED = ".0_"
"""How a product field's name says that what follows is in the first of a list."""
_INDICATORS = {
    "DOMAIN": "domain-name",
    "EMAIL_ADDRESS": "email-addr",
    "HASH_MD5": "file",
    "HASH_SHA1": "file",
    "HASH_SHA256": "file",
    "HASH_SHA512": "file",
    "IPV4_ADDRESS": "ipv4-addr",
    "IPV6_ADDRESS": "ipv6-addr",
    "MUTEX": "mutex",
    "PROCESS": "process",
    "URL": "url",
}
"""ASFF's types of an indicator → ECS's (STIX's)."""


def asff_action(action: object, fields: object) -> tuple[Any, ...]:
    """What ``finding_sides`` gives, the domain that was asked for, the API that was called, and of which service.

    ``action`` is the finding's Action; a GuardDuty finding has the same in its ProductFields, one path a key.
    """
    asked = _camel(action) if isinstance(action, dict) else _unflattened(fields)
    dns, api = (each if isinstance(each := asked.get(key), dict) else {} for key in ("dnsRequestAction", "awsApiCallAction"))
    return (
        *finding_sides(asked),
        to_keyword(dns.get("domain")),
        to_keyword(api.get("api")),
        to_keyword(api.get("serviceName")),
    )


def _camel(value: Any, depth: int = 12) -> Any:
    if isinstance(value, dict) and depth:
        return {key[:1].lower() + key[1:]: _camel(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list) and depth:
        return [_camel(item, depth - 1) for item in value[:_MOST]]
    return value


def _unflattened(fields: object) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in fields.items() if isinstance(fields, dict) else ():
        if not key.startswith(_GUARDDUTY) or not isinstance(item, str):
            continue
        *parents, last = key.removeprefix(_GUARDDUTY).split("/")[:8]
        at: dict[str, Any] = found
        for parent in parents:
            name = parent.removesuffix(_LISTED)
            below = at.setdefault(name, [{}] if name != parent else {})
            at = below[0] if isinstance(below, list) else below if isinstance(below, dict) else {}
        at[last] = _flag(item)
    return found


def _flag(text: str) -> str | bool:
    return text == "true" if text in ("true", "false") else text


def asff_resources(resources: object, action: object = None, indicators: object = None) -> tuple[Any, ...]:
    """User, host, instance, cluster, zone and container of the first resource that has one; every address, user, hash and host.

    The latter also of the finding's action and of its indicators.

    The outputs stand in ``STEPS``.
    """
    first: dict[str, Any] = {}
    found = Pivots()
    for resource in _objects(resources):
        kind, ident = to_keyword(resource.get("Type")) or "", to_keyword(resource.get("Id"))
        held = resource.get("Details")
        held = held if isinstance(held, dict) else {}
        details = inner if isinstance(inner := held.get(kind), dict) else held
        for name, value in _of_resource(kind, ident, details):
            if value:
                first.setdefault(name, value)
        _pivots(ident, kind, details, found)
    found.walk(_camel(action))
    for indicator in _objects(indicators):
        if (holder := _LISTED_AS.get(str(indicator.get("Type")))) is not None:
            found.walk(indicator.get("Value"), holder)
    return (
        *(first.get(name) for name in _RESOURCE if _RESOURCE[name] == "str"),
        *(list(each)[:_MOST] or None for each in (found.addresses, found.users, found.hashes, found.hosts)),
    )


def _of_resource(kind: str, ident: str | None, details: dict[str, Any]) -> list[tuple[str, str | None]]:
    """Names of outputs with what this resource has for them."""
    zones = details.get("AvailabilityZones")
    zone = zones[0] if isinstance(zones, list) and zones else details.get("AvailabilityZone")
    zone = (zone.get("ZoneName") or zone.get("Value")) if isinstance(zone, dict) else zone
    found = [("zone", to_keyword(zone))]
    name = to_keyword(details.get("Name"))
    match kind:
        case "AwsEc2Instance":
            found += [("instance", _last(ident)), ("machine", to_keyword(details.get("Type")))]
        case "AwsIamUser" | "AwsIamRole":
            user = to_keyword(details.get("UserName")) or to_keyword(details.get("RoleName")) or _last(ident)
            found += [("user_name", user), ("user_id", to_keyword(details.get("UserId")) or to_keyword(details.get("RoleId")))]
        case "AwsIamAccessKey":
            user = to_keyword(details.get("PrincipalName")) or to_keyword(details.get("UserName"))
            found += [("user_name", user), ("user_id", to_keyword(details.get("PrincipalId")))]
        case "AwsEksCluster" | "AwsEcsCluster":
            arn = to_keyword(details.get("Arn")) or to_keyword(details.get("ClusterArn")) or ident
            found += [("cluster", name or to_keyword(details.get("ClusterName")) or _last(ident)), ("cluster_id", arn)]
            found += [("orchestrator", "kubernetes" if kind == "AwsEksCluster" else "ecs")]
            found += [("cluster_version", to_keyword(details.get("Version")))]
        case "Container":
            found += [("container", name), ("image", to_keyword(details.get("ImageName")))]
        case "AwsLambdaFunction":
            found += [("function", to_keyword(details.get("FunctionName")) or _last(ident)), ("function_id", ident)]
        case _:
            pass
    return found


def _pivots(ident: str | None, kind: str, details: dict[str, Any], found: Pivots) -> None:
    for key, value in details.items():
        group = _PIVOTS.get(key)
        if group:
            found.walk(value, group)
        elif group == "" and isinstance(value, str) and value:
            found.users[value] = None
    if ident:
        found.hosts[ident] = None
        if kind == "AwsEc2Instance":
            found.hosts[_last(ident) or ident] = None


_PIVOTS = {
    **dict.fromkeys(("IpV4Addresses", "IpV6Addresses", "PublicIp", "PrivateIpAddress", "PublicIpAddress"), "ipAddress"),
    **dict.fromkeys(("UserName", "PrincipalName", "PrincipalId", "UserId", "RoleName", "OwnerName"), ""),
    "CodeSha256": "sha256",
}
"""Keys of a resource's details → what ``Pivots`` knows them as; "" for names of users."""
_LISTED_AS = {
    **dict.fromkeys(("IPV4_ADDRESS", "IPV6_ADDRESS"), "ipAddress"),
    **dict.fromkeys(("HASH_MD5", "HASH_SHA1", "HASH_SHA256"), "sha256"),
    "DOMAIN": "publicDnsName",
}
"""Types of an indicator → what ``Pivots`` knows their values as."""


@lru_cache(maxsize=4096)
def _last(ident: str | None) -> str | None:
    """The last piece of an ARN or path."""
    return ident.replace(":", "/").rsplit("/", 1)[-1] or None if ident else None


def asff_indicators(indicators: object) -> tuple[str | None, ...]:
    """Of the first indicator: ECS type, when last seen, provider, reference, address, domain, URL, mail address, hashes."""
    known = [each for each in _objects(indicators) if to_keyword(each.get("Type")) in _INDICATORS]
    if not known:
        return _NO_INDICATOR
    indicator = known[0]
    kind, value = str(indicator["Type"]), to_keyword(indicator.get("Value"))
    holds = {"IPV4_ADDRESS": "ip", "IPV6_ADDRESS": "ip", "DOMAIN": "domain", "URL": "url", "EMAIL_ADDRESS": "mail"}
    of = {holds.get(kind, kind.removeprefix("HASH_").lower()): value}
    return (
        _INDICATORS[kind],
        *(to_keyword(indicator.get(key)) for key in ("LastObservedAt", "Source", "SourceUrl")),
        *(of.get(key) for key in ("ip", "domain", "url", "mail", "md5", "sha1", "sha256")),
    )


_NO_INDICATOR = (None,) * 11


def asff_vulnerabilities(vulnerabilities: object) -> tuple[Any, ...]:
    """Id, references, vendor, score and its version of the first vulnerability; names, versions and paths of all packages."""
    known = _objects(vulnerabilities)
    if not known:
        return (None,) * 9
    first = known[0]
    vendor = first.get("Vendor")
    scores = _objects(first.get("Cvss"))
    score = scores[-1] if scores else {}
    packages = [package for each in known for package in _objects(each.get("VulnerablePackages"))][:_MOST]
    columns = [[to_keyword(each.get(key)) for each in packages] for key in ("Name", "Version", "Architecture", "FilePath")]
    return (
        to_keyword(first.get("Id")),
        to_keywords(first.get("ReferenceUrls")),
        to_keyword(vendor.get("Name")) if isinstance(vendor, dict) else None,
        to_float(score.get("BaseScore")),
        to_keyword(score.get("Version")),
        *(list(dict.fromkeys(word for word in column if word)) or None for column in columns),
    )


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in value[:_MOST] if isinstance(each, dict)] if isinstance(value, list) else []


_RESOURCE: dict[str, FieldKind] = {
    "user_name": "str",
    "user_id": "str",
    "instance": "str",
    "machine": "str",
    "zone": "str",
    "cluster": "str",
    "cluster_id": "str",
    "cluster_version": "str",
    "orchestrator": "str",
    "container": "str",
    "image": "str",
    "function": "str",
    "function_id": "str",
    "addresses": "list",
    "users": "list",
    "hashes": "list",
    "hosts": "list",
}
STEPS: dict[str, StepSpec] = {
    "asff_action": StepSpec(asff_action, ("action", "fields"), {**SIDES, "domain": "str", "api": "str", "service": "str"}),
    "asff_resources": StepSpec(asff_resources, ("resources", "action", "indicators"), _RESOURCE),
    "asff_indicators": StepSpec(
        asff_indicators,
        ("indicators",),
        {
            "type": "str",
            "last_seen": "str",
            "provider": "str",
            "reference": "str",
            "ip": "str",
            "domain": "str",
            "url": "str",
            "mail": "str",
            "md5": "str",
            "sha1": "str",
            "sha256": "str",
        },
    ),
    "asff_vulnerabilities": StepSpec(
        asff_vulnerabilities,
        ("vulnerabilities",),
        {
            "id": "str",
            "references": "list",
            "vendor": "str",
            "score": "float",
            "version": "str",
            "packages": "list",
            "versions": "list",
            "architectures": "list",
            "paths": "list",
        },
    ),
}
