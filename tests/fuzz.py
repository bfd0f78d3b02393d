"""Samples damaged in every way an event can be, in the middle of sound neighbours: ``python -m tests.fuzz`` (``make fuzz``).

An input that breaks a promise is written to a file, and ``--replay FILE`` tries it again.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from service.content import find_content
from service.enrich.enrichers import Enrichers
from service.event import Slice
from service.offline.play import Dead, Played, Player
from service.parse.joins.pieces import JOINED
from service.pipeline.load import load_pipelines
from service.samples import Facts, samples_of
from tests.pace import slowness

ROOT = Path(__file__).parents[1]
MEGABYTE = 1_000_000
EACH_EVENT = 0.05
EACH_BYTE = 250e-9
"""Seconds of one event: 50 ms, and what reading, copying and writing each byte costs, for a megabyte is more: in proportion."""
FILLS = (
    "x",
    "\\",
    " ",
    '"',
    "{",
    "[",
    "a=b ",
    ":1",
    "//",
    "(",
    ",",
    "1",
    "-",
    "é",
    "'",
    "A: ",
    "\t",
    "a.",
    "<a>",
    "&amp;",
    "%41",
    "../",
)
ODD = (
    "\x00",
    "\\ud800",
    "\\u0000",
    "\u202e",
    "\x1b[31m",
    "\x7f",
    "\ufeff",
    "\u2028",
    "\r",
    "\n",
    "\ufffe",
    '"',
    "\\",
    "'",
    "=",
    "[",
    "}",
)
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 2**63, 2**70, -(10**30), 10**400, "", "-", "1", "true", "\ud800", "\u202eabc", "a\x00b", [], {}, [[]],
    [{}], {"a": {"b": [1]}}, {"": ""}, ["x", 1], "9" * 400, "2026-99-99T99:99:99Z", "::1%x", "192.0.2.1, 192.0.2.2", "%00",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """One damaged input: a whole record as bytes, or an event between two sound ones."""

    dataset: str | None
    facts: Facts
    record: bytes | None = None
    events: tuple[str, str, str] | None = None

    def text(self) -> str:
        """JSON, for a file."""
        record = None if self.record is None else base64.b64encode(self.record).decode()
        facts = self.facts.model_dump(mode="json")
        return json.dumps({"dataset": self.dataset, "facts": facts, "record": record, "events": self.events})


def case_of(text: str) -> Case:
    """The case that a file holds."""
    said = json.loads(text)
    record = None if said["record"] is None else base64.b64decode(said["record"])
    return Case(said["dataset"], Facts(**said["facts"]), record, None if said["events"] is None else tuple(said["events"]))


@dataclass(frozen=True, slots=True)
class Seed:
    """A sample, and the events that a pipeline gets out of it."""

    name: str
    dataset: str | None
    facts: Facts
    record: bytes
    slices: list[Played]


class Fuzz:
    """All pipelines, and what may be asked of them."""

    def __init__(self) -> None:
        self.loaded = load_pipelines(find_content(ROOT).pipelines)
        self.player = Player(self.loaded, Enrichers.empty(), 1_768_435_200_000)

    def seeds(self) -> Iterator[Seed]:
        """Every sample of every dataset, by name."""
        for dataset, loaded in sorted(self.loaded.items()):
            for sample in samples_of(loaded.folder):
                facts, record = sample.facts(), sample.path.read_bytes()
                yield Seed(f"{dataset}/{sample.name}", dataset, facts, record, self._slices(record, dataset, facts))

    def strangers(self, folder: Path) -> Iterator[Seed]:
        """Files of a folder, whatever they are; nothing above two megabytes."""
        for path in sorted(folder.rglob("*")):
            if path.is_file() and 0 < path.stat().st_size < 2 * MEGABYTE:
                record = path.read_bytes()
                yield Seed(str(path), None, Facts(), record, self._slices(record, None, Facts()))

    def _slices(self, record: bytes, dataset: str | None, facts: Facts) -> list[Played]:
        played = [each for each in self.player.play(record, dataset, facts) if isinstance(each, Played)]
        return [each for each in played if len(each.documents) == len(each.slice.events)]

    def fault(self, case: Case) -> str | None:
        """Which promise the case breaks; None when it breaks none. A time is believed when it repeats."""
        wrong: str | None = None
        for _ in range(4):
            began = time.process_time()
            wrong, events, size = self._record(case) if case.events is None else self._between(case)
            taken = time.process_time() - began
            if wrong is not None:
                return wrong
            allowed = (events + 1) * EACH_EVENT + size * EACH_BYTE
            if taken <= allowed or taken / slowness() <= allowed:
                return None
            wrong = f"{taken * 1e3:.0f} ms for {events} events of {size} bytes"
        return wrong

    def _record(self, case: Case) -> tuple[str | None, int, int]:
        record = case.record or b""
        events = 0
        for played in self.player.play(record, case.dataset, case.facts):
            if isinstance(played, Dead):
                events += 1
                continue
            events += len(played.slice.events)
            if (wrong := _unaccounted(played)) is not None:
                return wrong, events, len(record)
        return None, events, len(record)

    def _between(self, case: Case) -> tuple[str | None, int, int]:
        assert case.events is not None
        assert case.dataset is not None
        size = sum(len(each.encode("utf-8", "replace")) for each in case.events)
        played = self._carry(case, case.events[1])
        if (wrong := _unaccounted(played)) is not None:
            return wrong, 3, size
        if self.loaded[case.dataset].file.parse.join is None:
            alone = self._carry(case, case.events[0])
            for line in (1, 3):
                if _at(played, line) != _at(alone, line):
                    return f"neighbour {line} is not what it was", 3, size
        return None, 3, size

    def _carry(self, case: Case, middle: str) -> Played:
        assert case.events is not None
        assert case.dataset is not None
        facts = case.facts
        events = [case.events[0], middle, case.events[2]]
        slice_ = Slice(facts.project, facts.environment, "fuzz", "shard", "1", 0, facts.arrived_ms(), events)
        slice_ = msgspec.structs.replace(slice_, log_group=facts.log_group, log_stream=facts.log_stream, columns=facts.columns)
        return self.player.carry(case.dataset, slice_, [1, 2, 3])


def _unaccounted(played: Played) -> str | None:
    for dead in played.dead:
        if dead.code == "pipeline_error":
            return f"{played.dataset}: pipeline_error {dead.reason}"
    fates = len(played.documents) + len(played.dead) + len(played.dropped)
    joined = played.slice.events.count(JOINED)
    if not len(played.slice.events) - joined <= fates <= len(played.slice.events):
        return f"{played.dataset}: {len(played.slice.events)} events have {fates} fates"
    return None


def _at(played: Played, line: int) -> list[object]:
    """What became of the event at a line; the order of keys in a document is free."""
    documents = [(each.index, each.id, json.loads(each.source)) for each in played.documents if each.line == line]
    return [*documents, *(each for each in (*played.dead, *played.dropped) if each.line == line)]


def cases(chance: random.Random, seed: Seed, *, huge: float = 0.03) -> Iterator[Case]:
    """One damaged record and, where the sample has events, one damaged event; ``huge`` of them hold a megabyte."""
    yield Case(seed.dataset, seed.facts, record=_damaged_bytes(chance, seed.record))
    if not seed.slices:
        return
    played = chance.choice(seed.slices)
    facts = seed.facts.model_copy(
        update={name: getattr(played.slice, name) for name in ("log_group", "log_stream", "columns")}
    )  # fmt: skip
    first, middle, last = (chance.choice(played.slice.events) for _ in range(3))
    if JOINED not in (first, middle, last):
        yield Case(played.dataset, facts, events=(first, _damaged(chance, middle, huge), last))


def _damaged_bytes(chance: random.Random, data: bytes) -> bytes:
    at, to = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    match chance.randrange(6):
        case 0:
            return data[:at]
        case 1:
            return data[:at] + data[min(to, at + 60) :]
        case 2:
            return data[:at] + chance.choice(ODD).encode("utf-8", "replace") + data[at:]
        case 3:
            return data[:at] + chance.randbytes(chance.randrange(1, 9)) + data[at:]
        case 4:
            return data[:at] + data[at : at + 4_000] + data[at:]
        case _:
            return data.replace(b"\n", b"", chance.randrange(1, 4))


def _damaged(chance: random.Random, text: str, huge: float) -> str:
    for _ in range(chance.randrange(1, 4)):
        try:
            value = json.loads(text) if text[:1] == "{" and chance.random() < 0.7 else None
        except (ValueError, RecursionError):
            value = None
        text = _swapped(chance, value, huge) if isinstance(value, dict) and value else _torn(chance, text, huge)
    return text


def _filled(chance: random.Random) -> str:
    fill = chance.choice(FILLS)
    return fill * (MEGABYTE // len(fill))


def _swapped(chance: random.Random, value: dict[str, Any], huge: float) -> str:
    at: Any = value
    while True:
        key = chance.choice([*at]) if isinstance(at, dict) else chance.randrange(len(at))
        if isinstance(at[key], dict | list) and at[key] and chance.random() < 0.8:
            at = at[key]
            continue
        break
    if chance.random() < huge:
        at[key] = chance.choice([_filled(chance), ["x"] * 10_000, [{"a": 1}] * 10_000, {f"k{n}": n for n in range(10_000)}])
    elif chance.random() < 0.1:
        at[key] = json.loads("[" * 60 + "]" * 60)
    else:
        at[key] = chance.choice(VALUES)
    text = json.dumps(value, ensure_ascii=chance.random() < 0.8 or "\\ud8" in json.dumps(value))
    if chance.random() < 0.1:  # a key that stands twice
        text = f"{{{json.dumps(str(next(iter(value))))}:{json.dumps(chance.choice(VALUES))},{text[1:]}"
    return text


def _torn(chance: random.Random, text: str, huge: float) -> str:
    at = chance.randrange(len(text) + 1)
    if chance.random() < huge:
        return text[:at] + _filled(chance) + text[at:]
    match chance.randrange(5):
        case 0:
            return text[:at]
        case 1:
            return text[:at] + text[at + chance.randrange(1, 40) :]
        case 2:
            return text[:at] + chance.choice(ODD) + text[at:]
        case 3:
            return text[at:] + chance.choice((" ", "\n", "")) + text[:at]
        case _:
            return text[:at] + text[at : at + 200] * chance.randrange(2, 5) + text[at:]


def main() -> int:
    """Damage samples until the time is over; 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--out", type=Path, default=Path("run/fuzz"))
    parser.add_argument("--replay", type=Path, nargs="*", default=[])
    said = parser.parse_args()
    fuzz = Fuzz()
    for path in said.replay:
        print(path, fuzz.fault(case_of(path.read_text())) or "nothing wrong")
    if said.replay:
        return 0
    seed = random.SystemRandom().randrange(2**32) if said.seed is None else said.seed
    print(f"seed {seed}", flush=True)
    chance = random.Random(seed)
    seeds = list(fuzz.seeds())
    if folder := os.environ.get("SIEM_FUZZ_SAMPLES"):
        seeds += fuzz.strangers(Path(folder))
    end, tried, found = time.monotonic() + said.seconds, 0, 0
    while time.monotonic() < end:
        each = chance.choice(seeds)
        for case in cases(chance, each):
            tried += 1
            if (wrong := fuzz.fault(case)) is not None:
                found += 1
                said.out.mkdir(parents=True, exist_ok=True)
                path = said.out / f"{seed}-{tried}.json"
                path.write_text(case.text())
                print(f"{each.name}: {wrong}: {path}", flush=True)
    print(f"{tried} inputs of {len(seeds)} samples, {found} of them break a promise")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
