"""Who is on either side of a GuardDuty finding: addresses, ports, where they are, which way the traffic went."""

from __future__ import annotations

from typing import Any, NamedTuple

from service.enrich.addresses import pack
from service.enrich.fragments import dump
from service.normalise.cast import to_keyword, to_long

_REMOTE_ACTIONS = (
    "networkConnectionAction",
    "awsApiCallAction",
    "kubernetesApiCallAction",
    "rdsLoginAttemptAction",
    "portProbeAction",
)
_ADDRESS_KEYS = frozenset(
    {
        "ipAddressV4",
        "ipAddressV6",
        "privateIpAddress",
        "publicIp",
        "ipv6Addresses",
        "sourceIPs",
        "ip",
        "ipAddress",
        "ipv6Address",
        "privateIpAddresses",
        "publicIpAddress",
        "sourceIp",
        "remoteIpAddress",
        "localIpAddress",
    }
)
_HASH_KEYS = frozenset({"executableSha256", "scriptSha256", "hash", "sha256", "objectHash"})
_HOST_KEYS = frozenset({"privateDnsName", "publicDnsName"})
_TOLD = _ADDRESS_KEYS | _HASH_KEYS | _HOST_KEYS
_DEEPEST = 30
_MOST = 100
_USER_KEYS = {
    "accessKeyDetails": ("principalId", "userName"),
    "kubernetesUserDetails": ("uid", "username"),
    "rdsDbUserDetails": ("user",),
    "impersonatedUser": ("username",),
    "process": ("user",),
    "actors": ("id",),
    "user": ("name", "uid"),
}


class Side(NamedTuple):
    """One end: its address and port, and for the far end what GuardDuty knows of its place."""

    ip: str | None = None
    port: int | None = None
    city: str | None = None
    country: str | None = None
    country_code: str | None = None
    location: str | None = None
    as_number: int | None = None
    as_organization: str | None = None


_NOBODY = Side()
_NO_SIDES = (*_NOBODY, *_NOBODY, None, None, None, None, None)
_PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp", "47": "gre", "50": "esp", "58": "ipv6-icmp", "132": "sctp"}


def finding_sides(action: object) -> tuple[Any, ...]:
    """Fields of the source and of the destination, direction, transport, its number, protocol, whether it was blocked."""
    if not isinstance(action, dict):
        return _NO_SIDES
    blocked: bool | None = None
    for name in _REMOTE_ACTIONS:
        details = action.get(name)
        if not isinstance(details, dict):
            continue
        blocked = details.get("blocked") if isinstance(details.get("blocked"), bool) else None
        if name == "portProbeAction":
            probes = details.get("portProbeDetails")
            details = probes[0] if isinstance(probes, list) and probes and isinstance(probes[0], dict) else {}
        remote = _side(details.get("remoteIpDetails"), details.get("remotePortDetails"))
        local = _side(details.get("localIpDetails"), details.get("localPortDetails"))
        direction = _lower(details.get("connectionDirection"))
        direction = direction if direction in ("inbound", "outbound") else "inbound" if name == "portProbeAction" else None
        transport, number = _transport(details.get("protocol"))
        source, destination = (local, remote) if direction == "outbound" else (remote, local)
        return (*source, *destination, direction, transport, number, None, blocked)
    dns = action.get("dnsRequestAction")
    if isinstance(dns, dict):
        blocked = dns.get("blocked") if isinstance(dns.get("blocked"), bool) else None
        return (*_NOBODY, *_NOBODY, "outbound", *_transport(dns.get("protocol")), "dns", blocked)
    return _NO_SIDES


def _side(address: object, port: object) -> Side:
    if not isinstance(address, dict):
        address = {}
    ip = next((found for key in ("ipAddressV4", "ipAddressV6") if (found := _address(address.get(key)))), None)
    country, city, organization = (
        value if isinstance(value := address.get(key), dict) else {} for key in ("country", "city", "organization")
    )
    return Side(
        ip,
        to_long(port.get("port")) if isinstance(port, dict) else None,
        to_keyword(city.get("cityName")),
        to_keyword(country.get("countryName")),
        to_keyword(country.get("countryCode")),
        _location(address.get("geoLocation")),
        to_long(organization.get("asn")),
        to_keyword(organization.get("asnOrg")),
    )


def geo_point(value: object) -> tuple[str | None]:
    """Latitude and longitude of ``{"lat": …, "lon": …}``, if there is such a place."""
    return (_location(value),)


def _location(value: object) -> str | None:
    if not isinstance(value, dict):
        return None
    lat, lon = value.get("lat"), value.get("lon")
    if not isinstance(lat, int | float) or not isinstance(lon, int | float) or isinstance(lat, bool) or isinstance(lon, bool):
        return None
    return dump({"lat": lat, "lon": lon}) if -90 <= lat <= 90 and -180 <= lon <= 180 else None


def _transport(value: object) -> tuple[str | None, str | None]:
    """Name and IANA number of the protocol: findings give one or the other."""
    text = _lower(value)
    if text is not None and text.isdecimal():
        return _PROTOCOLS.get(text), text[:3]
    return text, None


def _lower(value: object) -> str | None:
    return value.lower() if isinstance(value, str) and value else None


def _address(value: object) -> str | None:
    return value if isinstance(value, str) and pack(value) is not None else None


class Pivots:
    """What to search by: collected from anywhere in a finding, each once."""

    def __init__(self) -> None:
        self.addresses: dict[str, None] = {}
        self.users: dict[str, None] = {}
        self.hashes: dict[str, None] = {}
        self.hosts: dict[str, None] = {}

    def walk(self, value: Any, holder: str = "", depth: int = 0) -> None:
        """Collect from a value that stands under the key ``holder``."""
        if depth > _DEEPEST:
            return
        if value.__class__ is dict:
            for key in _USER_KEYS.get(holder, ()):
                name = value.get(key)
                if isinstance(name, str) and name:
                    self.users[name] = None
            for key, item in value.items():
                kind = item.__class__
                if kind is dict or kind is list:
                    self.walk(item, key, depth + 1)
                elif kind is str and key in _TOLD and item:
                    self._word(item, key)
        elif value.__class__ is list:
            for item in value:
                self.walk(item, holder, depth + 1)
        elif isinstance(value, str) and value:
            self._word(value, holder)

    def _word(self, word: str, holder: str) -> None:
        if holder in _ADDRESS_KEYS:
            if _address(word):
                self.addresses[word] = None
        elif holder in _HASH_KEYS:
            if len(word) in (32, 40, 64) and word.isalnum():
                self.hashes[word.lower()] = None
        elif holder in _HOST_KEYS:
            self.hosts[word] = None


def finding_pivots(resource: object, service: object) -> tuple[list[str] | None, ...]:
    """Every address, user name and id, file hash and host name that occurs anywhere in the finding."""
    found = Pivots()
    found.walk(resource)
    found.walk(service)
    groups = (found.addresses, found.users, found.hashes, found.hosts)
    return tuple(list(each)[:_MOST] or None for each in groups)
