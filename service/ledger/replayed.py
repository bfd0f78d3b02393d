"""Dead letters that were replayed, in the ledger: found once more, on purpose, under the source ``replay``."""

from __future__ import annotations

from collections import Counter

from service.event import DeadLetter
from service.ledger.entry import Entry, Fated, Page, Read, minute_of
from service.sink.letter import letter_id
from service.sink.replay import Attempt

SOURCE = "replay"


def page_of(letter: DeadLetter, attempt: Attempt) -> Page:
    """What became of a dead letter, once its parcels are settled; the same attempt again is the same entry."""
    key, minute_ms = f"{letter_id(letter)}.{letter.replays}", minute_of(letter.arrival_ms)
    entries: list[Entry] = []

    def end(dataset: str, indexed: int, there: int, dropped: dict[str, int], dead: dict[str, int]) -> None:
        events = indexed + there + sum(dropped.values()) + sum(dead.values())
        if events and dataset:
            name = f"{key}.{len(entries)}"
            entries.append(Fated(name, minute_ms, dataset, events, indexed, there, dropped, dead))
        elif events:
            entries.append(Read(f"{key}.{len(entries)}", minute_ms, 0, 0, dead, []))

    for parcel in attempt.parcels:
        fates = parcel.done.result()
        dead = {"sink/refused": fates.dead_lettered} if fates.dead_lettered else {}
        end(parcel.dataset, fates.indexed, fates.already_there, {}, dead)
    if attempt.dropped:
        end(letter.dataset or "none", 0, 0, {"while replaying": attempt.dropped}, {})
    again: dict[str, Counter[str]] = {}
    for one in attempt.dead:
        again.setdefault(one.dataset or "", Counter())[f"{one.stage}/{one.code}"] += 1
    for dataset, codes in again.items():
        end(dataset, 0, 0, {}, dict(codes))
    return Page(letter.project, letter.environment, letter.stream, entries, SOURCE)
