"""What is watched: one dataset of one stream of one project; or a stream as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal, NamedTuple

import msgspec

from service.silence.rhythm import BUCKET_MS, Rhythm
from service.spans import moment

State = Literal["learning", "heard", "silent", "unknown", "muted"]
"""unknown: we cannot tell, because reading or processing is behind. muted: quiet for too long, and nobody wants to hear of it."""
ALL = "*"
"""In place of a dataset: the stream as a whole."""


class Source(NamedTuple):
    """One source."""

    project: str
    environment: str
    stream: str
    dataset: str

    @property
    def is_stream(self) -> bool:
        """Whether the stream as a whole is meant."""
        return self.dataset == ALL

    @property
    def id(self) -> str:
        """Its document's ``_id``: no part of a name can run into the next."""
        return sha256("\n".join(self).encode()).hexdigest()[:32]

    def __str__(self) -> str:
        """For people."""
        what = f"stream {self.stream}" if self.is_stream else f"{self.dataset} on stream {self.stream}"
        return f"{self.project}/{self.environment}: {what}"


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """The call that explains a silence: a CloudTrail document."""

    id: str
    index: str
    action: str
    at_ms: int
    meaning: str
    provider: str = ""
    user: str = ""
    address: str = ""
    account: str = ""


class Alert(msgspec.Struct, omit_defaults=True):
    """The alert about a silence: what its document is made of, always the same one."""

    id: str
    index: str
    declared_ms: int
    last_ms: int
    """The last arrival before it."""
    patience_ms: int
    stored: bool = False
    """Whether its document is known to be there."""
    severity: str = "medium"
    datasets: list[str] = []
    """For a stream as a whole: what came through it."""
    cause: Evidence | None = None


class Watched(msgspec.Struct):
    """One source: what is known of it."""

    source: Source
    rhythm: Rhythm
    state: State = "learning"
    reason: str = ""
    quiet_ms: int = 0
    patience_ms: int | None = None
    judged_ms: int = 0
    alert: Alert | None = None
    """While it is silent; none where the alert about its stream covers it."""
    version: tuple[int, int] | None = None
    """Sequence number and primary term of its document."""


def to_document(watched: Watched) -> dict[str, Any]:
    """The document in ``siem-cadence-*``."""
    source, rhythm = watched.source, watched.rhythm
    return {
        "@timestamp": moment(watched.judged_ms),
        "event": {"dataset": source.dataset},
        "project": {"id": source.project, "environment": source.environment},
        "siem": {"stream": source.stream},
        "cadence": {
            "first": moment(rhythm.first_ms),
            "last": moment(rhythm.last_ms),
            "last_ms": rhythm.last_ms,
            "head": rhythm.head,
            "bits": rhythm.pack(),
            "state": watched.state,
            "reason": watched.reason,
            "quiet_seconds": watched.quiet_ms // 1000,
            **({} if watched.patience_ms is None else {"patience_seconds": watched.patience_ms // 1000}),
            **({} if watched.alert is None else {"alert": msgspec.json.encode(watched.alert).decode()}),
        },
    }


def from_document(document: Mapping[str, Any], version: tuple[int, int] | None = None) -> Watched:
    """The source of such a document; raises ValueError or KeyError when it is none."""
    cadence, project = document["cadence"], document["project"]
    source = Source(project["id"], project["environment"], document["siem"]["stream"], document["event"]["dataset"])
    last_ms, head = int(cadence["last_ms"]), int(cadence["head"])
    rhythm = Rhythm(_ms(cadence["first"]), last_ms, max(head, last_ms // BUCKET_MS), Rhythm.unpack(cadence["bits"]))
    patience = cadence.get("patience_seconds")
    alert = cadence.get("alert")
    return Watched(
        source,
        rhythm,
        state=msgspec.convert(cadence["state"], State),
        reason=str(cadence.get("reason", "")),
        quiet_ms=int(cadence.get("quiet_seconds", 0)) * 1000,
        patience_ms=None if patience is None else int(patience) * 1000,
        judged_ms=_ms(document["@timestamp"]),
        alert=None if alert is None else msgspec.json.decode(alert, type=Alert),
        version=version,
    )


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
