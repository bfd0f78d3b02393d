"""One sheet of the ledger: what is booked for a stream, or for a dataset of it, in one minute. Pure.

A sheet holds the keys it has counted. Booking is a union of sets: in any order, any number of times, it gives the same
sums. What was announced and has no fate is in flight; a fate that comes before its announcement announces itself.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple, assert_never

from service.ledger.entry import Collected, Entry, Fated, Gap, Page, Part, Read, packed_in, total
from service.naming import index_name


class SheetKey(NamedTuple):
    """Which sheet; ``dataset`` is "" on the sheet of the stream itself, where records are counted."""

    project: str
    environment: str
    stream: str
    dataset: str
    minute_ms: int
    source: str

    @property
    def home(self) -> str:
        """Its index: one a project, environment and month."""
        return index_name("ledger", self.project, self.environment, self.minute_ms, "month")

    @property
    def id(self) -> str:
        """Its ``_id``."""
        name = "\0".join((self.stream, self.dataset, str(self.minute_ms), self.source))
        return hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=16).hexdigest()


@dataclass(slots=True)
class Sheet:
    """The sums, and the keys that are in them."""

    announced: set[str] = field(default_factory=set)
    """Batches that were collected, or parts that were handed to the dataset."""
    settled: set[str] = field(default_factory=set)
    """Those that were decoded, or whose events have their fates."""
    records: int = 0
    records_in_flight: int = 0
    control: int = 0
    events: int = 0
    indexed: int = 0
    already_there: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    dead: Counter[str] = field(default_factory=Counter)
    gaps: set[str] = field(default_factory=set)

    @property
    def in_flight(self) -> int:
        """Events that were found and have no fate yet; never negative."""
        return self.events - self.indexed - self.already_there - total(self.dropped) - total(self.dead)

    @property
    def open(self) -> bool:
        """Whether anything is in flight."""
        return bool(self.in_flight or self.records_in_flight)

    @property
    def pending(self) -> set[str]:
        """Keys of what is in flight."""
        return self.announced - self.settled

    def book(self, entry: Collected | Read | Fated | Part | Gap) -> bool:
        """Count an entry; False when it was counted before."""
        match entry:
            case Collected():
                return self._announce_records(entry.key, entry.records)
            case Read():
                return self._settle_records(entry)
            case Part():
                return self._announce_events(entry.key, entry.events)
            case Fated():
                return self._settle_events(entry)
            case Gap():
                before = len(self.gaps)
                self.gaps.add(entry.key)
                return len(self.gaps) > before
            case never:
                assert_never(never)

    def _announce_records(self, key: str, records: int) -> bool:
        if key in self.announced:
            return False
        self.announced.add(key)
        if key not in self.settled:
            self.records += records
            self.records_in_flight += records
        return True

    def _settle_records(self, entry: Read) -> bool:
        if entry.key in self.settled:
            return False
        self.settled.add(entry.key)
        if entry.key in self.announced:
            self.records_in_flight -= entry.records
        else:
            self.records += entry.records
        self.control += entry.control
        self.dead.update(entry.dead)
        self.events += total(entry.dead)
        return True

    def _announce_events(self, key: str, events: int) -> bool:
        if key in self.announced:
            return False
        self.announced.add(key)
        if key not in self.settled:
            self.events += events
            self.records_in_flight += packed_in(key)
        return True

    def _settle_events(self, entry: Fated) -> bool:
        if entry.key in self.settled:
            return False
        self.settled.add(entry.key)
        packed = packed_in(entry.key)
        if entry.key not in self.announced:
            self.events += entry.events
        elif packed:
            self.records_in_flight -= packed
            self.events += entry.events
        self.indexed += entry.indexed
        self.already_there += entry.already_there
        self.dropped.update(entry.dropped)
        self.dead.update(entry.dead)
        return True


def postings(page: Page) -> Iterator[tuple[SheetKey, Collected | Read | Fated | Part | Gap]]:
    """What a page means for which sheet."""
    for entry in page.entries:
        dataset = entry.dataset if isinstance(entry, Fated) else ""
        yield _key(page, dataset, entry), entry
        if isinstance(entry, Read):
            for part in entry.parts:
                yield _key(page, part.dataset, entry), part


def document(key: SheetKey, sheet: Sheet, now_ms: int) -> dict[str, Any]:
    """The document of a sheet."""
    return {
        "@timestamp": iso(key.minute_ms),
        "event": {"kind": "metric", "module": "siem", "dataset": "siem.ledger", "ingested": iso(now_ms)},
        "project": {"id": key.project, "environment": key.environment},
        "siem": {"stream": key.stream},
        "ledger": {
            "dataset": key.dataset or None,
            "source": key.source,
            "records": sheet.records,
            "records_in_flight": sheet.records_in_flight,
            "control": sheet.control,
            "events": sheet.events,
            "indexed": sheet.indexed,
            "already_there": sheet.already_there,
            "dropped": [{"rule": rule, "events": count} for rule, count in sorted(sheet.dropped.items())],
            "dropped_total": total(sheet.dropped),
            "dead": [{"code": code, "events": count} for code, count in sorted(sheet.dead.items())],
            "dead_lettered": total(sheet.dead),
            "in_flight": sheet.in_flight,
            "gaps": len(sheet.gaps),
            "keys": {
                # What is balanced need not be named twice.
                "both": sorted(sheet.announced & sheet.settled),
                "announced": sorted(sheet.announced - sheet.settled),
                "settled": sorted(sheet.settled - sheet.announced),
                "gaps": sorted(sheet.gaps),
            },
        },
    }


def sheet_of(source: dict[str, Any]) -> Sheet:
    """The sheet of a document."""
    held = source["ledger"]
    keys = held["keys"]
    return Sheet(
        announced={*keys["both"], *keys["announced"]},
        settled={*keys["both"], *keys["settled"]},
        records=held["records"],
        records_in_flight=held["records_in_flight"],
        control=held["control"],
        events=held["events"],
        indexed=held["indexed"],
        already_there=held["already_there"],
        dropped=Counter({one["rule"]: one["events"] for one in held["dropped"]}),
        dead=Counter({one["code"]: one["events"] for one in held["dead"]}),
        gaps=set(keys["gaps"]),
    )


def fold(pages: Iterable[Page]) -> dict[SheetKey, Sheet]:
    """The sheets of these pages alone."""
    sheets: dict[SheetKey, Sheet] = {}
    for page in pages:
        for key, posting in postings(page):
            sheets.setdefault(key, Sheet()).book(posting)
    return sheets


def iso(milliseconds: int) -> str:
    """A date as OpenSearch takes it."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _key(page: Page, dataset: str, entry: Entry) -> SheetKey:
    return SheetKey(page.project, page.environment, page.stream, dataset, entry.minute_ms, page.source)
