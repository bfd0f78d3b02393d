"""Amazon Resource Names."""

from __future__ import annotations

from service.normalise.steps.spec import StepSpec

# Their resources are names from the first character on: a slash belongs to the name.
_UNTYPED = frozenset({"s3", "sns", "sqs", "execute-api"})

NO_ARN = (None, None, None, None, None, None, None)


def arn(text: object) -> tuple[str | None, ...]:
    """Partition, service, region, account, resource type, resource id and name (the id's last part)."""
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
    return partition or None, service or None, region or None, account or None, kind, identity or None, name or None


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
        },
        cuts=True,
    ),
}
