"""DNS names and answers."""

from __future__ import annotations

from service.enrich.addresses import pack, spell
from service.enrich.fragments import dump
from service.normalise.steps.spec import StepSpec

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


def dns_answers(answers: object, name: object = None) -> tuple[str | None, list[str] | None, list[str] | None]:
    """``dns.answers`` as JSON, the addresses among the answers, and their types.

    Understands Route 53 Resolver's ``Rdata``, ``Type``, ``Class``; ``name`` is the question they answer.
    """
    if not isinstance(answers, list):
        return None, None, None
    kept: list[dict[str, str]] = []
    addresses: dict[str, None] = {}
    types: dict[str, None] = {}
    (question,) = dns_name(name)
    for answer in answers[:MOST_ANSWERS]:
        if not isinstance(answer, dict):
            continue
        data = _text(answer, "Rdata", "rdata", "data")
        kind = _text(answer, "Type", "type")
        made = {
            "class": _text(answer, "Class", "class"),
            "data": data.removesuffix(".") or "." if data and kind in ("CNAME", "NS", "PTR", "DNAME") else data,
            "name": dns_name(_text(answer, "Name", "name"))[0] or question,
            "type": kind,
        }
        known = {key: value for key, value in made.items() if value is not None}
        if data is None and kind is None:
            continue
        kept.append(known)
        if kind is not None:
            types[kind] = None
        if data is not None and (packed := pack(data)) is not None:
            addresses[spell(packed)] = None
    return (dump(kept) if kept else None), list(addresses) or None, list(types) or None


STEPS: dict[str, StepSpec] = {
    "dns_name": StepSpec(dns_name, ("name",), {"name": "str"}, cuts=True),
    "dns_answers": StepSpec(
        dns_answers,
        ("answers", "name"),
        {"answers": "json", "resolved_ip": "list", "types": "list"},
    ),
}
