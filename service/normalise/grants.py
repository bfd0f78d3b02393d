"""Reads out of CloudTrail who was given whose credentials: the calls of STS that begin a session."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from service.enrich.grant import Grant, Told
from service.event import Slice
from service.normalise.steps.identity import cloudtrail_identity, session_key, session_of

DATASET = "aws.cloudtrail"
_MARK = '"sts.amazonaws.com"'
_CALLS = frozenset(
    {"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot", "GetFederationToken", "GetSessionToken"}
)
_ACCOUNT = re.compile(r"[0-9]{12}")
_ROLE = re.compile(r"arn:([a-z-]{1,20}):iam::([0-9]{12}):role/(?:[\x21-\x7e]{0,512}/)?([\w+=,.@-]{1,64})")
_SESSION = re.compile(r"[\w+=,.@-]{1,64}")
_ROLE_ID = re.compile(r"[A-Z0-9]{16,128}:[\w+=,.@-]{1,64}")
_INSTANCE = re.compile(r"i-[0-9a-f]{8,17}")
_REGION = re.compile(r"[a-z0-9-]{1,32}")
_KUBE_NAME = re.compile(r"[a-z0-9.-]{1,253}")


class _Event(msgspec.Struct, rename="camel"):
    """What is read of an event; anything may stand there."""

    user_identity: Any = None
    event_source: Any = None
    event_name: Any = None
    error_code: Any = None
    aws_region: Any = None
    recipient_account_id: Any = None
    request_parameters: Any = None
    response_elements: Any = None


class _Wrapped(msgspec.Struct):
    detail: _Event | None = None


_decoder = msgspec.json.Decoder(_Event)
_unwrapping = msgspec.json.Decoder(_Wrapped)


def grants_in(slice_: Slice, now_ms: int) -> Iterator[Told]:
    """The grants among raw CloudTrail events; events that are none, or that nobody can read, tell nothing."""
    for text in slice_.events:
        if _MARK not in text:
            continue
        event = _read(text)
        grant = None if event is None else grant_of(event)
        if event is None or grant is None:
            continue
        account = event.recipient_account_id or slice_.account or grant.account
        if account.__class__ is str and _ACCOUNT.fullmatch(account):
            yield Told(slice_.project, slice_.environment, account, grant, now_ms)


def _read(text: str) -> _Event | None:
    try:
        event = _decoder.decode(text)
        return event if event.event_name is not None else _unwrapping.decode(text).detail
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def grant_of(event: _Event) -> Grant | None:
    """The grant that a call of STS was; None for other calls, and for those that were refused."""
    if event.event_source != "sts.amazonaws.com" or event.event_name.__class__ is not str or event.event_name not in _CALLS:
        return None
    if event.error_code:
        return None
    who, asked, given = _object(event.user_identity), _object(event.request_parameters), _object(event.response_elements)
    session = _session(event.event_name, asked, given)
    if session is None:
        return None
    arn, account, role_id = session
    key = session_key(_object(given.get("credentials")).get("accessKeyId")) or ""
    kind = who.get("type")
    if kind == "AWSService":
        # Renewed by the hour, for thousands of workloads: they are known by name, which only a service chose here.
        key = ""
    parent = _caller(who, event, arn, account, asked)
    if parent is None or parent[-1] in (arn, role_id):
        return None
    caller = who.get("accountId")
    caller = caller if caller.__class__ is str and _ACCOUNT.fullmatch(caller) else ""
    return Grant(key, arn, role_id, account, tuple(parent), session_key(who.get("accessKeyId")) or "", caller)


def _object(value: Any) -> dict[str, Any]:
    return value if value.__class__ is dict else {}


def _session(call: str, asked: dict[str, Any], given: dict[str, Any]) -> tuple[str, str, str] | None:
    """ARN, account and id of the session that a call began."""
    if call == "AssumeRoot":
        target = asked.get("targetPrincipal")
        account = target if target.__class__ is str else ""
        account = account.split(":")[4] if account.count(":") >= 5 else account
        return (f"arn:aws:sts::{account}:assumed-root", account, "") if _ACCOUNT.fullmatch(account) else None
    if call == "GetFederationToken":
        user = _object(given.get("federatedUser"))
        arn, identity = user.get("arn"), user.get("federatedUserId")
    elif call == "GetSessionToken":
        return None  # its user acts under the user's own ARN
    else:
        role = _object(given.get("assumedRoleUser"))
        arn, identity = role.get("arn"), role.get("assumedRoleId")
        if arn is None:
            arn = _expected(asked)
    if arn.__class__ is not str or len(arn) > 2048:
        return None
    pieces = arn.split(":", 5)
    if len(pieces) < 6 or pieces[2] != "sts" or not _ACCOUNT.fullmatch(pieces[4]):
        return None
    if session_of(arn) is None and not pieces[5].startswith("federated-user/"):
        return None
    found = identity if identity.__class__ is str and _ROLE_ID.fullmatch(identity) else ""
    return arn, pieces[4], found


def _expected(asked: dict[str, Any]) -> str | None:
    """The session's ARN by what was asked for: an answer is not always shown."""
    role, name = asked.get("roleArn"), asked.get("roleSessionName")
    if role.__class__ is not str or name.__class__ is not str or not _SESSION.fullmatch(name):
        return None
    found = _ROLE.fullmatch(role) if len(role) <= 2048 else None
    return f"arn:{found[1]}:sts::{found[2]}:assumed-role/{found[3]}/{name}" if found is not None else None


def _caller(who: dict[str, Any], event: _Event, arn: str, account: str, asked: dict[str, Any]) -> list[str] | None:
    context = _object(who.get("sessionContext"))
    issuer = _object(context.get("sessionIssuer"))
    chain, *_ = cloudtrail_identity(
        who.get("type"), who.get("arn"), who.get("principalId"), who.get("accountId"), who.get("userName"),
        who.get("accessKeyId"), who.get("invokedBy"), _object(who.get("onBehalfOf")).get("userId"),
        issuer.get("arn"), issuer.get("principalId"), issuer.get("userName"), context.get("sourceIdentity"),
        context.get("ec2RoleDelivery"), who.get("inScopeOf"),
    )  # fmt: skip
    if chain is None or who.get("type") != "AWSService":
        return chain
    return [_workload(chain[0], (session_of(arn) or ("", ""))[1], account, event.aws_region, asked)]


def _workload(service: str, session: str, account: str, region: Any, asked: dict[str, Any]) -> str:
    """For whom a service asked: services name sessions after what they run; else the service itself."""
    if service == "ec2.amazonaws.com" and _INSTANCE.fullmatch(session):
        return session
    if service == "lambda.amazonaws.com" and session and region.__class__ is str and _REGION.fullmatch(region):
        return f"arn:aws:lambda:{region}:{account}:function:{session}"
    if service == "ecs-tasks.amazonaws.com" and session:
        return f"ecs-task/{session}"
    if service == "pods.eks.amazonaws.com":
        tags = asked.get("tags")
        pairs = [(tag.get("key"), tag.get("value")) for tag in tags if tag.__class__ is dict] if tags.__class__ is list else []
        said = {key: value for key, value in pairs if key.__class__ is str and value.__class__ is str}
        names = said.get("kubernetes-namespace"), said.get("kubernetes-service-account")
        if all(_KUBE_NAME.fullmatch(name or "") for name in names):
            return f"system:serviceaccount:{names[0]}:{names[1]}"
    return service
