"""The book: sheets as documents of ``siem-ledger-<project>-<environment>-<YYYY.MM>``, written by compare and swap.

Two writers of one sheet (an owner that was paused, a replay beside the service) never overwrite each other: who comes
second reads the sheet again, finds there what was booked already, and adds the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from service.errors import Backpressure
from service.ledger.entry import Collected, Fated, Gap, Page, Part, Read
from service.ledger.sheet import Sheet, SheetKey, document, postings, sheet_of
from service.sink.opensearch.endpoint import Endpoint
from service.sink.opensearch.indices import IndexKeeper

TEMPLATE = "ledger"
_KEPT_KEYS = 200_000
"""Keys of the sheets that are remembered between two writes, about 20 MB."""
_SHEETS = 500
"""Sheets in one request."""

Posting = Collected | Read | Fated | Part | Gap


@dataclass(slots=True)
class Stored:
    """A sheet as the cluster has it."""

    sheet: Sheet
    version: tuple[int, int] | None
    """Sequence number and primary term; None: not there yet."""


class Book:
    """Books pages, one call at a time; a process needs one."""

    def __init__(self, endpoint: Endpoint, indices: IndexKeeper, now_ms: Callable[[], int]) -> None:
        """Write through ``endpoint``."""
        self._endpoint = endpoint
        self._indices = indices
        self._now_ms = now_ms
        self._known: dict[SheetKey, Stored] = {}
        self._turn = asyncio.Lock()

    async def write(self, pages: Iterable[Page]) -> None:
        """Return when everything is stored; raises Backpressure when that cannot be now. Writing twice is harmless."""
        async with self._turn:
            await self._write_all(pages)

    async def _write_all(self, pages: Iterable[Page]) -> None:
        open_postings: dict[SheetKey, list[Posting]] = {}
        for page in pages:
            for key, posting in postings(page):
                open_postings.setdefault(key, []).append(posting)
        if open_postings and not await self._indices.ready(TEMPLATE):
            raise Backpressure("ledger index: no template")
        while open_postings:
            some = dict(list(open_postings.items())[:_SHEETS])
            for key in await self._write(some):
                del open_postings[key]
        self._trim()

    async def _write(self, wanted: dict[SheetKey, list[Posting]]) -> list[SheetKey]:
        """Try once; return the sheets that are done."""
        await self._load([key for key in wanted if key not in self._known])
        lines: list[bytes] = []
        tried: list[SheetKey] = []
        done: list[SheetKey] = []
        for key, booked in wanted.items():
            stored = self._known[key]
            if sum(stored.sheet.book(posting) for posting in booked):
                lines += _lines(key, stored, self._now_ms())
                tried.append(key)
            else:
                done.append(key)
        if not tried:
            return done
        try:
            items = await self._endpoint.index(b"".join(lines), len(tried))
        except Backpressure:
            # Nobody knows what of it is stored.
            self._forget(tried)
            raise
        return done + await self._judge(tried, items)

    async def _judge(self, tried: list[SheetKey], items: list[dict[str, Any]]) -> list[SheetKey]:
        done: list[SheetKey] = []
        missing: set[str] = set()
        busy = ""
        for key, item in zip(tried, items, strict=True):
            said = next(iter(item.values()))
            if 200 <= said["status"] < 300:
                self._known[key].version = (said["_seq_no"], said["_primary_term"])
                done.append(key)
                continue
            self._forget([key])
            if said["status"] == 404:
                missing.add(key.home)
            elif said["status"] != 409:
                busy = str((said.get("error") or {}).get("type", said["status"]))
        for index in missing:
            if not await self._indices.ensure(index, TEMPLATE):
                raise Backpressure("ledger index: cannot be created")
        if busy:
            raise Backpressure(f"ledger index: {busy}")
        return done

    async def _load(self, keys: list[SheetKey]) -> None:
        if not keys:
            return
        found = await self._endpoint.get([(key.home, key.id) for key in keys])
        for key, held in zip(keys, found, strict=True):
            if held is None:
                self._known[key] = Stored(Sheet(), None)
            else:
                source, *version = held
                self._known[key] = Stored(sheet_of(source), (version[0], version[1]))

    def _forget(self, keys: Iterable[SheetKey]) -> None:
        for key in keys:
            self._known.pop(key, None)

    def _trim(self) -> None:
        """Forget the sheets that were not touched for longest (the oldest minutes first) beyond what is kept."""
        sizes = {key: len(stored.sheet.announced) + len(stored.sheet.settled) + 10 for key, stored in self._known.items()}
        held = sum(sizes.values())
        for key in sorted(sizes, key=lambda key: key.minute_ms):
            if held <= _KEPT_KEYS:
                return
            held -= sizes[key]
            del self._known[key]


def _lines(key: SheetKey, stored: Stored, now_ms: int) -> list[bytes]:
    where: dict[str, object] = {"_index": key.home, "_id": key.id}
    if stored.version is None:
        action: dict[str, object] = {"create": where}
    else:
        action = {"index": {**where, "if_seq_no": stored.version[0], "if_primary_term": stored.version[1]}}
    return [orjson.dumps(action), b"\n", orjson.dumps(document(key, stored.sheet, now_ms)), b"\n"]
