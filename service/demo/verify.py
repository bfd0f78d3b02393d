"""Is it all there, once? Every document in OpenSearch against the sender's ledger, record by record."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from opensearchpy import AsyncOpenSearch

from service.demo.sender import DEAD, SentLedger

_PAGE = 10_000
_EVENTS = "siem-*,-siem-ledger-*,-siem-cadence-*,-siem-alerts-*,-siem-baselines-*,-siem-drift-*"
"""Indices of documents that were events once."""
_FIELDS = ["event.dataset", "project.id", "project.environment", "siem.sequence_number"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was sent and found, by (project name, dataset), and where they differ."""

    sent: Counter[tuple[str, str]]
    found: Counter[tuple[str, str]]
    missing: int
    """Events of records of which OpenSearch holds too few."""
    surplus: int
    """Documents too many: doubled, or from nowhere."""

    @property
    def exact(self) -> bool:
        """Every event arrived exactly once."""
        return not self.missing and not self.surplus and self.sent == self.found


async def count_all(client: AsyncOpenSearch) -> int:
    """Documents and dead letters in OpenSearch right now."""
    await client.indices.refresh(index=_EVENTS)
    answer = await client.count(index=_EVENTS)
    count: int = answer["count"]
    return count


async def verify(client: AsyncOpenSearch, ledger: SentLedger) -> Verdict:
    """Read the position of every document and compare it with what was sent."""
    held: Counter[tuple[str, str, str]] = Counter()
    await client.indices.refresh(index=_EVENTS)
    page = await client.search(
        index=_EVENTS, scroll="2m", size=_PAGE, body={"query": {"match_all": {}}, "sort": ["_doc"]}, _source_includes=_FIELDS
    )
    scroll = page["_scroll_id"]
    while page["hits"]["hits"]:
        for hit in page["hits"]["hits"]:
            source = hit["_source"]
            dataset = source["event"]["dataset"]
            project = f"{source['project']['id']}-{source['project']['environment']}"
            held[project, DEAD if dataset == "siem.dead_letters" else dataset, source["siem"]["sequence_number"]] += 1
        page = await client.scroll(body={"scroll_id": scroll, "scroll": "2m"})
        scroll = page.get("_scroll_id", scroll)
    await client.clear_scroll(body={"scroll_id": [scroll]})
    found: Counter[tuple[str, str]] = Counter()
    for (project, dataset, _), count in held.items():
        found[project, dataset] += count
    missing = sum((ledger.events - held).values())
    surplus = sum((held - ledger.events).values())
    return Verdict(ledger.by_dataset(), found, missing, surplus)
