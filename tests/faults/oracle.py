"""Set algebra between what was acknowledged and what OpenSearch holds, event by event, across all indices."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from opensearchpy import AsyncOpenSearch

from tests.faults.events import Maker, Mark
from tests.faults.producer import LANES, Ledger, Sent

_PAGE = 5_000
_EVENT_FIELDS = [
    "event.original", "event.dataset", "project.id", "project.environment", "siem.stream", "siem.sequence_number",
]  # fmt: skip
_LETTER_FIELDS = ["siem.stream", "siem.sequence_number", "dead_letter.stage", "dead_letter.code", "dead_letter.preview"]
"""The preview holds 2,000 characters, our events fewer."""


@dataclass(slots=True)
class Verdict:
    """Where the two sides differ; all empty when nothing was lost, doubled, altered or made up."""

    sent: int = 0
    indexed: int = 0
    letters: int = 0
    missing: list[tuple[Mark, Sent]] = field(default_factory=list)
    """Acknowledged, and neither a document nor the dead letter it had to become."""
    doubled: dict[Mark, tuple[int, Sent]] = field(default_factory=dict)
    """Event → documents too many, and the record it went in."""
    spurious: list[str] = field(default_factory=list)
    """Documents that nobody sent."""
    altered: list[Mark] = field(default_factory=list)
    """Documents whose event is not, byte for byte, what was sent, or that stand under another project or dataset."""
    letters_missing: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    letters_surplus: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(stream, sequence number, stage/code) → dead letters too few, too many."""

    @property
    def exact(self) -> bool:
        """Every acknowledged event has exactly the one fate it must have."""
        found = self.missing or self.doubled or self.spurious or self.altered
        return not (found or self.letters_missing or self.letters_surplus)

    def __str__(self) -> str:
        doubled = sum(count for count, _ in self.doubled.values())
        parts = {
            "missing": len(self.missing), "doubled": doubled, "spurious": len(self.spurious),
            "altered": len(self.altered), "letters missing": self.letters_missing.total(),
            "letters surplus": self.letters_surplus.total(),
        }  # fmt: skip
        said = ", ".join(f"{name} {count}" for name, count in parts.items())
        examples: list[object] = [
            *self.missing[:3], *list(self.doubled)[:3], *self.spurious[:3], *self.altered[:3],
            *list(self.letters_missing.items())[:3], *list(self.letters_surplus.items())[:3],
        ]  # fmt: skip
        return f"sent {self.sent}, indexed {self.indexed}, letters {self.letters}: {said} {examples or ''}"


