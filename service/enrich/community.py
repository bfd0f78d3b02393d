"""Community ID v1: one flow has one id, whoever saw it and from whichever side."""

from __future__ import annotations

import struct
from binascii import b2a_base64
from typing import TYPE_CHECKING

try:
    from _sha1 import sha1  # type: ignore[import-not-found]  # a fifth faster for so few bytes, and not switched off by FIPS builds of OpenSSL
except ImportError:  # pragma: no cover - a Python built without it
    from hashlib import sha1

if TYPE_CHECKING:
    from service.enrich.addresses import Address

ICMP = 1
ICMP6 = 58
WITH_PORTS = frozenset({ICMP, 6, 17, ICMP6, 132})
"""ICMP, TCP, UDP, ICMPv6, SCTP: only their ports (type and code) are part of the id."""

# A request and its answer are one flow: type → the type that answers it. Other types flow one way.
ANSWERS: dict[int, dict[int, int]] = {
    ICMP: {8: 0, 0: 8, 13: 14, 14: 13, 15: 16, 16: 15, 10: 9, 9: 10, 17: 18, 18: 17},
    ICMP6: {
        128: 129, 129: 128, 133: 134, 134: 133, 135: 136, 136: 135, 130: 131, 131: 130, 139: 140,
        140: 139, 144: 145, 145: 144,
    },
}  # fmt: skip

_tail = struct.Struct("!BxHH").pack
_tail_without_ports = struct.Struct("!Bx").pack


def community_id(src: Address, dst: Address, sport: int, dport: int, protocol: int) -> str:
    """``1:…`` with seed 0; for ICMP ``sport`` is the type and ``dport`` the code.

    "" for numbers outside their range. Addresses of two families are hashed like any other, as others do.
    """
    low, high = src.packed, dst.packed
    try:
        if protocol in ANSWERS:
            answer = ANSWERS[protocol].get(sport)
            if answer is None:
                tail = _tail(protocol, sport, dport)  # one way: who asked stays first
            elif low < high or (low == high and sport < answer):
                tail = _tail(protocol, sport, answer)
            else:
                low, high = high, low
                tail = _tail(protocol, answer, sport)
        elif protocol in WITH_PORTS:
            if low < high or (low == high and sport < dport):
                tail = _tail(protocol, sport, dport)
            else:
                low, high = high, low
                tail = _tail(protocol, dport, sport)
        else:
            if high < low:
                low, high = high, low
            tail = _tail_without_ports(protocol)
    except struct.error:
        return ""
    return "1:" + b2a_base64(sha1(b"\0\0" + low + high + tail).digest(), newline=False).decode()  # noqa: S324 - the spec's hash
