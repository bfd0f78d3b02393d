"""DNS names and answers."""

from __future__ import annotations

from service.enrich.addresses import pack, spell
from service.enrich.fragments import dump
from service.normalise.steps.spec import StepSpec

LONGEST_REVERSE = 80
_HEXADECIMAL = frozenset("0123456789abcdef")
_POINTERS = frozenset({"CNAME", "DNAME", "PTR", "NS"})
_HEADER_FLAGS = {"AA": 0x0400, "TC": 0x0200, "RD": 0x0100, "RA": 0x0080, "AD": 0x0020, "CD": 0x0010}
Answers = tuple[str | None, list[str] | None, list[str] | None, list[str] | None]
LONGEST_TTL = 2**31 - 1
"""Seconds (RFC 2181, section 8)."""
MOST_ANSWERS = 256
"""Answers kept; a response holds fewer unless somebody made it up."""


def dns_name(text: object) -> tuple[str | None]:
    """A name in lower case without its trailing dot; the root stays ``.``."""
    if not isinstance(text, str) or text in ("", "-"):
        return (None,)
    return (text.lower().removesuffix(".") or ".",)


def _text(answer: dict[object, object], *names: str) -> str | None:
    for name in names:
        value = answer.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return None


def reverse_ip(name: object) -> tuple[str | None]:
    """The address that a name under ``in-addr.arpa`` or ``ip6.arpa`` stands for."""
    if not isinstance(name, str) or len(name) > LONGEST_REVERSE:
        return (None,)
    stem, suffix, rest = name.lower().removesuffix(".").rpartition(".in-addr.arpa")
    if suffix and not rest:
        packed = pack(".".join(reversed(stem.split("."))))
        return (spell(packed) if packed is not None else None,)
    stem, suffix, rest = name.lower().removesuffix(".").rpartition(".ip6.arpa")
    digits = "".join(reversed(stem.split("."))) if suffix and not rest else ""
    if len(digits) != 32 or not _HEXADECIMAL.issuperset(digits):
        return (None,)
    return (spell(bytes.fromhex(digits)),)


def dns_answers(answers: object, name: object = None) -> Answers:
    """``dns.answers`` as JSON, the addresses among the answers, their types, and the names they point to.

    Understands Route 53 Resolver's ``Rdata``, ``Type``, ``Class`` and Suricata's ``rrname``, ``rrtype``, ``rdata``; ``name``
    is the question they answer. An alias that does not say whose it is goes by the name it leads to, as ECS has it for chains.
    """
    if not isinstance(answers, list):
        return None, None, None, None
    kept: list[dict[str, str | int]] = []
    addresses: dict[str, None] = {}
    types: dict[str, None] = {}
    names: dict[str, None] = {}
    (question,) = dns_name(name)
    for answer in answers[:MOST_ANSWERS]:
        if not isinstance(answer, dict):
            continue
        data = _text(answer, "Rdata", "rdata", "data")
        kind = _text(answer, "Type", "type", "rrtype")
        made = {
            "class": _text(answer, "Class", "class"),
            "data": (data := data.removesuffix(".") or ".") if data else None,
            "name": dns_name(_text(answer, "Name", "name", "rrname"))[0] or question or (data if kind == "CNAME" else None),
            "type": kind,
        }
        known: dict[str, str | int] = {key: value for key, value in made.items() if value is not None}
        if data is None and kind is None:
            continue
        seconds = answer.get("ttl")
        if isinstance(seconds, int) and not isinstance(seconds, bool) and 0 <= seconds <= LONGEST_TTL:
            known["ttl"] = seconds
        kept.append(known)
        if kind is not None:
            types[kind] = None
        if data is not None and (packed := pack(data)) is not None:
            addresses[spell(packed)] = None
        elif data is not None and kind in _POINTERS:
            names[data.lower()] = None
    return (dump(kept) if kept else None), list(addresses) or None, list(types) or None, list(names) or None


def dns_flags(flags: object) -> tuple[list[str] | None]:
    """The words of a header's flags, given as the four hexadecimal digits of their two bytes (RFC 1035 4.1.1, RFC 4035 3)."""
    if not isinstance(flags, str) or not 0 < len(flags) <= 4 or not _HEXADECIMAL.issuperset(flags.lower()):
        return (None,)
    bits = int(flags, 16)
    return ([word for word, bit in _HEADER_FLAGS.items() if bits & bit] or None,)


STEPS: dict[str, StepSpec] = {
    "dns_name": StepSpec(dns_name, ("name",), {"name": "str"}, cuts=True),
    "dns_answers": StepSpec(
        dns_answers,
        ("answers", "name"),
        {"answers": "json", "resolved_ip": "list", "types": "list", "names": "list"},
    ),
    "dns_flags": StepSpec(dns_flags, ("flags",), {"words": "list"}),
    "reverse_ip": StepSpec(reverse_ip, ("name",), {"ip": "str"}, cuts=True),
}
