"""Who acts behind a caller, as far as one event alone tells: from the earliest that is known to the one who called.

What a caller may choose for itself (the name of a role session) names nobody here, unless AWS vouches for it: the record says
that the credentials came out of an instance's metadata, or to whom they were issued, or the role is one of Identity Center,
whose sessions are named after the person.
"""

from __future__ import annotations

import re
from typing import Any

from service.normalise.steps.spec import StepSpec

LONGEST = 2048
"""Characters of an ARN, and of anything that stands for one."""
Identity = tuple[list[str] | None, str | None, str | None, str | None]
"""The chain, the access key of the session, name and id of whose permissions were used."""
_NOBODY: Identity = (None, None, None, None)
_INSTANCE = re.compile(r"i-[0-9a-f]{8,17}")
_SERVICE_ROLE = ":role/aws-service-role/"
_PEOPLE = "AWSReservedSSO_"
_NODE = "system:node:"


def _text(value: Any) -> str | None:
    return value if value.__class__ is str and 0 < len(value) <= LONGEST else None


def _member(value: Any, name: str) -> Any:
    return value.get(name) if value.__class__ is dict else None


def session_of(arn: str) -> tuple[str, str] | None:
    """Role and session name of ``arn:aws:sts::…:assumed-role/<role>/<session>``; None for anything else."""
    head, found, rest = arn.partition(":assumed-role/")
    if not found or ":sts:" not in head:
        return None
    role, _, session = rest.partition("/")
    return (role, session) if role and session else None


def session_key(access_key: Any) -> str | None:
    """The access key, if it is one of temporary credentials."""
    key = _text(access_key)
    return key if key is not None and key.startswith("ASIA") and key.isalnum() and len(key) <= 128 else None


def cloudtrail_identity(
    kind: Any, arn: Any, principal: Any, account: Any, user_name: Any, access_key: Any, invoked_by: Any, behalf: Any,
    issuer_arn: Any, issuer_id: Any, issuer_name: Any, source_identity: Any, delivery: Any, scope: Any,
) -> Identity:  # fmt: skip
    """Of ``userIdentity``: ``delivery`` is ec2RoleDelivery, ``scope`` inScopeOf, ``behalf`` the Identity Center user id."""
    who = _text(arn)
    match kind:
        case "AssumedRole" | "Role":
            who = who or _text(principal)
            if who is None:
                return _NOBODY
            before = _behind_role(who, _text(issuer_arn), source_identity, delivery, scope)
            chain = [who] if before in (None, who) else [before, who]
            named = session_of(who)
            return chain, session_key(access_key), _text(issuer_name) or (named[0] if named else None), _text(issuer_id)
        case "FederatedUser":
            issuer = _text(issuer_arn)
            if who is None:
                return _NOBODY if issuer is None else ([issuer], session_key(access_key), None, None)
            name = who.rpartition("/")[2] or None
            return ([who] if issuer is None else [issuer, who]), session_key(access_key), name, _text(principal)
        case "AWSService":
            service = _text(invoked_by)
            return _NOBODY if service is None else ([service], None, None, None)
        case "SAMLUser" | "WebIdentityUser" | "Directory":
            who = _text(user_name) or _text(principal)
        case "IdentityCenterUser":
            user = _text(behalf)
            who = _text(user_name) or (None if user is None else f"arn:aws:identitystore:::user/{user}")
        case "AWSAccount":
            who = who or _text(principal) or (None if account == "anonymous" else _text(account))
        case "Unknown":
            who = None
        case _:
            who = who or _text(principal)
    return _NOBODY if who is None else ([who], session_key(access_key), None, None)


def _behind_role(who: str, issuer: str | None, source_identity: Any, delivery: Any, scope: Any) -> str | None:
    """Who AWS says has got the credentials of a role's session; else who the caller's source identity says it is."""
    issued_to = _text(_member(scope, "credentialsIssuedTo"))
    if issued_to is not None and issued_to.startswith("arn:"):
        return issued_to
    named = session_of(who)
    role, session = named if named is not None else ("", who.partition(":")[2])
    if _text(delivery) is not None and _INSTANCE.fullmatch(session):
        return session
    if issuer is not None and _SERVICE_ROLE in issuer:
        return issuer.partition(_SERVICE_ROLE)[2].partition("/")[0] or None
    if role.startswith(_PEOPLE) and session:
        return session
    return _text(source_identity)


def kube_identity(user: Any, impersonated: Any) -> Identity:
    """Of a Kubernetes audit event: the IAM session or service account, and whom it impersonates."""
    name, extra = _text(_member(user, "username")), _member(user, "extra")
    who = _first(_member(extra, "arn")) or _first(_member(extra, "canonicalArn"))
    chain, key, role, _ = _of_arn(who, _first(_member(extra, "accessKeyId")))
    named = session_of(who) if who is not None else None
    if chain is None:
        chain = None if name is None else [name]
    elif name is not None and name.startswith(_NODE) and named is not None and _INSTANCE.fullmatch(named[1]):
        # Only the role of nodes becomes system:node:…, and only the instance's own credentials carry its id as the session.
        chain = [named[1], *chain]
    other = _text(_member(impersonated, "username"))
    if other is not None and chain is not None and other != chain[-1]:
        chain = [*chain, other]
    return chain, key, role, None


def _first(value: Any) -> str | None:
    return _text(value[0] if value.__class__ is list and value else value)


def arn_identity(arn: Any, session: Any, access_key: Any, principal: Any) -> Identity:
    """Of a log that names its caller by ARN, service or canonical id; a role's ARN and a session make the session's ARN."""
    who, name = _text(arn), _text(session)
    if who is not None and name is not None and (role := _role_of(who)) is not None:
        head, _, _ = who.partition(":role/")
        who = f"{head.replace(':iam:', ':sts:')}:assumed-role/{role}/{name}"
    return _of_arn(None if who == "Anonymous" else who, access_key, _text(principal))


def _role_of(arn: str) -> str | None:
    head, found, path = arn.partition(":role/")
    return path.rpartition("/")[2] or None if found and ":iam:" in head else None


def _of_arn(arn: str | None, access_key: Any, principal: str | None = None) -> Identity:
    if arn is None or arn == "-":
        return _NOBODY
    named = session_of(arn)
    if named is None:
        return [arn.removeprefix("svc:")], session_key(access_key), None, None
    chain = [named[1], arn] if named[0].startswith(_PEOPLE) else [arn]
    return chain, session_key(access_key), named[0], principal if principal and principal.startswith("AROA") else None


STEPS: dict[str, StepSpec] = {
    "cloudtrail_identity": StepSpec(
        cloudtrail_identity,
        (
            "kind", "arn", "principal", "account", "user_name", "access_key", "invoked_by", "behalf",
            "issuer_arn", "issuer_id", "issuer_name", "source_identity", "delivery", "scope",
        ),
        {"chain": "list", "session": "str", "name": "str", "id": "str"},
        cuts=True,
    ),
    "kube_identity": StepSpec(
        kube_identity, ("user", "impersonated"), {"chain": "list", "session": "str", "name": "str", "id": "str"}, cuts=True
    ),
    "arn_identity": StepSpec(
        arn_identity,
        ("arn", "session", "access_key", "principal"),
        {"chain": "list", "session": "str", "name": "str", "id": "str"},
        cuts=True,
    ),
}  # fmt: skip
