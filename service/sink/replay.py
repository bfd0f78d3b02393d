"""Dead letters back through today's pipelines: the same ids, the same indices, so that doing it twice changes nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
from opensearchpy import AsyncOpenSearch

from service.event import DeadLetter, Record, RecordBatch, Slice
from service.pipeline.compiled import Carried
from service.route.router import Router, unclaimed
from service.sink.letter import letter_from_document, letter_of
from service.sink.parcel import Parcel

_PAGE = 200
NO_EVENT = "notify"
"""Stage whose dead letters hold alerts, not events."""
_DONE = ("indexed", "already_there", "dropped")


class Pipeline(Protocol):
    """What replay needs of a compiled pipeline."""

    @property
    def version(self) -> str:
        """Its version."""
        ...

    def carry(self, slice_: Slice, now_ms: int) -> Carried:
        """Give every event its fate."""
        ...


@dataclass(frozen=True, slots=True)
class Choice:
    """Which dead letters; None and empty mean any."""

    dataset: str | None = None
    code: str | None = None
    stage: str | None = None
    project: str | None = None
    environment: str | None = None
    version: str | None = None
    """Pipeline version that gave up."""
    since: str | None = None
    """Arrived since; an OpenSearch date expression."""
    until: str | None = None
    again: bool = False
    """Also those that a replay has dealt with already."""
    most_replays: int = 5
    """Leave out what was replayed this often: it will not work next time either."""

    def query(self) -> dict[str, Any]:
        """The search for them."""
        terms = {
            "dead_letter.dataset": self.dataset, "dead_letter.code": self.code, "dead_letter.stage": self.stage,
            "project.id": self.project, "project.environment": self.environment, "siem.pipeline.version": self.version,
        }  # fmt: skip
        filters: list[dict[str, Any]] = [{"term": {name: value}} for name, value in terms.items() if value is not None]
        span = {name: value for name, value in (("gte", self.since), ("lt", self.until)) if value is not None}
        if span:
            filters.append({"range": {"@timestamp": span}})
        # What could not be told to a channel is an alert, no event: it must not go through a pipeline.
        no_event = {"term": {"dead_letter.stage": NO_EVENT}}
        if self.again:
            return {"bool": {"filter": filters, "must_not": [no_event]}}
        done = {"terms": {"dead_letter.replayed.fate": list(_DONE)}}
        worn = {"range": {"dead_letter.replays": {"gte": self.most_replays}}}
        return {"bool": {"filter": filters, "must_not": [no_event, done, worn]}}


@dataclass(slots=True)
class Attempt:
    """What today's pipelines make of one dead letter."""

    parcels: list[Parcel] = field(default_factory=list)
    dropped: int = 0
    dead: list[DeadLetter] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)

    def fate(self) -> str:
        """The one word that is kept: the worst of its events' fates."""
        fates = [parcel.done.result() for parcel in self.parcels]
        if self.dead or any(one.dead_lettered for one in fates):
            return "dead"
        if any(one.indexed for one in fates):
            return "indexed"
        if fates:
            return "already_there"
        return "dropped" if self.dropped else "nothing"


@dataclass(frozen=True, slots=True)
class Stored:
    """A dead letter as it lies in its index; ``letter`` is None when it cannot be read back."""

    index: str
    id: str
    letter: DeadLetter | None


