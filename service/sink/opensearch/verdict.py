"""What OpenSearch said of one document of a bulk request, or of a whole request, as types that say what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Accepted:
    """Indexed."""


@dataclass(frozen=True, slots=True)
class AlreadyThere:
    """409 on create: a document with this id is there, from an earlier try or a replay."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Nothing wrong with the document: the same again later, however often.

    ``overload``: smaller and fewer requests would help (429, circuit breaker). ``held``: somebody has to act before
    it can work (read-only index, no permission, shard limit, closed index). ``internal``: OpenSearch failed in a way
    that may be this document's doing (500).
    """

    code: str
    overload: bool = False
    held: bool = False
    internal: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """The index does not exist and is not created by itself."""

    code: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The document will never be accepted as it is; ``field`` is the one at fault, if the reason names it."""

    code: str
    reason: str
    field: str | None


@dataclass(frozen=True, slots=True)
class TooLarge:
    """413: fewer documents a request; a single document is beyond what the server takes."""


Verdict = Accepted | AlreadyThere | Busy | Missing | Refused

_FIELD = (
    re.compile(r"failed to parse (?:flat object )?field \[([^\]\[]++)\]"),
    re.compile(r"object mapping for \[([^\]\[]++)\]"),
    re.compile(r'immense term in field="([^"=]++)"'),
    re.compile(r"cannot index a field that is not [^\[\n]{0,200}+\[([^\]\[]++)\]", re.IGNORECASE),
    re.compile(r"[Ff]ield(?: name)? \[([^\]\[]++)\]"),
    re.compile(r"field \"([^\"]{1,1000}+)\""),
)
_STRICT = re.compile(r"dynamic introduction of \[([^\]\[]++)\] within \[([^\]\[]++)\]")

# 400s that speak of the cluster's state, not of the document: waiting helps, a dead letter would lose the world.
_STATE_TYPES = frozenset({"index_closed_exception", "resource_already_exists_exception"})
_STATE_REASONS = (
    "shards open",
    "no write index is defined",
    "pipeline with id [",
)


def item_verdict(status: int, error: dict[str, Any] | None) -> Verdict:
    """Judge one item of a bulk reply; ``error`` is its ``{type, reason, caused_by}``, if it has one."""
    if 200 <= status < 300:
        return Accepted()
    code, reason = _describe(error)
    if code == "cluster_block_exception":  # 403, or 429 where the disk is full
        return Busy(code, held=True)
    match status:
        case 409:
            return AlreadyThere()
        case 429:
            return Busy(code, overload=True)
        case 401 | 403:
            return Busy(code, held=True)
        case 404:
            return Missing(code)
        case 400 if code in _STATE_TYPES or any(said in reason for said in _STATE_REASONS):
            return Busy(code, held=True)
        case 408:
            return Busy(code)
        case _ if status >= 500:
            return Busy(code, overload=code == "circuit_breaking_exception", internal=status == 500)
        case _:
            return Refused(code, reason[:2000], offending_field(reason))


def request_verdict(status: int | None, code: str) -> Busy | Refused | TooLarge:
    """Judge a whole request that failed; ``status`` None means there was no answer that can be believed.

    Refused says only that the body holds at least one document that makes the request invalid.
    """
    match status:
        case None:
            return Busy(code, overload=code == "timeout")
        case 413:
            return TooLarge()
        case 400:
            return Refused(code, code, None)
        case 429:
            return Busy(code, overload=True)
        case _ if status >= 500:
            return Busy(code, overload=code == "circuit_breaking_exception")
        case _:
            return Busy(code, held=True)


def offending_field(reason: str) -> str | None:
    """Dotted name of the field a mapper error blames; None when it blames none."""
    if strict := _STRICT.search(reason):
        inner, outer = strict.groups()
        return inner if outer == "_doc" else f"{outer}.{inner}"
    for shape in _FIELD:
        if found := shape.search(reason):
            # A flat_object blames the inner fields it keeps its leaves in.
            return found[1].removesuffix("._value").removesuffix("._valueAndPath")
    return None


def _describe(error: dict[str, Any] | None) -> tuple[str, str]:
    """Type of the error, and its reason with the causes behind it."""
    if not isinstance(error, dict):
        return "unknown", ""
    code = str(error.get("type", "unknown"))
    reasons: list[str] = []
    link: object = error
    while isinstance(link, dict) and len(reasons) < 4:
        reasons.append(str(link.get("reason", "")))
        link = link.get("caused_by")
    return code, "; ".join(dict.fromkeys(filter(None, reasons)))
