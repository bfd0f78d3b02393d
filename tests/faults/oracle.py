"""Set algebra between what was acknowledged and what OpenSearch holds, event by event, across all indices."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
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
    doubled: Counter[Mark] = field(default_factory=Counter)
    """Event → documents too many."""
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
        parts = {
            "missing": len(self.missing), "doubled": sum(self.doubled.values()), "spurious": len(self.spurious),
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
        owed = dict(ledger.marks())
        verdict = Verdict(sent=len(owed))
        held: Counter[Mark] = Counter()
        async for document in self._scan("siem-all", _EVENT_FIELDS):
            verdict.indexed += 1
            original = document["event"]["original"]
            mark = self._maker.read(original)
            sent = owed.get(mark) if mark is not None else None
            if mark is None or sent is None:
                verdict.spurious.append(original[:120])
                continue
            held[mark] += 1
            if not self._is_as_sent(document, original, mark, sent):
                verdict.altered.append(mark)
        buried = await self._letters(ledger, verdict)
        for mark, sent in owed.items():
            fates = held[mark] + buried[mark]
            if fates == 0 or (mark in ledger.dead and not buried[mark]):
                verdict.missing.append((mark, sent))
            elif fates > 1:
                verdict.doubled[mark] = fates - 1
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


def dumps(value: object) -> str:
    """JSON for people."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
