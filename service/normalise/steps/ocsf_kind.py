"""What ECS calls an event of the Open Cybersecurity Schema Framework: by its class and what was done."""

from __future__ import annotations

from functools import lru_cache

from service.normalise.cast import to_keyword, to_long
from service.normalise.steps.spec import StepSpec

Classes = tuple[tuple[str, ...], dict[int, str]]
_CRUD = {1: "creation", 2: "access", 3: "change", 4: "deletion"}
_FILE = {**_CRUD, 5: "change", 6: "change", 7: "change", 10: "change", 11: "change", 14: "access"}
_FLOW = {1: "start", 2: "end", 3: "end", 4: "end", 5: "denied", 6: "connection"}
_SESSION = {1: "start", 2: "end"}
_HOSTED = {
    1: "change",
    2: "access",
    3: "change",
    4: "deletion",
    5: "change",
    6: "change",
    8: "access",
    10: "access",
    14: "access",
}

CLASSES: dict[int, Classes] = {
    1001: (("file",), _FILE),
    1002: (("driver",), {1: "start", 2: "end"}),
    1003: (("driver",), {}),
    1004: (("process",), dict.fromkeys((1, 2, 3, 4, 5, 6), "change") | {7: "access", 8: "access", 9: "change"}),
    1005: (("library",), {1: "start"}),
    1006: (("configuration",), {1: "creation", 2: "change", 3: "deletion", 4: "change", 5: "change", 6: "change"}),
    1007: (("process",), {1: "start", 2: "end", 3: "access", 4: "change", 5: "change"}),
    1008: (("host",), {}),
    3001: (("iam",), {1: "creation", 6: "deletion", **dict.fromkeys((2, 3, 4, 5, 7, 8, 9, 10, 11, 12), "change")}),
    3002: (("authentication",), _SESSION),
    3003: (("session",), {}),
    3004: (("iam",), {1: "creation", 3: "change", 4: "deletion", **dict.fromkeys((5, 6, 7, 8, 9), "change")}),
    3005: (("iam",), {1: "change", 2: "change"}),
    3006: (("iam",), {5: "deletion", 6: "creation", **dict.fromkeys((1, 2, 3, 4, 7, 8), "change")}),
    4001: (("network",), _FLOW),
    4002: (("network", "web"), {}),
    4003: (("network",), {}),
    4004: (("network",), {4: "denied", 5: "allowed", 6: "denied"}),
    4005: (("network",), {3: "connection", 4: "connection"}),
    4006: (("network", "file"), {2: "creation", 3: "creation", 5: "change", 1: "change", 4: "access"}),
    4007: (("network",), _FLOW),
    4008: (("network", "file"), {1: "creation", 2: "access", 4: "deletion", 5: "change"}),
    4009: (("email",), {}),
    4010: (("network", "file"), _HOSTED),
    4011: (("email", "file"), {}),
    4012: (("email",), {}),
    4013: (("network",), {}),
    4014: (("network",), {1: "start", 2: "end"}),
    5001: (("host",), {}),
    5002: (("configuration",), {1: "creation", 2: "access"}),
    5003: (("iam",), {}),
    5019: (("configuration",), dict.fromkeys((1, 2, 3), "change")),
    5020: (("package",), {}),
    6001: (("web",), dict.fromkeys((2, 5, 6, 7), "access")),
    6002: (("package",), {1: "installation", 2: "deletion", 3: "start", 8: "change"}),
    6003: (("web", "api"), _CRUD),
    6004: (("web",), dict.fromkeys((1, 2, 3), "access") | {4: "error"}),
    6005: (("database",), dict.fromkeys((1, 3, 4), "access") | dict.fromkeys((2, 5, 6, 7), "change")),
    6006: (("file",), _HOSTED),
    6007: (("vulnerability",), {}),
    6008: (("host",), {}),
}
"""Class → categories, and activity → the type that says more than ``info``."""
_MODULES = 1005
_ABOUT = {3001: ("user",), 3005: ("user",), 3006: ("group", "user"), 5003: ("user",)}
_PROTOCOLS = frozenset({4002, 4003, 4004, 4005, 4006, 4007, 4008, 4013})
_FINDINGS = 2
"""Category of classes 2001 to 2999."""
_SUBJECTS = {2002: ("vulnerability",), 2003: ("configuration",)}
_GUARDED = frozenset({"network", "api", "intrusion_detection"})
"""Categories for which ECS has the types ``allowed`` and ``denied``."""
_VERDICTS = {"allowed": "allowed", "denied": "denied", "blocked": "denied", "dropped": "denied", "rejected": "denied"}
_LONGEST = 256

Kind = tuple[str | None, str | None, list[str] | None, list[str] | None]


def ocsf_kind(
    class_uid: object,
    activity_id: object = None,
    activity_name: object = None,
    disposition: object = None,
    control: object = None,
    malware: object = None,
    vulnerabilities: object = None,
) -> Kind:
    """Action, kind, categories and types.

    ``disposition`` and ``control`` (its action) say in words what a control did; lists of malware and vulnerabilities what an
    old finding is about. A class that is not known has no category.
    """
    uid, activity, name = to_long(class_uid), to_long(activity_id), _word(activity_name)
    if class_uid is None and name is None:
        return None, None, None, None
    verdict = _VERDICTS.get((_word(disposition) or "").lower()) or _VERDICTS.get((_word(control) or "").lower())
    subjects = tuple(name for name, there in (("malware", malware), ("vulnerability", vulnerabilities)) if there)
    kind, categories, types = _named(uid or 0, activity or 0, verdict, subjects)
    return (_action(name) if name is not None else None), kind, list(categories) or None, list(types)


def _word(value: object) -> str | None:
    word = to_keyword(value)
    return word if word is not None and len(word) < _LONGEST else None


@lru_cache(maxsize=1024)
def _action(name: str) -> str | None:
    return name.strip().lower().replace(" ", "-").replace(":", "-") or None


@lru_cache(maxsize=4096)
def _named(
    uid: int, activity: int, verdict: str | None, subjects: tuple[str, ...]
) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    categories, special = CLASSES.get(uid, ((), {}))
    kind = "event"
    if uid // 1000 == _FINDINGS:
        kind = "alert"
        categories = tuple(dict.fromkeys((*subjects, *_SUBJECTS.get(uid, ())))) or ("intrusion_detection",)
    if uid == _MODULES and activity not in special:  # ECS has no word but start for libraries
        categories = ("process",)
    types = dict.fromkeys((*(("info",) if categories != ("library",) else ()), *_ABOUT.get(uid, ())))
    if uid in _PROTOCOLS:
        types["protocol"] = None
    if activity in special:
        types[special[activity]] = None
    if verdict is not None and not _GUARDED.isdisjoint(categories):
        types[verdict] = None
    return kind, categories, tuple(types)


STEPS: dict[str, StepSpec] = {
    "ocsf_kind": StepSpec(
        ocsf_kind,
        ("class_uid", "activity_id", "activity_name", "disposition", "control", "malware", "vulnerabilities"),
        {"action": "str", "kind": "str", "category": "list", "type": "list"},
    ),
}
