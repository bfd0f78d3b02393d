"""CloudTrail event name → ECS category and type, always a pair that ECS allows."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from service.normalise.steps.cloudtrail_words import (
    CONFIGURED_PARTS,
    FAMILIES,
    NAMES,
    NETWORK_WORDS,
    PREFIXES,
    VERBS,
    Meaning,
)

_WORD = re.compile(r"[A-Z][a-z0-9]*|[A-Z]+(?![a-z])|[a-z]+")
_VERSION = re.compile(r"20\d{6}(v\d+)?$")
_SUFFIXES = (".amazonaws.com", ".amazonaws.com.cn", ".amazon.com", ".aws.internal", ".api.aws")
_ALLOWED: dict[str, frozenset[str]] = {
    "file": frozenset({"info", "access", "creation", "deletion", "change"}),
    "database": frozenset({"info", "access", "change"}),
    "network": frozenset({"info", "access"}),
    "package": frozenset({"info", "access", "change", "deletion"}),
    "host": frozenset({"info", "access", "change", "start", "end"}),
    "api": frozenset({"info", "access", "creation", "deletion", "change", "start", "end"}),
    "configuration": frozenset({"info", "access", "creation", "deletion", "change"}),
}
Kind = tuple[list[str], list[str], str | None]
_UNKNOWN: Kind = (["api"], ["info"], None)


def service_of(provider: str) -> str:
    """``ec2`` of ``ec2.amazonaws.com``; what has none of the known endings stays as it is."""
    for suffix in _SUFFIXES:
        if provider.endswith(suffix):
            return provider[: -len(suffix)]
    return provider


def cloudtrail_kind(provider: Any, action: Any, read_only: Any) -> Kind:
    """Category, type and short service name of one API call; ``read_only`` decides where the name's verb is unknown."""
    if action.__class__ is not str:
        return _UNKNOWN if provider.__class__ is not str else (["api"], ["info"], service_of(provider))
    reads = "reads" if read_only is True or read_only == "true" else ""
    return _kind(provider if provider.__class__ is str else "", action, reads)


@lru_cache(maxsize=16384)
def _kind(provider: str, action: str, reads: str) -> Kind:
    service = service_of(provider)
    category, types = meaning(service, action, read_only=bool(reads))
    return [category], list(types), service or None


def meaning(service: str, action: str, *, read_only: bool) -> Meaning:
    """ECS category and types of an event name of a service."""
    name = _VERSION.sub("", action)
    known = NAMES.get(name)
    if known is not None:
        return known
    effect = _effect(name, read_only=read_only)
    family = FAMILIES.get(service, "configuration")
    if family == "authentication":
        return "authentication", ("info",)
    if family == "iam":
        return "iam", (
            *_subject(name),
            effect if effect in ("info", "creation", "deletion") else "info" if effect == "access" else "change",
        )
    if family == "ec2":
        family = "network" if any(word in name for word in NETWORK_WORDS) else "host"
    if effect in ("creation", "deletion", "change") and family in ("file", "host", "database") and _is_configured(name):
        family = "configuration"
    if effect in _ALLOWED[family]:
        return family, (effect,)
    return "configuration", ("change" if effect in ("start", "end") else effect,)


def _is_configured(name: str) -> bool:
    return any(part in name for part in CONFIGURED_PARTS)


def _effect(name: str, *, read_only: bool) -> str:
    for word in _WORD.findall(name)[:3]:
        effect = VERBS.get(word[0].upper() + word[1:])
        if effect is not None:
            return effect
        if word not in PREFIXES:
            break
    return "info" if read_only else "change"


def _subject(name: str) -> tuple[str, ...]:
    if "Group" in name:
        return ("group",)
    if "User" in name or "Password" in name or "MFA" in name:
        return ("user",)
    if "Role" in name or "Policy" in name or "Policies" in name or "Tag" in name or name.startswith(("Get", "List", "Describe")):
        return ()
    return ("admin",)
