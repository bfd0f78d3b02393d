"""Which CloudTrail call explains a silence: ``causes.yml`` says which calls silence which datasets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Annotated, Any

import orjson
from pydantic import Field, StringConstraints

from service import yaml_file
from service.match import parse_selection, predicate
from service.pipeline.schema import Model, Selection
from service.silence.source import ALL, Evidence, Source
from service.silence.texts import first_text, moment_ms

BEFORE_MS = 2 * 3_600_000
"""The call may come so long before the last arrival: what was under way still gets through."""
SOON_MS = 15 * 60_000
"""Calls this soon after the last arrival are told apart by how telling they are, not by the minute."""


class CauseEntry(Model):
    """Calls of one kind."""

    calls: list[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]{3,80}$")]] = Field(min_length=1)
    """Names of API calls (``eventName``)."""
    provider: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+\.amazonaws\.com$")]
    """Service they belong to (``eventSource``)."""
    silences: list[Annotated[str, StringConstraints(pattern=r"^(\*|[a-z0-9_]+\.[a-z0-9_]+)$")]] = Field(min_length=1)
    """Datasets; ``*``: any."""
    when: Selection | None = None
    """Sigma selection over the call as CloudTrail sent it."""
    meaning: str
    """What it does, for the alert."""


class CauseFile(Model):
    """``causes.yml``."""

    causes: list[CauseEntry] = Field(min_length=1)
    """Most telling first."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One kind of call, ready to be asked."""

    rank: int
    entry: CauseEntry
    holds: Callable[[Mapping[str, object]], bool] | None


class Causes:
    """All of them."""

    def __init__(self, causes: Iterable[Cause]) -> None:
        """Hold them by call."""
        self._causes = list(causes)

    def of(self, source: Source) -> list[Cause]:
        """Those that can silence the source; a stream falls silent by what silences any dataset on it."""
        return [one for one in self._causes if source.is_stream or {ALL, source.dataset} & set(one.entry.silences)]

    def calls(self, source: Source) -> list[str]:
        """Names of those calls, to search for."""
        return sorted({call for cause in self.of(source) for call in cause.entry.calls})

    def most_likely(self, source: Source, last_ms: int, patience_ms: int, hits: Iterable[Mapping[str, Any]]) -> Evidence | None:
        """The best explanation among CloudTrail documents (hits of a search): telling first, then near the last arrival."""
        # The longer a source may be quiet, the later a call that keeps it from speaking again.
        soon_ms = max(SOON_MS, patience_ms // 4)
        found = []
        for cause, at_ms, hit in self._fitting(source, hits):
            late = max(0, at_ms - last_ms) // soon_ms
            found.append(((cause.rank + 4 * late, abs(at_ms - last_ms), hit["_id"]), cause, at_ms, hit))
        if not found:
            return None
        _, cause, at_ms, hit = min(found, key=lambda one: one[0])
        return _evidence(cause, at_ms, hit)

    def _fitting(self, source: Source, hits: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Cause, int, Mapping[str, Any]]]:
        causes = self.of(source)
        for hit in hits:
            document = hit["_source"]
            at_ms = moment_ms(document.get("@timestamp"))
            if at_ms is None or first_text(document, "event.outcome") == "failure":
                continue
            call, provider = first_text(document, "event.action"), first_text(document, "event.provider")
            for cause in causes:
                if call in cause.entry.calls and provider == cause.entry.provider and _holds(cause, document):
                    yield cause, at_ms, hit
                    break


def _holds(cause: Cause, document: Mapping[str, Any]) -> bool:
    if cause.holds is None:
        return True
    try:
        call = orjson.loads(document["event"].get("original", ""))
    except orjson.JSONDecodeError:
        return False
    if isinstance(call, dict) and isinstance(call.get("detail"), dict):
        call = call["detail"]
    return isinstance(call, dict) and cause.holds(call)


def _evidence(cause: Cause, at_ms: int, hit: Mapping[str, Any]) -> Evidence:
    document = hit["_source"]
    return Evidence(
        id=hit["_id"],
        index=hit["_index"],
        action=first_text(document, "event.action"),
        at_ms=at_ms,
        meaning=cause.entry.meaning,
        provider=cause.entry.provider,
        user=first_text(document, "user.name") or first_text(document, "aws.cloudtrail.user_identity.arn"),
        address=first_text(document, "source.ip"),
        account=first_text(document, "cloud.account.id"),
    )


def load_causes() -> Causes:
    """The causes that ship; raises ContentErrors or ContentError when the file is wrong."""
    path = resources.files("service.silence").joinpath("causes.yml")
    file = yaml_file.read_text(path.read_bytes(), CauseFile, "service/silence/causes.yml")
    return Causes(
        Cause(
            rank,
            entry,
            None if entry.when is None else predicate(parse_selection(entry.when, file.place("causes", rank, "when"))),
        )
        for rank, entry in enumerate(file.value.causes)
    )