class Retrial:
    """Puts dead letters through router and pipelines; pure but for the parcels' futures."""

    def __init__(self, router: Router, pipelines: Mapping[str, Pipeline]) -> None:
        """Use today's router and pipelines."""
        self._router = router
        self._pipelines = pipelines

    def attempt(self, letter: DeadLetter, now_ms: int) -> Attempt:
        """Carry it; call inside a running event loop."""
        attempt = Attempt()
        for dataset, piece in self._slices(letter, attempt):
            pipeline = self._pipelines.get(dataset) if dataset is not None else None
            if dataset is None or pipeline is None:
                attempt.dead += unclaimed(piece)
                continue
            carried = pipeline.carry(piece, now_ms)
            attempt.versions.add(pipeline.version)
            attempt.dropped += sum(carried.dropped.values())
            attempt.dead += [
                letter_of(
                    piece, each.at, stage=each.stage, code=each.code, reason=each.reason, field=each.field,
                    dataset=dataset, version=pipeline.version,
                )
                for each in carried.dead
            ]  # fmt: skip
            if carried.pieces:
                attempt.parcels.append(Parcel(dataset, pipeline.version, carried.pieces, [(piece, carried.at)]))
        attempt.dead = [msgspec.structs.replace(again, replays=letter.replays + 1) for again in attempt.dead]
        return attempt

    def _slices(self, letter: DeadLetter, attempt: Attempt) -> list[tuple[str | None, Slice]]:
        if letter.context is not None:
            text = letter.data.decode(errors="surrogatepass")
            piece = msgspec.structs.replace(letter.context, events=[text], first=max(letter.index, 0))
            if letter.dataset in self._pipelines:
                return [(letter.dataset, piece)]
            return list(self._router.reroute(piece))
        # It never was decoded: the bytes are the record, or the broken unit inside it that begins at ``index``.
        record = Record(letter.data, "", letter.sequence, letter.subsequence, letter.arrival_ms)
        routed = self._router.route(RecordBatch(letter.project, letter.environment, letter.stream, letter.shard, [record]))
        attempt.dead += routed.dead
        shift = max(letter.index, 0) if letter.origin is None else 0  # bytes of a forwarded record say it themselves
        return [
            (dataset, msgspec.structs.replace(piece, first=piece.first + shift))
            for dataset, pieces in routed.by_dataset.items()
            for piece in pieces
        ]


class LetterIndex:
    """The dead letters of a cluster."""

    def __init__(self, client: AsyncOpenSearch) -> None:
        """Read and mark through ``client``."""
        self._client = client
        self._pattern = "siem-dead-letters-*"

    async def count(self, choice: Choice) -> int:
        """How many are chosen."""
        reply = await self._client.count(index=self._pattern, body={"query": choice.query()})
        return int(reply["count"])

    async def pages(self, choice: Choice) -> AsyncIterator[list[Stored]]:
        """The chosen ones as they are now, oldest first; marking while reading disturbs nothing."""
        body = {"query": choice.query(), "sort": ["_doc"], "size": _PAGE}
        reply = await self._client.search(index=self._pattern, body=body, params={"scroll": "10m"})
        try:
            while hits := reply["hits"]["hits"]:
                yield [_stored(hit) for hit in hits]
                reply = await self._client.scroll(body={"scroll_id": reply["_scroll_id"], "scroll": "10m"})
        finally:
            if "_scroll_id" in reply:  # there is none where no index matches
                await self._client.clear_scroll(body={"scroll_id": [reply["_scroll_id"]]})

    async def mark(self, marks: list[tuple[Stored, str, str]], now_ms: int) -> None:
        """Write down what became of each: (dead letter, fate, pipeline version)."""
        at = datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds")
        lines: list[str] = []
        for stored, fate, version in marks:
            replayed = {"at": at, "fate": fate, "version": version}
            replays = (stored.letter.replays if stored.letter is not None else 0) + 1
            lines.append(json.dumps({"update": {"_index": stored.index, "_id": stored.id, "retry_on_conflict": 3}}))
            lines.append(json.dumps({"doc": {"dead_letter": {"replayed": replayed, "replays": replays}}}))
        if lines:
            await self._client.bulk(body="\n".join(lines) + "\n")

    async def refresh(self) -> None:
        """Make what was written findable."""
        await self._client.indices.refresh(index=self._pattern, params={"ignore_unavailable": "true"})


@dataclass(slots=True)
class Tally:
    """What a replay did."""

    letters: Counter[str] = field(default_factory=Counter)
    """Fate → dead letters."""
    codes: Counter[str] = field(default_factory=Counter)
    """Stage/code → dead again."""

    def add(self, attempt: Attempt, fate: str) -> None:
        """Count one."""
        self.letters[fate] += 1
        self.codes.update(f"{letter.stage}/{letter.code}" for letter in attempt.dead)


def _stored(hit: dict[str, Any]) -> Stored:
    try:
        letter = letter_from_document(hit["_source"])
    except (KeyError, TypeError, ValueError, msgspec.DecodeError):
        letter = None
    return Stored(hit["_index"], hit["_id"], letter)
