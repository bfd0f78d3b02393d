"""Small facts of a CloudTrail record: how it ended, what it touched, over which TLS, at which console login."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from service.enrich.fragments import dump

_WORDS = {"Success": "success", "Failure": "failure", "success": "success", "failure": "failure"}


def cloudtrail_outcome(action: Any, error_code: Any, error_message: Any, response: Any, details: Any) -> tuple[str]:
    """``success`` or ``failure``: what a sign-in says of itself, else whether there was an error."""
    for said in (response, details):
        # {"ConsoleLogin": "Failure"}: the sign-in service answers under the name of the event.
        if said.__class__ is dict and action.__class__ is str and action in said:
            word = said[action]
            if word.__class__ is str and word in _WORDS:
                return (_WORDS[word],)
    return ("failure" if error_code is not None or error_message is not None else "success",)


def cloudtrail_resources(resources: Any) -> tuple[str | None]:
    """JSON text of the resources without repetition, keys as in ``aws.cloudtrail.resources``."""
    if resources.__class__ is not list:
        resources = [resources]
    seen: dict[tuple[object, ...], dict[str, Any]] = {}
    for resource in resources:
        if resource.__class__ is not dict:
            continue
        fields = {name: resource[key] for key, name in _RESOURCE_KEYS if resource.get(key).__class__ is str and resource[key]}
        if fields:
            seen.setdefault(tuple(fields.values()), fields)
    return (dump(list(seen.values())) if seen else None,)


_RESOURCE_KEYS = (
    ("ARN", "arn"),
    ("arn", "arn"),
    ("ARNPrefix", "arn_prefix"),
    ("accountId", "account_id"),
    ("type", "type"),
    ("resourceName", "name"),
    ("resourceType", "type"),
)


def console_login(action: Any, additional: Any) -> tuple[bool | None, bool | None, str | None]:
    """Of a console sign-in: whether MFA was used, whether it was the mobile console, where it led."""
    if action != "ConsoleLogin" or additional.__class__ is not dict:
        return None, None, None
    used, mobile, to = (additional.get(key) for key in ("MFAUsed", "MobileVersion", "LoginTo"))
    return (
        used != "No" if used is not None else None,
        mobile != "No" if mobile is not None else None,
        to if to.__class__ is str else None,
    )


@lru_cache(maxsize=512)
def _tls(version: str) -> tuple[str | None, str | None]:
    protocol, mark, number = version.partition("v")
    if mark and number[:1].isdigit() and protocol.lower() in ("tls", "ssl"):
        return number, protocol.lower()
    # Some records carry the key's own name or a dash where the version should be.
    return (None, None) if version in ("tlsVersion", "-", "") else (version[:64], None)


def cloudtrail_tls(version: Any) -> tuple[str | None, str | None]:
    """``("1.3", "tls")`` of ``TLSv1.3``."""
    return _tls(version) if version.__class__ is str else (None, None)


Details = tuple[str | None, str | None, str | None, str | None, str | None, str | None, str | None, int | None, int | None]
_NO_DETAILS: Details = (None, None, None, None, None, None, None, None, None)


def cloudtrail_details(provider: Any, request: Any, response: Any, additional: Any) -> Details:
    """What the free-form objects say that ECS has a field for.

    Name and id of the user who is acted on (a role is someone, too), a user's new name, name and id of a group, the key of
    an S3 object, the instance, bytes sent and received. One step instead of moves: an object that no step reads in part
    does not make records of different calls differ in shape.
    """
    asked = request if request.__class__ is dict else _EMPTY
    answered = response if response.__class__ is dict else _EMPTY
    more = additional if additional.__class__ is dict else _EMPTY
    if _ASKED.isdisjoint(asked) and _ANSWERED.isdisjoint(answered) and "bytesTransferredIn" not in more:
        return _NO_DETAILS
    target = asked.get("userName")
    path: Any = None
    if provider == "iam.amazonaws.com":
        target = target or asked.get("roleName")
    elif provider == "s3.amazonaws.com":
        path = asked.get("key")
    user, group = answered.get("user"), answered.get("group")
    return (
        _word(target),
        _word(user.get("userId")) if user.__class__ is dict else None,
        _word(asked.get("newUserName")),
        _word(asked.get("groupName")),
        _word(group.get("groupId")) if group.__class__ is dict else None,
        _word(path),
        _instance(provider, asked) or _instance(provider, answered),
        _bytes(more.get("bytesTransferredIn")),
        _bytes(more.get("bytesTransferredOut")),
    )


_EMPTY: dict[str, Any] = {}
_ASKED = frozenset({"userName", "roleName", "newUserName", "groupName", "key", "instanceId", "instancesSet", "target"})
_ANSWERED = frozenset({"user", "group", "instanceId", "instancesSet"})


def _word(value: Any) -> str | None:
    return value if value.__class__ is str and value else None


def _bytes(value: Any) -> int | None:
    if value.__class__ is float and value.is_integer():
        value = int(value)
    return value if value.__class__ is int and 0 <= value < 2**63 else None


def _instance(provider: Any, body: dict[str, Any]) -> str | None:
    named = body.get("instanceId")
    if named is None and provider == "ssm.amazonaws.com":
        named = body.get("target")
    if named is None:
        holder = body.get("instancesSet")
        items = holder.get("items") if holder.__class__ is dict else None
        named = items[0].get("instanceId") if items.__class__ is list and items and items[0].__class__ is dict else None
    return named if named.__class__ is str and named.startswith(("i-", "mi-")) else None
