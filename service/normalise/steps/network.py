"""Hosts with ports, MAC addresses, TCP flags, TLS versions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from service.enrich.addresses import pack, spell
from service.normalise.steps.spec import StepFunction, StepSpec
from service.normalise.steps.url import ABSENT, port_of
from service.normalise.tables.network import TCP_FLAGS

_HEX = frozenset("0123456789abcdefABCDEF")
_FLAGS = [[word for bit, word in TCP_FLAGS.items() if mask & int(bit)] for mask in range(256)]

Host = tuple[str | None, int | None, str | None, str | None]
NOWHERE: Host = (None, None, None, None)


def _host(name: str, port: int | None) -> Host:
    if not name:
        return NOWHERE
    ip, domain, address = _known_host(name) if len(name) <= 64 else _named(name)
    return ip, port, domain, address


def _named(name: str) -> tuple[str | None, str | None, str]:
    packed = pack(name)
    if packed is not None:
        text = spell(packed)
        return text, None, text
    bare = pack(name.partition("%")[0]) if "%" in name else None
    if bare is not None:
        return spell(bare), None, name
    return None, name.lower().removesuffix(".") or None, name


_known_host = lru_cache(maxsize=8192)(_named)


def host_port(text: object, port: object = None) -> Host:
    """IP, port, domain and address (IP or domain) of ``1.2.3.4:443``, ``[2001:db8::1]:443``, ``host:443``, ``host``.

    The zone of ``fe80::1%4`` is in the address, not in the IP.
    """
    if not isinstance(text, str) or text in ABSENT:
        return NOWHERE
    given = port_of(port)
    colons = text.count(":")
    if text.startswith("["):
        name, _, rest = text[1:].partition("]")
        return _host(name, port_of(rest[1:]) if rest.startswith(":") else given)
    if colons == 0 or (colons > 1 and pack(text) is not None):
        return _host(text, given)
    if colons > 1 and "%" in text and pack(text.partition("%")[0]) is not None:
        return _host(text, given)
    name, _, rest = text.rpartition(":")
    number = port_of(rest)
    if number is None or (colons > 1 and pack(name) is None):
        return (None, given, None, text) if colons > 1 or rest not in ABSENT else _host(name, given)
    return _host(name, number)


def tcp_flags(mask: object) -> tuple[list[str] | None]:
    """Words of a bit mask: fin, syn, rst, psh, ack, urg, ece, cwr; None for a mask without flags."""
    if isinstance(mask, str):
        mask = int(mask) if mask.isascii() and mask.isdigit() and len(mask) < 6 else None
    if not isinstance(mask, int) or not 0 < mask < 512:
        return (None,)
    return (_FLAGS[mask & 255] or None,)


def make_tcp_flags(options: Mapping[str, Any]) -> StepFunction:
    """The same of a mask in digits of another ``base``: 16, as Suricata writes it."""
    if options.get("base", 10) not in (10, 16):
        raise ValueError("base is 10 or 16")
    if options.get("base", 10) == 10:
        return tcp_flags

    def hexadecimal(mask: object) -> tuple[list[str] | None]:
        if isinstance(mask, str) and 0 < len(mask) < 5 and _HEX.issuperset(mask):
            return tcp_flags(int(mask, 16))
        return tcp_flags(mask) if not isinstance(mask, str) else (None,)

    return hexadecimal


def hex_digits(text: object) -> tuple[str | None]:
    """Digits of a certificate's serial number or fingerprint as ECS writes them: upper case, nothing between them."""
    if not isinstance(text, str) or not 0 < len(text) <= 400:
        return (None,)
    digits = text.removeprefix("0x").replace(":", "").replace(" ", "").upper()
    return (digits if digits and _HEX.issuperset(digits) else None,)


def mac(text: object) -> tuple[str | None]:
    """A MAC address as ECS writes it, ``00-00-5E-00-53-23``; None for anything else."""
    if not isinstance(text, str) or not 12 <= len(text) <= 17:
        return (None,)
    digits = text.replace(":", "").replace("-", "").replace(".", "").upper()
    if len(digits) != 12 or not _HEX.issuperset(digits):
        return (None,)
    return ("-".join(digits[at : at + 2] for at in range(0, 12, 2)),)


def tls_version(text: object) -> tuple[str | None, str | None]:
    """Number and protocol of ``TLSv1.2``, ``TLS 1.3``, ``tlsv12``, ``TLSv1``, ``SSLv3``."""
    if not isinstance(text, str):
        return None, None
    lowered = text.strip().lower()
    protocol = lowered[:3]
    number = lowered[3:].lstrip(" v_-").replace("_", ".")
    if protocol not in ("tls", "ssl") or not (number.isascii() and number.replace(".", "", 1).isdigit() and len(number) < 5):
        return None, None
    if number.startswith(".") or number.endswith("."):
        return None, None
    if "." not in number:
        number = f"{number[0]}.{number[1:] or '0'}"
    return number, protocol


STEPS: dict[str, StepSpec] = {
    "host_port": StepSpec(
        host_port,
        ("address", "port"),
        {"ip": "str", "port": "int", "domain": "str", "address": "str"},
        cuts=True,
    ),
    "hex_digits": StepSpec(hex_digits, ("text",), {"digits": "str"}, cuts=True),
    "mac": StepSpec(mac, ("text",), {"mac": "str"}, cuts=True),
    "tcp_flags": StepSpec(tcp_flags, ("mask",), {"flags": "list"}, cuts=True, options=("base",), make=make_tcp_flags),
    "tls_version": StepSpec(tls_version, ("version",), {"version": "str", "protocol": "str"}, cuts=True),
}
