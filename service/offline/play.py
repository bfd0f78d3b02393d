"""Input in, fates out: the very stages of ``siem run`` over one file, with the line every event began at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson

from service.decode import Limits
from service.decode.forwarded import TRANSPORT, place_of
from service.enrich.enrichers import Enrichers
from service.event import Origin, Slice
from service.normalise.grants import DATASET as CLOUDTRAIL
from service.normalise.grants import grants_in
from service.pipeline.compile import compile_pipeline
from service.pipeline.compiled import Carried, CompiledPipeline
from service.pipeline.load import LoadedPipeline
from service.route.router import RoutedText, Router, build_router
from service.samples import Facts

_MOST = 2 << 30
"""Bytes a compressed file may hold: it is the user's own, and read whole."""
_FACTS = ("account", "region", "log_group", "log_stream", "columns", "source", "detail_type")


@dataclass(frozen=True, slots=True)
class Document:
    """An event that became a document; ``source`` is its JSON text."""

    line: int
    index: str
    id: str
    source: str

    def text(self) -> str:
        """``{"line":…,"_index":…,"_id":…,"_source":…}``, one line."""
        head = orjson.dumps({"line": self.line, "_index": self.index, "_id": self.id}).decode()
        return f'{head[:-1]},"_source":{self.source}}}'


@dataclass(frozen=True, slots=True)
class Dead:
    """An event that could not be used, or that a rule dropped (code ``dropped``)."""

    line: int
    stage: str
    code: str
    reason: str

    def text(self) -> str:
        """``{"line":…,"stage":…,"code":…,"reason":…}``, one line."""
        return msgspec.json.encode(self).decode()


@dataclass(slots=True)
class Played:
    """What became of one run of events."""

    dataset: str
    slice: Slice
    lines: Sequence[int]
    """Event i of the slice began at ``lines[i]``."""
    documents: list[Document]
    dead: list[Dead]
    dropped: list[Dead]
    flags: dict[str, int]
    carried: Carried
    """The same as the pipeline gave it."""


class Player:
    """Pipelines, compiled when first needed, and the router over them."""

    def __init__(self, loaded: dict[str, LoadedPipeline], enrichers: Enrichers, now_ms: int) -> None:
        """``now_ms`` is what ``event.ingested`` shows, and when the input counts as arrived."""
        self.loaded = loaded
        self.router: Router = build_router(loaded, limits=Limits(output=_MOST, ratio=1000))
        self.now_ms = now_ms
        self.enrichers = enrichers
        self._compiled: dict[str, CompiledPipeline] = {}
        self._learnt = False

    def pipeline(self, dataset: str) -> CompiledPipeline:
        """The compiled pipeline of one dataset; raises ContentErrors when it cannot be compiled."""
        found = self._compiled.get(dataset)
        if found is None:
            found = self._compiled[dataset] = compile_pipeline(self.loaded[dataset], self.enrichers)
        return found

    def play(
        self, data: bytes, dataset: str | None = None, facts: Facts | None = None, columns: str | None = None
    ) -> Iterator[Played | Dead]:
        """Every event of the input with its fate, in order within a run; ``dataset`` None routes by content.

        ``facts`` are those of a sample; ``columns`` declares the column list of text that has no header.
        """
        routed = self.router.route_text(data, dataset)
        if not self._learnt:
            self.enrichers.identities.forget()
        self._learn(routed, facts)
        for line, letter in routed.dead:
            yield Dead(line, letter.stage, letter.code, letter.reason)
        for piece in routed.pieces:
            slice_ = self._with(facts, piece.slice)
            if columns is not None:
                slice_ = msgspec.structs.replace(slice_, columns=columns)
            yield self.carry(piece.dataset, slice_, piece.lines)

    def learn(self, data: bytes, dataset: str | None = None, facts: Facts | None = None) -> None:
        """Who is behind which session, by this input: known to whatever is played from now on with facts of the same project."""
        self._learn(self.router.route_text(data, dataset), facts)
        self._learnt = True

    def _learn(self, routed: RoutedText, facts: Facts | None) -> None:
        for piece in routed.pieces:
            if piece.dataset == CLOUDTRAIL:
                for told in grants_in(self._with(facts, piece.slice), self.now_ms):
                    self.enrichers.identities.learn(told, self.now_ms)

    def carry(self, dataset: str, slice_: Slice, lines: Sequence[int]) -> Played:
        """The fates of one slice; event i began at ``lines[i]``."""
        carried = self.pipeline(dataset).carry(slice_, self.now_ms)
        in_order = sorted(zip(carried.at, carried.pieces, strict=True))  # the pipeline may take events by their kind
        documents = [_document(piece, lines[at]) for at, piece in in_order]
        dead = [Dead(lines[each.at], each.stage, each.code, each.reason) for each in carried.dead]
        dropped = [Dead(lines[at], "normalise", "dropped", _rules(carried)) for at in _unseen(carried, len(slice_.events))]
        return Played(dataset, slice_, lines, documents, dead, dropped, carried.flags, carried)

    def _with(self, facts: Facts | None, slice_: Slice) -> Slice:
        """The slice as its transport would have said it."""
        if facts is None:
            return msgspec.structs.replace(slice_, project="local", environment="none", arrival_ms=0)
        known: dict[str, Any] = {name: getattr(facts, name) for name in _FACTS if getattr(slice_, name) is None}
        if facts.columns is not None:
            known["columns"] = facts.columns
        if slice_.transport == "plain":
            known["transport"] = facts.transport
        if facts.s3_key is not None:
            known |= _forwarded(facts.s3_bucket, facts.s3_key, slice_)
        return msgspec.structs.replace(
            slice_,
            project=facts.project,
            environment=facts.environment,
            stream=facts.stream or slice_.stream,
            arrival_ms=self.now_ms,
            **known,
        )


def _forwarded(bucket: str, key: str, slice_: Slice) -> dict[str, Any]:
    """What decoding a forwarded record adds to a slice."""
    account, region = place_of(key)
    found: dict[str, Any] = {"origin": Origin(bucket, key, "1")}
    if slice_.transport == "plain":
        found |= {"transport": TRANSPORT, "account": account, "region": region}
    return found


def _document(piece: str, line: int) -> Document:
    action, source, _ = piece.split("\n", 2)
    create = orjson.loads(action)["create"]
    return Document(line, create["_index"], create["_id"], source)


def _rules(carried: Carried) -> str:
    return f"by the rule {' or '.join(carried.dropped)}"


def _unseen(carried: Carried, events: int) -> list[int]:
    if not carried.dropped:
        return []
    seen = {*carried.at, *(each.at for each in carried.dead)}
    return [at for at in range(events) if at not in seen]
