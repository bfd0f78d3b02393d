"""The samples of a source as traffic: every event many times over, each time with other values in it.

What differs between real events of one kind differs here too, so that tables of answers do not know everything beforehand:
addresses (the last octet: 64 values for each that the samples name, so that most were seen before), times of day and epochs,
UUIDs and other long hexadecimal ids, numbers of five digits and more (ports, process ids, sizes). Accounts (twelve digits), names
and words stay: they come again in real logs as well. A variant that fares otherwise than its original is not used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random

import msgspec

from service.event import Slice
from service.offline.play import Dead, Player
from service.pipeline.compiled import CompiledPipeline
from service.samples import samples_of

PER_SLICE = 100
"""Events of one record, where its transport sends several."""
SINGLE = frozenset({"eventbridge"})
"""Transports that send one event in a record."""
LARGEST = 200_000
"""Characters of what counts as traffic: samples beyond are there to be refused or cut."""
_VARYING = re.compile(
    r"(?P<address>(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]))"
    r"|(?P<time>(?<=\d\d:)\d\d:\d\d(?:[.,]\d{1,9})?(?!\d))"
    r"|(?P<hex>(?<![0-9A-Za-z])(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,128}(?![0-9A-Za-z]))"
    r"|(?P<number>(?<![\w.%\\])\d{5,20}(?![\w.]))"
)


def traffic(player: Player, dataset: str, copies: int, *, seed: int = 1) -> list[Slice]:
    """Slices with ``copies`` variants of every event that the source's samples turn into a document without a flaw.

    The player's pipeline comes to know them: whoever measures has another one.
    """
    pipeline, rng = player.pipeline(dataset), Random(seed)
    return [made for each in _sampled(player, dataset) for made in _many(pipeline, each, copies, rng, player.now_ms)]


def varied(text: str, rng: Random) -> str:
    """The same event at another time, from another address, with other ids."""

    def other(found: re.Match[str]) -> str:
        said = found.group()
        match found.lastgroup:
            case "address":
                return f"{said.rpartition('.')[0]}.{rng.randrange(1, 65)}"
            case "time":
                return f"{rng.randrange(60):02}:{rng.randrange(60):02}{_digits(said[5:], rng)}"
            case "hex":
                return "".join(rng.choice("abcdef") if each.isalpha() else rng.choice("123456789") for each in said)
            case _:
                return said if len(said) == 12 else _number(said, rng)

    return _VARYING.sub(other, text)


def _digits(text: str, rng: Random) -> str:
    return re.sub(r"\d", lambda _: str(rng.randrange(1, 10)), text)


def _number(said: str, rng: Random) -> str:
    """One with the same first digits; a port stays a port."""
    kept = 2 if len(said) < 8 else len(said) - 5
    number = said[:kept] + "".join(str(rng.randrange(10)) for _ in said[kept:])
    return said if len(said) == 5 and int(said) < 65_536 <= int(number) else number


def _sampled(player: Player, dataset: str) -> Iterator[Slice]:
    for sample in samples_of(player.loaded[dataset].folder):
        facts = sample.facts()
        for played in player.play(sample.path.read_bytes(), dataset, facts):
            if not isinstance(played, Dead) and sum(map(len, played.slice.events)) < LARGEST:
                yield played.slice


def _many(pipeline: CompiledPipeline, piece: Slice, copies: int, rng: Random, now_ms: int) -> Iterator[Slice]:
    """What of a slice comes through well, over and over."""
    joined = pipeline.file.parse.join is not None
    good = [tuple(range(len(piece.events)))] if joined else [(at,) for at in range(len(piece.events))]
    good = [group for group in good if _sound(pipeline, _part(piece, group), now_ms)]
    if not good:
        return
    width = 1 if piece.transport in SINGLE else max(1, PER_SLICE // len(good))
    for start in range(0, copies, width):
        rounds = min(width, copies - start)
        for groups in [[group] for group in good] if width == 1 else [good]:
            order = [at for _ in range(rounds) for group in groups for at in group]
            plain = _part(piece, order)
            other = msgspec.structs.replace(plain, events=[varied(text, rng) for text in plain.events])
            yield other if _sound(pipeline, other, now_ms) else plain


def _part(piece: Slice, at: tuple[int, ...] | list[int]) -> Slice:
    return msgspec.structs.replace(
        piece,
        events=[piece.events[each] for each in at],
        ids=None if piece.ids is None else [piece.ids[each] for each in at],
        times=None if piece.times is None else [piece.times[each] for each in at],
    )


def _sound(pipeline: CompiledPipeline, piece: Slice, now_ms: int) -> bool:
    """Whether all of it becomes documents without a flaw but leftovers; masks and joins work on a copy."""
    carried = pipeline.carry(msgspec.structs.replace(piece, events=list(piece.events)), now_ms)
    return not carried.dead and carried.flags.keys() <= {"unmapped"}
