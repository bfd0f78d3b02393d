"""Addresses: what they are, where they are, whose network they belong to, who warned of them."""

from __future__ import annotations

from ipaddress import ip_network
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import NamedTuple

_MAPPED = b"\0" * 10 + b"\xff\xff"

# What stands behind a private network or nowhere at all. Documentation networks are not among them: no log carries
# them but our own samples, and those should show what a real address would.
_NOT_PUBLIC = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
    "::/127", "64:ff9b:1::/48", "100::/64", "fc00::/7", "fe80::/10", "ff00::/8",
)  # fmt: skip


class Address(NamedTuple):
    """One IP address; texts are JSON fragments to splice into an object."""

    text: str
    """Canonical spelling; an IPv4-mapped IPv6 address is the IPv4 address."""
    fragment: str
    """``,"geo":{…},"as":{…}``, each only when known."""
    packed: bytes
    """4 or 16 bytes, network order."""
    version: int
    """4 or 6."""
    public: bool
    """Can be on the internet: not private, shared, link-local, loopback, multicast or reserved."""
    threat: str
    """JSON object like ECS ``threat.indicator`` when a threat list names the address, else ""."""


def _ranges(size: int) -> dict[int, list[tuple[bytes, bytes]]]:
    """First byte → the ranges that begin with it; most addresses meet none."""
    found: dict[int, list[tuple[bytes, bytes]]] = {}
    for network in map(ip_network, _NOT_PUBLIC):
        first, last = network.network_address.packed, network.broadcast_address.packed
        for byte in range(first[0], last[0] + 1) if len(first) == size else ():
            found.setdefault(byte, []).append((first, last))
    return found


_NOT_PUBLIC_4 = _ranges(4)
_NOT_PUBLIC_6 = _ranges(16)


def pack(text: str) -> bytes | None:
    """4 or 16 bytes of an address; None for anything else: zone ids, ports, leading zeros, blanks, host names."""
    try:
        if ":" not in text:
            return inet_pton(AF_INET, text)
        packed = inet_pton(AF_INET6, text)
    except (OSError, ValueError):
        return None
    return packed[12:] if packed.startswith(_MAPPED) else packed


def spell(packed: bytes) -> str:
    """The canonical text of 4 or 16 bytes."""
    return inet_ntop(AF_INET if len(packed) == 4 else AF_INET6, packed)


def is_public(packed: bytes) -> bool:
    """Whether the address can be on the internet."""
    ranges = (_NOT_PUBLIC_4 if len(packed) == 4 else _NOT_PUBLIC_6).get(packed[0])
    return ranges is None or not any(first <= packed <= last for first, last in ranges)
