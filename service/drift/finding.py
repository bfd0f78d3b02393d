"""One finding: something in a log that its pipeline does not know, how often it came, and an event that has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal, NamedTuple, cast

from service.spans import moment, moment_ms

Kind = Literal["column", "key", "value"]
OTHERS = "…"
"""Path of what is counted together because there are too many to tell apart."""


class Owner(NamedTuple):
    """Whose log it is, and of what kind."""

    project: str
    environment: str
    dataset: str


class What(NamedTuple):
    """What is not known."""

    kind: Kind
    path: str
    """Raw path, as a pipeline would name it; of a value that no table has, the field's name."""
    value: str = ""
    """The value, where it is the news."""
    wanted: str = ""
    """What was expected of a value, by field: ``source.ip: an IP address``."""


@dataclass(slots=True)
class Finding:
    """What is not known of one owner's log, and how often it came."""

    owner: Owner
    what: What
    version: str
    """Of the pipeline that met it last."""
    example: str
    """Its value, shortened, secrets hidden."""
    index: str
    id: str
    """A document that has it."""
    first_ms: int
    last_ms: int
    count: int = 0

    def meet(self, at_ms: int, version: str) -> None:
        """Count one event that has it."""
        self.count += 1
        self.first_ms = min(self.first_ms, at_ms)
        self.last_ms = max(self.last_ms, at_ms)
        self.version = version

    def add(self, other: Finding) -> None:
        """Take in what another worker, or the same on another day, counted; the newer one's example stays."""
        if other.last_ms > self.last_ms:
            self.example, self.index, self.id, self.version = other.example, other.index, other.id, other.version
        self.first_ms, self.last_ms = min(self.first_ms, other.first_ms), max(self.last_ms, other.last_ms)
        self.count += other.count


def identity(finding: Finding, run: str, day: str) -> str:
    """``_id`` of what one process counted on one day: telling it again replaces it, others' counts stand beside it."""
    return sha256("\0".join((*finding.owner, *finding.what, run, day)).encode("utf-8", "replace")).hexdigest()[:40]


def to_document(finding: Finding, now_ms: int) -> dict[str, Any]:
    """The finding as it is stored."""
    owner, what = finding.owner, finding.what
    said = {"kind": what.kind, "path": what.path, "value": what.value, "wanted": what.wanted, "example": finding.example}
    return {
        "@timestamp": moment(finding.last_ms),
        "event": {
            "kind": "state",
            "dataset": owner.dataset,
            "module": owner.dataset.partition(".")[0],
            "ingested": moment(now_ms),
        },
        "project": {"id": owner.project, "environment": owner.environment},
        "siem": {"pipeline": {"version": finding.version}},
        "drift": {
            **{name: text for name, text in said.items() if text},
            "count": finding.count,
            "first": moment(finding.first_ms),
            "document": {"index": finding.index, "id": finding.id},
        },
    }


def from_document(source: Mapping[str, Any]) -> Finding:
    """The finding of a stored document. Raises KeyError, TypeError or ValueError for what is none."""
    said, project = source["drift"], source["project"]
    kind = said["kind"]
    if kind not in ("column", "key", "value"):
        raise ValueError(kind)
    return Finding(
        Owner(str(project["id"]), str(project["environment"]), str(source["event"]["dataset"])),
        What(cast("Kind", kind), str(said["path"]), str(said.get("value", "")), str(said.get("wanted", ""))),
        str(source["siem"]["pipeline"]["version"]),
        str(said.get("example", "")),
        str(said["document"]["index"]),
        str(said["document"]["id"]),
        moment_ms(said["first"]),
        moment_ms(source["@timestamp"]),
        int(said["count"]),
    )


def together(findings: list[Finding]) -> list[Finding]:
    """One finding for everything that is the same, the most frequent first within each owner."""
    found: dict[tuple[Owner, What], Finding] = {}
    for each in findings:
        known = found.get((each.owner, each.what))
        if known is None:
            found[each.owner, each.what] = each
        else:
            known.add(each)
    return sorted(found.values(), key=lambda each: (each.owner, -each.count, each.what))
