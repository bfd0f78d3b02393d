"""Values that Sysmon writes as one text: hashes, answers to DNS queries, data of the registry."""

from __future__ import annotations

import re

from service.enrich.addresses import pack, spell
from service.enrich.fragments import dump
from service.normalise.steps.spec import StepSpec
from service.normalise.tables.dns import DNS_TYPES

MOST = 200
_HASH = re.compile(r"(?:^|,) ?(SHA1|MD5|SHA256|IMPHASH)=([0-9A-Fa-f]{32,64})(?=,|$)", re.IGNORECASE)
_NUMBER = re.compile(r"(DWORD|QWORD) \(0x([0-9A-Fa-f]{8})(?:-0x([0-9A-Fa-f]{8}))?\)")
LONGEST = 8191


def hashes(text: object) -> tuple[str | list[str] | None, ...]:
    """md5, sha1, sha256, imphash and all of them of ``SHA1=…,MD5=…``, in lower case; one of zeros alone is none."""
    if not isinstance(text, str):
        return None, None, None, None, None
    found = {name.lower(): value.lower() for name, value in _HASH.findall(text[:LONGEST]) if value.strip("0")}
    return found.get("md5"), found.get("sha1"), found.get("sha256"), found.get("imphash"), list(found.values()) or None


def dns_results(text: object) -> tuple[str | list[str] | None, ...]:
    """Answers, addresses and names of ``type:  5 alias.example;::ffff:192.0.2.1;``."""
    if not isinstance(text, str):
        return None, None, None
    answers: list[dict[str, str]] = []
    addresses: list[str] = []
    names: list[str] = []
    for result in text.split(";", MOST)[:MOST]:
        words = result.split()
        if words[:1] == ["type:"]:
            kind = DNS_TYPES.get(words[1]) if len(words) > 1 else None
            answer = {"type": kind} if kind else {}
            if len(words) == 3:
                answer["data"] = words[2]
                names.append(words[2])
            if answer:
                answers.append(answer)
        elif len(words) == 1 and (packed := pack(words[0])) is not None:
            address = spell(packed)
            addresses.append(address)
            answers.append({"type": "A" if len(packed) == 4 else "AAAA", "data": address})
    return dump(answers) if answers else None, addresses or None, names or None


def registry_data(text: object) -> tuple[str | list[str] | None, ...]:
    """Type and strings of what was written: ``DWORD (0x00000001)``, ``Binary Data``, or text."""
    if not isinstance(text, str) or not text or text == "-":
        return None, None
    found = _NUMBER.fullmatch(text)
    if found is not None:
        high, low = int(found[2], 16), found[3]
        return f"SZ_{found[1]}", [str(high if low is None else (high << 32) + int(low, 16))]
    return ("REG_BINARY" if text == "Binary Data" else "REG_SZ"), [text[:LONGEST]]


STEPS: dict[str, StepSpec] = {
    "dns_results": StepSpec(dns_results, ("text",), {"answers": "json", "resolved_ip": "list", "names": "list"}),
    "hashes": StepSpec(
        hashes, ("text",), {"md5": "str", "sha1": "str", "sha256": "str", "imphash": "str", "list": "list"}, cuts=True
    ),
    "registry_data": StepSpec(registry_data, ("text",), {"type": "str", "strings": "list"}),
}
