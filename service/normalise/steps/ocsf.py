"""Lists of the Open Cybersecurity Schema Framework: attacks, observables, hashes, vulnerabilities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from service.enrich.addresses import pack
from service.normalise.cast import to_float, to_keyword, to_keywords, to_long
from service.normalise.steps.spec import StepSpec

_MOST = 200
_LONGEST = 1024
_HASHES = {
    "md5": "md5", "sha-1": "sha1", "sha1": "sha1", "sha-256": "sha256", "sha256": "sha256", "sha-512": "sha512",
    "sha512": "sha512", "ctph": "ssdeep", "tlsh": "tlsh",
    "1": "md5", "2": "sha1", "3": "sha256", "4": "sha512", "5": "ssdeep", "6": "tlsh",
}  # fmt: skip
_HOSTS, _ADDRESSES, _USERS, _DIGESTS = (1, 20), (2,), (4, 5, 21), (8,)
Names = list[str] | None


def _objects(value: object) -> Iterator[dict[Any, Any]]:
    """The objects of a list, or the one that stands alone."""
    for item in value[:_MOST] if isinstance(value, list) else (value,):
        if isinstance(item, dict):
            yield item


def _word(value: object) -> str | None:
    word = to_keyword(value) if not isinstance(value, dict | list) else None
    return word if word and len(word) <= _LONGEST else None


def ocsf_attacks(attacks: object, more: object = None) -> tuple[Names, ...]:
    """Ids and names of tactics, techniques and sub-techniques, each once.

    Reads ``tactics`` (up to 1.0) and ``tactic`` (from 1.1); ``more`` is a second list, of the finding.
    """
    found: tuple[dict[str, None], ...] = ({}, {}, {}, {}, {}, {})
    for attack in (*_objects(attacks), *_objects(more)):
        for place, keys in ((0, ("tactics", "tactic")), (2, ("technique",)), (4, ("sub_technique",))):
            for key in keys:
                for each in _objects(attack.get(key)):
                    for offset, name in enumerate(("uid", "name")):
                        if (word := _word(each.get(name))) is not None:
                            found[place + offset][word] = None
    return tuple(list(each)[:_MOST] or None for each in found)


def ocsf_observables(observables: object) -> tuple[Names, Names, Names, Names]:
    """Addresses, users, hosts and hashes among the observables."""
    kinds: dict[int, dict[str, None]] = {}
    for each in _objects(observables):
        number, value = to_long(each.get("type_id")), _word(each.get("value"))
        if number is not None and value is not None:
            kinds.setdefault(number, {})[value] = None

    def of(numbers: tuple[int, ...]) -> dict[str, None]:
        return {value: None for number in numbers for value in kinds.get(number, ())}

    addresses = [value for value in of(_ADDRESSES) if pack(value) is not None]
    return addresses or None, list(of(_USERS)) or None, list(of(_HOSTS)) or None, list(of(_DIGESTS)) or None


def ocsf_hashes(hashes: object, fingerprints: object = None) -> tuple[Any, ...]:
    """Hashes by their algorithm, and all of them; ``fingerprints`` is what release candidates called them."""
    found: dict[str, str] = {}
    for each in (*_objects(hashes), *_objects(fingerprints)):
        value = _word(each.get("value"))
        for key in ("algorithm", "algorithm_id"):
            name = _HASHES.get((_word(each.get(key)) or "").lower())
            if name is not None and value is not None:
                found.setdefault(name, value.lower() if name not in ("ssdeep", "tlsh") else value)
                break
    values = list(dict.fromkeys(found.values()))
    return (*(found.get(name) for name in ("md5", "sha1", "sha256", "sha512", "ssdeep", "tlsh")), values or None)


def ocsf_vulnerabilities(vulnerabilities: object) -> tuple[Any, ...]:
    """Of the first vulnerability what ECS has one field for; references and packages of all. Outputs stand in ``STEPS``."""
    first: dict[str, Any] = {}
    lists: dict[str, dict[str, None]] = {"references": {}, "packages": {}, "versions": {}, "architectures": {}, "paths": {}}
    for each in _objects(vulnerabilities):
        cve = next(_objects(each.get("cve")), {})
        cvss = next(_objects(cve.get("cvss")), {})
        for name, value in (
            ("id", _word(cve.get("uid"))),
            ("severity", _word(each.get("severity"))),
            ("description", to_keyword(each.get("desc")) if isinstance(each.get("desc"), str) else None),
            ("vendor", _word(each.get("vendor_name"))),
            ("score", to_float(cvss.get("base_score"))),
            ("version", _word(cvss.get("version"))),
        ):
            if value:
                first.setdefault(name, value)
        lists["references"] |= dict.fromkeys(to_keywords(each.get("references")) or ())
        for package in (*_objects(each.get("packages")), *_objects(each.get("affected_packages"))):
            for output, key in (
                ("packages", "name"),
                ("versions", "version"),
                ("architectures", "architecture"),
                ("paths", "path"),
            ):
                if (word := _word(package.get(key))) is not None:
                    lists[output][word] = None
    return (*(first.get(name) for name in _FIRST), *(list(each)[:_MOST] or None for each in lists.values()))


_FIRST = ("id", "severity", "description", "vendor", "score", "version")

STEPS: dict[str, StepSpec] = {
    "ocsf_attacks": StepSpec(
        ocsf_attacks,
        ("attacks", "more"),
        {
            "tactic_ids": "list",
            "tactic_names": "list",
            "technique_ids": "list",
            "technique_names": "list",
            "subtechnique_ids": "list",
            "subtechnique_names": "list",
        },
    ),
    "ocsf_observables": StepSpec(
        ocsf_observables, ("observables",), {"addresses": "list", "users": "list", "hosts": "list", "hashes": "list"}
    ),
    "ocsf_hashes": StepSpec(
        ocsf_hashes,
        ("hashes", "fingerprints"),
        {"md5": "str", "sha1": "str", "sha256": "str", "sha512": "str", "ssdeep": "str", "tlsh": "str", "list": "list"},
    ),
    "ocsf_vulnerabilities": StepSpec(
        ocsf_vulnerabilities,
        ("vulnerabilities",),
        {
            **{name: "float" if name == "score" else "str" for name in _FIRST},
            "references": "list",
            "packages": "list",
            "versions": "list",
            "architectures": "list",
            "paths": "list",
        },
    ),
}
