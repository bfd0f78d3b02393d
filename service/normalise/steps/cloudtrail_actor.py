"""Who made a CloudTrail call, as a person would say it: name, id, mail address, session, and every name to search by."""

from __future__ import annotations

from typing import Any

_ASSUMED = frozenset({"AssumedRole", "FederatedUser", "Role"})
Actor = tuple[str | None, str | None, str | None, str | None, list[str] | None]
_NOBODY: Actor = (None, None, None, None, None)


def cloudtrail_actor(
    kind: Any,
    arn: Any,
    user_name: Any,
    principal: Any,
    issuer_name: Any,
    additional: Any,
    behalf: Any,
) -> Actor:
    """``user.name``, ``user.id``, ``user.email``, session name and names for ``related.user``.

    ``kind`` is userIdentity.type, ``issuer_name`` the session issuer's user name (the role of an assumed role),
    ``additional`` additionalEventData with the UserName of a sign-in, ``behalf`` the Identity Center user id.
    """
    name = user_name if user_name.__class__ is str and user_name else None
    session: str | None = None
    if kind.__class__ is str and kind in _ASSUMED:
        path = _sts_path(arn)
        session = path[-1] if len(path) > 1 else None
        if issuer_name.__class__ is str and issuer_name:
            name = issuer_name
        elif name is None and len(path) > 1:
            name = path[1] if len(path) > 2 else path[-1]
        elif name is None and path == ["assumed-root"]:
            name = "root"
    elif name is None:
        typed = additional.get("UserName") if additional.__class__ is dict else None
        if typed.__class__ is str and typed:
            name = typed
        elif kind == "Root":
            name = "root"
    identity = principal if principal.__class__ is str and principal else behalf if behalf.__class__ is str and behalf else None
    if name is None and session is None:
        return (None, identity, None, None, [identity]) if identity is not None else _NOBODY
    related = [each for each in (identity, name, session) if each is not None]
    mail: str | None = None
    for address in (session, name):
        if address is not None and address.find("@") > 0:
            mail = address if mail is None else mail
            if address is session:
                related.append(session.partition("@")[0])
    return name, identity, mail, session, related


def _sts_path(arn: Any) -> list[str]:
    """``["assumed-role", role, session]`` of an STS ARN, ``["federated-user", name]``; empty for anything else."""
    if arn.__class__ is not str or ":sts:" not in arn:
        return []
    return arn.split(":", 5)[-1].split("/")
