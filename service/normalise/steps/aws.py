"""Amazon Resource Names, who they stand for, and Regions in the names of hosts and zones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address

from service.normalise.steps.spec import StepSpec

# Their resources are names from the first character on: a slash belongs to the name.
_UNTYPED = frozenset({"s3", "sns", "sqs", "execute-api"})
_RDS = re.compile(r"/aws/rds/(instance|cluster)/([^/]{1,255})/([^/]{1,64})")

NO_ARN = (None, None, None, None, None, None, None, None)


def arn(text: object) -> tuple[str | None, ...]:
    """Partition, service, region, account, resource type, resource id, name (the id's last part), and type with id."""
    if not isinstance(text, str) or not text.startswith("arn:"):
        return NO_ARN
    pieces = text.split(":", 5)
    if len(pieces) < 6 or not pieces[5]:
        return NO_ARN
    _, partition, service, region, account, resource = pieces
    slash, colon = resource.find("/"), resource.find(":")
    ends = [end for end in (slash, colon) if end > 0]
    if service in _UNTYPED or not ends:
        kind, identity = None, resource
    else:
        end = min(ends)
        kind, identity = resource[:end], resource[end + 1 :]
    name = identity.rstrip("/").rpartition("/")[2]
    return partition or None, service or None, region or None, account or None, kind, identity or None, name or None, resource


_REGION = re.compile(
    r"(?:^|[./-])((?:us|eu|ap|sa|ca|me|af|il|mx|cn)(?:-gov|-iso[a-z]?)?-(?:north|south|east|west|central)[a-z]{0,5}-\d{1,2})(?![0-9-])"
)


def aws_principal(who: object) -> tuple[str | None, ...]:
    """Name (a role's, for an assumed one), session and account of a caller that a log names by ARN, service or canonical id.

    A canonical id (64 hex digits) has no name; ``root`` is the name of an account's root user.
    """
    if not isinstance(who, str) or who in ("", "-", "Anonymous"):
        return None, None, None
    if not who.startswith("arn:"):
        canonical = len(who) == 64 and set(who) <= set("0123456789abcdef")
        return (None if canonical else who.removeprefix("svc:")), None, None
    pieces = who.split(":", 5)
    if len(pieces) < 6:
        return None, None, None
    kind, _, rest = pieces[5].partition("/")
    account = pieces[4] or None
    if kind == "assumed-role":
        role, _, session = rest.rpartition("/")
        name, session = (role.rpartition("/")[2], session) if role else (session, "")
        return name or None, session or None, account
    return rest.rpartition("/")[2] or kind or None, None, account


def aws_region(text: object) -> tuple[str | None]:
    """The Region in the name of an endpoint or an availability zone: ``s3.eu-west-1.amazonaws.com``, ``eu-west-1a``."""
    found = _REGION.search(text) if isinstance(text, str) and len(text) <= 1024 else None
    return (found[1] if found is not None else None,)


def rds_log(log_group: object, log_stream: object) -> tuple[str | None, str | None, str | None]:
    """Cluster, instance and kind of log of ``/aws/rds/instance/<id>/<log>`` and ``/aws/rds/cluster/<id>/<log>``.

    The streams of a cluster are named after its instances.
    """
    found = _RDS.fullmatch(log_group) if isinstance(log_group, str) else None
    if found is None:
        return None, None, None
    if found[1] == "instance":
        return None, found[2], found[3]
    instance = log_stream.partition(".")[0][:64] if isinstance(log_stream, str) else ""
    return found[2], instance or None, found[3]


_MSK = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]{0,63})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-s?[0-9]{1,3})(?![0-9a-f])")
_BROKER = re.compile(r"[Bb]roker-?([0-9]{1,5})(?![0-9])")


def msk_broker(log_stream: object, s3_key: object) -> tuple[str | None, str | None, str | None]:
    """Cluster, its id and broker that a log stream or the key of an object names: ``shop-<uuid>-2/…/Broker-1_09-00_…``."""
    for name in (log_stream, s3_key):
        if isinstance(name, str) and len(name) <= 1024:
            # From the end on: the name before the id may hold hyphens, and folders above it.
            cluster, broker = _MSK.search(name), _BROKER.search(name)
            if cluster is not None or broker is not None:
                return (*(cluster.groups() if cluster is not None else (None, None)), broker[1] if broker is not None else None)
    return None, None, None


_INSTANCE = re.compile(r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})")


def resource_names(values: object) -> tuple[list[str] | None, list[str] | None, str | None, str | None]:
    """Addresses, ARNs, the first ARN and the first instance id among the values of a list or object (of one more, inside)."""
    found: dict[str, None] = {}
    addresses: dict[str, None] = {}
    instance: str | None = None
    for text in _texts(values, 2):
        if text.startswith("arn:"):
            if text.count(":") >= 5:
                found[text] = None
            name = text.rpartition("/")[2]
        else:
            name = text
            address = _address(text)
            if address is not None:
                addresses[address] = None
        if instance is None and _INSTANCE.fullmatch(name):
            instance = name
    arns = list(found)
    return list(addresses) or None, arns or None, arns[0] if arns else None, instance


def _texts(values: object, depth: int) -> Iterator[str]:
    items = list(values.values()) if isinstance(values, dict) else values if isinstance(values, list) else [values]
    for item in items[:_MOST]:
        if isinstance(item, str):
            if item and len(item) <= _LONGEST:
                yield item
        elif depth > 1 and isinstance(item, dict | list):
            yield from _texts(item, depth - 1)


def _address(text: str) -> str | None:
    if len(text) > 45 or ("." not in text and ":" not in text) or not _ADDRESS.issuperset(text):
        return None
    try:
        return str(ip_address(text))
    except ValueError:
        return None


_ADDRESS = frozenset("0123456789abcdefABCDEF.:")
_LONGEST = 2048
_MOST = 1000

STEPS: dict[str, StepSpec] = {
    "arn": StepSpec(
        arn,
        ("arn",),
        {
            "partition": "str",
            "service": "str",
            "region": "str",
            "account": "str",
            "resource_type": "str",
            "resource_id": "str",
            "name": "str",
            "resource": "str",
        },
        cuts=True,
    ),
    "aws_principal": StepSpec(aws_principal, ("who",), {"name": "str", "session": "str", "account": "str"}, cuts=True),
    "resource_names": StepSpec(
        resource_names, ("values",), {"addresses": "list", "arns": "list", "arn": "str", "instance": "str"}, cuts=True
    ),
    "aws_region": StepSpec(aws_region, ("text",), {"region": "str"}, cuts=True),
    "msk_broker": StepSpec(
        msk_broker, ("log_stream", "s3_key"), {"cluster": "str", "cluster_id": "str", "broker": "str"}, cuts=True
    ),
    "rds_log": StepSpec(rds_log, ("log_group", "log_stream"), {"cluster": "str", "instance": "str", "log": "str"}, cuts=True),
}
