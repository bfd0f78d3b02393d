"""Threat lists: addresses, networks, domains and hashes that somebody warned of.

A million entries cost 4 to 24 MB: sorted arrays of numbers instead of sets of texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from service.enrich.domains import normal
from service.enrich.fragments import dump
from service.enrich.numbers import Numbers, Seen, spell_moment

Kind = Literal["ip", "domain", "hash"]
HASH_TYPES = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
_HEX = frozenset("0123456789abcdef")


@dataclass(slots=True)
class ThreatList:
    """One list, in memory."""

    name: str
    kind: Kind
    confidence: str | None = None
    description: str | None = None
    networks4: dict[int, Numbers] = field(default_factory=dict)
    """Prefix length → networks, most specific first."""
    networks6: dict[int, dict[bytes, Seen]] = field(default_factory=dict)
    """The same for IPv6, of which lists hold few."""
    names: Numbers | None = None
    """Hashes of names: Python's own, keyed anew in every process, so nobody can aim at a false match."""

    def __len__(self) -> int:
        four = sum(len(networks) for networks in self.networks4.values())
        six = sum(len(networks) for networks in self.networks6.values())
        return four + six + (len(self.names) if self.names is not None else 0)

    def address(self, packed: bytes) -> Seen | None:
        """The note of the most specific entry that covers the address."""
        number = int.from_bytes(packed)
        if len(packed) == 4:
            for length, networks in self.networks4.items():
                found = networks.find(number >> (32 - length))
                if found is not None:
                    return found
            return None
        for length, known in self.networks6.items():
            found = known.get(masked(number, length))
            if found is not None:
                return found
        return None

    def name_or_parent(self, name: str) -> Seen | None:
        """The note of the domain or of the nearest parent that is listed; ``name`` must be normal."""
        if self.names is None:
            return None
        while name:
            found = self.names.find(hash(name))
            if found is not None:
                return found
            _, _, name = name.partition(".")
        return None

    def exact(self, text: str) -> Seen | None:
        """The note of a listed text."""
        return self.names.find(hash(text)) if self.names is not None else None


def masked(number: int, length: int) -> bytes:
    """The 16 bytes of the IPv6 network of ``length`` bits that holds ``number``."""
    return (number >> (128 - length) << (128 - length)).to_bytes(16)


def indicator(found: ThreatList, seen: Seen, members: dict[str, object]) -> str:
    """JSON object like ECS ``threat.indicator``."""
    first, last = seen
    values = members | {
        "provider": found.name,
        "confidence": found.confidence,
        "description": found.description,
        "first_seen": spell_moment(first),
        "last_seen": spell_moment(last),
    }
    return dump({name: value for name, value in values.items() if value is not None})


class ThreatLists:
    """All lists; the first that names something answers."""

    def __init__(self, lists: Iterable[ThreatList]) -> None:
        """Ask them in this order."""
        self._lists = tuple(lists)

    def _of(self, kind: Kind) -> Iterator[ThreatList]:
        return (each for each in self._lists if each.kind == kind)

    def address(self, packed: bytes, text: str) -> str:
        """Indicator of an address, or ""."""
        for each in self._of("ip"):
            seen = each.address(packed)
            if seen is not None:
                kind = "ipv4-addr" if len(packed) == 4 else "ipv6-addr"
                return indicator(each, seen, {"type": kind, "ip": text})
        return ""

    def domain(self, name: str) -> str:
        """Indicator of a domain name or of one of its parents, or ""."""
        lowered = normal(name)
        if lowered is None:
            return ""
        for each in self._of("domain"):
            seen = each.name_or_parent(lowered)
            if seen is not None:
                return indicator(each, seen, {"type": "domain-name", "url": {"domain": lowered}})
        return ""

    def file_hash(self, text: str) -> str:
        """Indicator of a file's hash in hexadecimal, or ""."""
        lowered = text.lower()
        algorithm = HASH_TYPES.get(len(lowered))
        if algorithm is None:
            return ""
        for each in self._of("hash"):
            seen = each.exact(lowered)
            if seen is not None:
                return indicator(each, seen, {"type": "file", "file": {"hash": {algorithm: lowered}}})
        return ""


def is_hash(text: str) -> bool:
    """Whether the text is a hash of a known length in lower case."""
    return len(text) in HASH_TYPES and _HEX.issuperset(text)
