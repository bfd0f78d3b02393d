"""User agents: browsers by ua-parser's rules (Rust), AWS tools and other programs by their product tokens."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from ua_parser import OS, Device, Domain, PartialResult, UserAgent
from ua_parser.loaders import load_lazy_builtins
from ua_parser.regex import Resolver

from service.enrich.fragments import members

LONGEST = 1024
"""Characters that are looked at."""
OTHER = "Other"
"""What Elastic's user_agent processor says for a name or a device it does not know."""

# Whoever wraps an SDK is the program an analyst looks for, not the SDK.
_WRAPPERS = re.compile(r"\b(Terraform|OpenTofu|Pulumi|CloudFormation|Ansible)/v?(\d[\w.+-]{0,40})")
_PRODUCT = re.compile(r"([A-Za-z][\w.+-]{0,60})/v?(\d[\w.+-]{0,40})")
_SERVICE = re.compile(r"(AWS Internal|[a-z0-9.-]{1,60}\.amazonaws\.com)")
_SYSTEM = re.compile(r"\b(?:os/)?(linux|windows|macos|darwin|ios|android)(?:NT)?(?:[/#]v?(\d[\w.-]{0,40}))?", re.IGNORECASE)
_SYSTEMS = {
    "linux": "Linux", "windows": "Windows", "macos": "Mac OS X", "darwin": "Mac OS X", "ios": "iOS",
    "android": "Android",
}  # fmt: skip
_NUMBERS = re.compile(r"\d+(?:\.\d+){0,3}")


@cache
def _rules() -> Callable[[str, Domain], PartialResult]:
    # Compiling the rules takes a good part of a second; who never meets a user agent does not pay for it.
    return Resolver(load_lazy_builtins())  # lazy: the Rust engine needs the patterns only


def fragment_of(text: str) -> str:
    """``,"name":…,"version":…,"os":{…},"device":{"name":…}`` in ECS's and Elastic's sense; "" for no text at all."""
    agent = text[:LONGEST].strip(" \t[]")  # CloudTrail writes S3's agents in brackets
    if not agent or agent == "-":
        return ""
    found = _rules()(agent, Domain.ALL)
    name, version = _name(agent, found.user_agent)
    return members({"name": name, "version": version, "os": _system(agent, found.os), "device": _device(found.device)})


def _name(agent: str, found: UserAgent | None) -> tuple[str, str | None]:
    if wrapper := _WRAPPERS.search(agent):
        return wrapper[1], wrapper[2]
    if found is not None:
        return found.family, _joined(found.major, found.minor, found.patch, found.patch_minor)
    if service := _SERVICE.fullmatch(agent):
        return service[1], None
    if product := _PRODUCT.match(agent):
        return product[1], product[2]
    return OTHER, None


def _system(agent: str, found: OS | None) -> dict[str, str] | None:
    written = _SYSTEM.search(agent)
    if found is not None:
        name, version = found.family, _joined(found.major, found.minor, found.patch, found.patch_minor)
    elif written:
        name, version = _SYSTEMS[written[1].lower()], None
    else:
        return None
    if version is None and written and written[2] and _SYSTEMS[written[1].lower()] == name:
        numbers = _NUMBERS.match(written[2])
        version = numbers[0] if numbers else None
    return {"name": name} | ({"version": version, "full": f"{name} {version}"} if version else {})


def _device(found: Device | None) -> dict[str, str]:
    return {"name": found.family if found is not None else OTHER}


def _joined(*parts: str | None) -> str | None:
    present = []
    for part in parts:
        if not part:
            break
        present.append(part)
    return ".".join(present) or None
