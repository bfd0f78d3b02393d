"""HTTP versions, and lists of headers as firewalls and gateways log them."""

from __future__ import annotations

from functools import lru_cache

from service.enrich.addresses import is_public, pack, spell
from service.enrich.fragments import dump
from service.normalise.steps.objects import LONGEST, cut
from service.normalise.steps.spec import StepSpec
from service.normalise.steps.url import ABSENT, authority

MOST_HEADERS = 200


def http_version(text: object) -> tuple[str | None, str | None]:
    """Protocol and version of ``HTTP/1.1``: ``http`` and ``1.1``; of a bare version just that."""
    if not isinstance(text, str) or text in ABSENT:
        return None, None
    protocol, slash, version = text.rpartition("/")
    if not (version[:1].isdecimal() and len(version) <= 8 and version.replace(".", "", 1).isdecimal()):
        return None, None
    return (protocol.lower() or None) if slash and protocol.isascii() and protocol.isalpha() else None, version


def forwarded(text: object) -> tuple[list[str] | None, str | None, str | None]:
    """Addresses in ``X-Forwarded-For`` in their order, without ports and what is no address; the first, the first public."""
    if not isinstance(text, str) or text in ABSENT:
        return None, None, None
    found: dict[str, None] = {}
    origin: str | None = None
    for part in text.replace("%20", " ").replace("+", " ").split(",", MOST_HEADERS)[:MOST_HEADERS]:
        name = part.strip().strip('"')
        packed = pack(name)
        if packed is None:
            packed = pack(name[1:].partition("]")[0] if name.startswith("[") else name.rpartition(":")[0])
        if packed is not None:
            address = spell(packed)
            found[address] = None
            if origin is None and is_public(packed):
                origin = address
    if not found:
        return None, None, None
    addresses = list(found)
    return addresses, addresses[0], origin or addresses[0]


def http_headers(headers: object) -> tuple[str | None, str | None, str | None, str | None, str | None, list[str] | None]:
    """``[{"name": …, "value": …}, …]`` as one object, then host, user agent, referrer, content type, forwarded addresses.

    Names keep their spelling but for dots; of a name that stands twice the last wins in the object.
    """
    if not isinstance(headers, list):
        return None, None, None, None, None, None
    kept: dict[str, str] = {}
    host = agent = referrer = mime_type = proxies = None
    for each in headers[:MOST_HEADERS]:
        name, value = (each.get("name"), each.get("value")) if each.__class__ is dict else (None, None)
        if name.__class__ is not str or value.__class__ is not str or not name or not value:
            continue
        key, role = _known(name)
        kept[key] = value if len(value) <= LONGEST else cut(value)
        match role:
            case "host":
                host = host or value
            case "user-agent":
                agent = agent or value
            case "referer":
                referrer = referrer or value
            case "content-type":
                mime_type = mime_type or value
            case "x-forwarded-for":
                proxies = proxies or value
    if not kept:
        return None, None, None, None, None, None
    addresses = forwarded(proxies)[0] if proxies is not None else None
    return dump(kept), None if host is None else _domain(host), agent, referrer, mime_type, addresses


@lru_cache(maxsize=4096)
def _known(name: str) -> tuple[str, str]:
    """The name as a key of an object, and in lower case."""
    return cut(name).replace(".", "_"), name.lower()


@lru_cache(maxsize=4096)
def _domain(host: str) -> str | None:
    return authority(host)[2]


STEPS: dict[str, StepSpec] = {
    "http_version": StepSpec(http_version, ("version",), {"protocol": "str", "version": "str"}, cuts=True),
    "forwarded": StepSpec(forwarded, ("header",), {"list": "list", "first": "str", "origin": "str"}, cuts=True),
    "http_headers": StepSpec(
        http_headers,
        ("headers",),
        {"headers": "json", "host": "str", "user_agent": "str", "referrer": "str", "content_type": "str", "forwarded": "list"},
        cuts=True,
    ),
}