class Oracle:
    """Asks the OpenSearch node itself, past every proxy."""

    def __init__(self, client: AsyncOpenSearch, maker: Maker) -> None:
        """Look for the events of ``maker``."""
        self._client = client
        self._maker = maker

    async def counts(self) -> tuple[int, int]:
        """(documents of events, dead letters) right now."""
        await self._client.indices.refresh(index="siem-*", params={"ignore_unavailable": "true"})
        found = []
        for name in ("siem-all", "siem-dead-letters"):
            answer = await self._client.count(index=name, params={"ignore_unavailable": "true"})
            found.append(int(answer["count"]))
        return found[0], found[1]

    async def has(self, probes: list[Sent]) -> bool:
        """Whether every one of these records has a document."""
        places = [
            {"bool": {"filter": [
                {"term": {"siem.stream": LANES[probe.lane].stream}}, {"term": {"siem.sequence_number": probe.sequence}},
            ]}}
            for probe in probes
        ]  # fmt: skip
        query = {"query": {"bool": {"should": places, "minimum_should_match": 1}}}
        answer = await self._client.count(index="siem-all", body=query, params={"ignore_unavailable": "true"})
        return int(answer["count"]) >= len(probes)

    async def verdict(self, ledger: Ledger) -> Verdict:
        """Read every document and every dead letter, and compare."""
        await self._client.indices.refresh(index="siem-*", params={"ignore_unavailable": "true"})
        owed = _Owed(ledger)
        verdict = Verdict(sent=ledger.events)
        async for document in self._scan("siem-all", _EVENT_FIELDS):
            verdict.indexed += 1
            original = document["event"]["original"]
            mark = self._maker.read(original)
            sent = None if mark is None else owed.record(mark)
            if mark is None or sent is None:
                verdict.spurious.append(original[:120])
                continue
            owed.found(mark)
            if not self._is_as_sent(document, original, mark, sent):
                verdict.altered.append(mark)
        buried = await self._letters(ledger, verdict)
        for mark in buried:
            owed.found(mark)
        for mark, fates in owed.odd():
            if fates:
                verdict.doubled[mark] = (fates - 1, owed.surely(mark))
            else:
                verdict.missing.append((mark, owed.surely(mark)))
        for mark in ledger.dead.keys() - buried.keys():
            if owed.fates(mark):  # a document instead of the dead letter it had to become
                verdict.missing.append((mark, owed.surely(mark)))
        return verdict

    async def _letters(self, ledger: Ledger, verdict: Verdict) -> Counter[Mark]:
        wanted = Counter((LANES[sent.lane].stream, sent.sequence, code) for sent in ledger.records for code in sent.codes)
        found: Counter[tuple[str, str, str]] = Counter()
        buried: Counter[Mark] = Counter()
        async for document in self._scan("siem-dead-letters", _LETTER_FIELDS):
            verdict.letters += 1
            letter = document["dead_letter"]
            code = f"{letter['stage']}/{letter['code']}"
            mark = self._maker.read(letter.get("preview", ""))
            if mark is not None and ledger.dead.get(mark) == code:
                buried[mark] += 1
            else:
                found[document["siem"]["stream"], document["siem"]["sequence_number"], code] += 1
        verdict.letters_missing, verdict.letters_surplus = wanted - found, found - wanted
        return buried

    def _is_as_sent(self, document: dict[str, Any], original: str, mark: Mark, sent: Sent) -> bool:
        lane = LANES[sent.lane]
        return (
            original == self._maker.text(sent.dataset, lane.account, *mark)
            and document["event"]["dataset"] == sent.dataset
            and document["project"] == {"id": lane.project, "environment": lane.environment}
            and document["siem"]["stream"] == lane.stream
        )

    async def _scan(self, index: str, fields: list[str]) -> AsyncIterator[dict[str, Any]]:
        page = await self._client.search(
            index=index, scroll="2m", size=_PAGE, body={"query": {"match_all": {}}, "sort": ["_doc"]},
            _source_includes=fields, params={"ignore_unavailable": "true"},
        )  # fmt: skip
        while page["hits"]["hits"]:
            for hit in page["hits"]["hits"]:
                yield hit["_source"]
            page = await self._client.scroll(body={"scroll_id": page["_scroll_id"], "scroll": "2m"})
        if "_scroll_id" in page:
            await self._client.clear_scroll(body={"scroll_id": [page["_scroll_id"]]})


class _Owed:
    """What was sent, one byte an event: a soak sends millions."""

    def __init__(self, ledger: Ledger) -> None:
        lanes = {lane.number: [sent for sent in ledger.records if sent.lane == lane.number and sent.count] for lane in LANES}
        self._records = {lane: sorted(records, key=lambda sent: sent.first) for lane, records in lanes.items()}
        self._firsts = {lane: [sent.first for sent in records] for lane, records in self._records.items()}
        self._fates = {
            lane: bytearray(records[-1].first + records[-1].count if records else 0) for lane, records in self._records.items()
        }

    def record(self, mark: Mark) -> Sent | None:
        """The record an event went in; None for one that was not sent."""
        lane, n = mark
        if lane not in self._firsts:
            return None
        at = bisect_right(self._firsts[lane], n) - 1
        if at < 0:
            return None
        sent = self._records[lane][at]
        return sent if n < sent.first + sent.count else None

    def surely(self, mark: Mark) -> Sent:
        """The same of one that was sent."""
        sent = self.record(mark)
        assert sent is not None
        return sent

    def found(self, mark: Mark) -> None:
        """One more document or dead letter of an event."""
        fates = self._fates[mark[0]]
        fates[mark[1]] = min(255, fates[mark[1]] + 1)

    def fates(self, mark: Mark) -> int:
        """How many of them."""
        return self._fates[mark[0]][mark[1]]

    def odd(self) -> Iterator[tuple[Mark, int]]:
        """Every event that has not exactly one fate, and how many it has."""
        for lane, fates in self._fates.items():
            for n, count in enumerate(fates):
                if count != 1:
                    yield (lane, n), count


def dumps(value: object) -> str:
    """JSON for people."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
