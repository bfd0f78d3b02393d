"""Domain names: what was registered, by the Public Suffix List, and what stands before it."""

from __future__ import annotations

from functools import cache
from socket import AF_INET, AF_INET6, inet_pton

from publicsuffixlist import PublicSuffixList

from service.enrich.fragments import members

LONGEST = 253
LONGEST_LABEL = 63
_REVERSE = (".in-addr.arpa", ".ip6.arpa")


@cache
def _suffixes() -> PublicSuffixList:
    # Reading the list takes 50 ms; who never meets a domain name does not pay for it.
    # Under a name that no list knows (internal, a single word) nobody registers anything.
    return PublicSuffixList(accept_unknown=False)


def normal(name: str) -> str | None:
    """Lower case, without the trailing dot; None when it is no name (the root, an address, empty labels, blanks)."""
    lowered = name.lower().removesuffix(".")
    if not lowered or len(lowered) > LONGEST or any(blank in lowered for blank in (" ", "\t", "\n", "\0", "/", "@")):
        return None
    labels = lowered.split(".")
    if "" in labels or max(map(len, labels)) > LONGEST_LABEL or is_address(lowered):
        return None
    return lowered


def is_address(text: str) -> bool:
    """Whether the text is an IP address rather than a name."""
    try:
        inet_pton(AF_INET6 if ":" in text else AF_INET, text)
    except (OSError, ValueError):
        return False
    return True


def fragment_of(name: str) -> str:
    """``,"registered_domain":…,"subdomain":…,"top_level_domain":…`` in ECS's sense, each only when there is one.

    ``www.example.co.uk`` → ``example.co.uk``, ``www``, ``co.uk``. "" for what is no domain name, or an address backwards.
    """
    lowered = normal(name)
    if lowered is None or lowered.endswith(_REVERSE):
        return ""
    registered = _suffixes().privatesuffix(lowered)
    subdomain = lowered[: -len(registered) - 1] if registered and len(registered) < len(lowered) else None
    return members(
        {
            "registered_domain": registered,
            "subdomain": subdomain,
            "top_level_domain": _suffixes().publicsuffix(lowered),
        }
    )
