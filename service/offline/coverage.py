"""Which lines of a pipeline its samples exercise; what none does is unproven, and may be a misspelt raw field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from service.enrich.enrichers import Enrichers
from service.errors import ContentError, EventError
from service.offline.play import Dead, Player
from service.offline.raw_event import find, raw_fields
from service.pipeline.load import LoadedPipeline
from service.pipeline.raw import FACTS
from service.pipeline.schema import Block
from service.samples import samples_of
from service.yaml_file import Key


def unexercised(loaded: LoadedPipeline) -> list[ContentError]:
    """A finding for every raw field, shape and drop rule of pipeline.yml that no sample has ever carried."""
    events, rules = _seen(loaded)
    faults = [
        loaded.source.error(keys, "unexercised", f"no sample carries `{path}`", "add a sample, or correct the path")
        for keys, path in raw_paths(loaded)
        if not any(_has(event, path) for event in events)
    ]
    pattern = loaded.file.parse.pattern
    shapes = {event.get("_pattern") for event in events}
    for at, shape in enumerate(pattern.any_of if pattern else ()):
        if shape.name not in shapes:
            reason = f"no sample has the shape `{shape.name}`"
            faults.append(loaded.source.error(("parse", "pattern", "any_of", at), "unexercised", reason))
    for keys, rule in _drop_rules(loaded):
        if not any(rule in reason for reason in rules):
            faults.append(loaded.source.error(keys, "unexercised", f"no sample is dropped by `{rule}`"))
    return faults


def share(loaded: LoadedPipeline) -> tuple[int, int]:
    """How many raw fields of pipeline.yml samples carry, and how many there are."""
    events, _ = _seen(loaded)
    paths = {path for _, path in raw_paths(loaded)}
    return sum(any(_has(event, path) for event in events) for path in paths), len(paths)


def raw_paths(loaded: LoadedPipeline) -> Iterator[tuple[tuple[Key, ...], str]]:
    """Every raw path of the steps that move, ignore or forget, with its place; facts of the transport are none.

    Shared blocks are for several sources: what they read need not be in the samples of each.
    """
    normalise = loaded.source.value.normalise
    blocks = normalise if isinstance(normalise, list) else [normalise]
    for number, block in enumerate(blocks):
        at: tuple[Key, ...] = ("normalise", number) if isinstance(normalise, list) else ("normalise",)
        if loaded.source.place(*at).file != loaded.source.path:
            continue
        for path in block.move or {}:
            if path not in FACTS:
                yield (*at, "move", path), path
        for index, path in enumerate(block.ignore or []):
            yield (*at, "ignore", index), path
        for index, path in enumerate(block.forget or []):
            yield (*at, "forget", index), path


def _drop_rules(loaded: LoadedPipeline) -> Iterator[tuple[tuple[Key, ...], str]]:
    normalise = loaded.source.value.normalise
    blocks: list[Block] = normalise if isinstance(normalise, list) else [normalise]
    for number, block in enumerate(blocks):
        for rule in block.drop or {}:
            yield (("normalise", number, "drop", rule) if isinstance(normalise, list) else ("normalise", "drop", rule)), rule


def _seen(loaded: LoadedPipeline) -> tuple[list[dict[str, Any]], set[str]]:
    events: list[dict[str, Any]] = []
    rules: set[str] = set()
    player = Player({loaded.dataset: loaded}, Enrichers.empty(), 0)
    for sample in samples_of(loaded.folder):
        facts = sample.facts()
        player.now_ms = facts.arrived_ms()
        for played in player.play(sample.path.read_bytes(), loaded.dataset, facts):
            if isinstance(played, Dead):
                continue
            rules.update(each.reason for each in played.dropped)
            for at in range(len(played.slice.events)):
                try:
                    events.append(raw_fields(loaded.file, played.slice, at))
                except EventError:
                    continue  # a sample of bad input
    return events, rules


def _has(event: dict[str, Any], path: str) -> bool:
    return find(event, path) not in (None, [], {})
