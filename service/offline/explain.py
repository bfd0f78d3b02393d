"""One event, stage by stage: which line of YAML made which field, what was consumed, what is left.

There is no second interpreter that could disagree with the compiler: the pipeline is compiled again and again, each time
with one more group of steps, and what a group changed in the document is what it did.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from service.enrich.enrichers import Enrichers
from service.errors import EventError, Place
from service.event import Slice
from service.offline.raw_event import leaves, raw_fields
from service.offline.written import keys_of, writers
from service.pipeline.compile import compile_pipeline
from service.pipeline.compiled import Carried
from service.pipeline.load import LoadedPipeline
from service.pipeline.schema import Block, PipelineFile
from service.yaml_file import Key

_REPEATS = 200


@dataclass(frozen=True, slots=True)
class Made:
    """A field of the document, and the line that gave it its value (or the stage of the service that did)."""

    field: str
    value: Any
    stage: str
    place: str
    by: str
    replaced: Any = None


@dataclass(slots=True)
class Explanation:
    """Everything about one event."""

    line: int
    dataset: str
    route: str
    event: str
    document: dict[str, Any] | None = None
    index: str | None = None
    id: str | None = None
    dead: str | None = None
    made: list[Made] = field(default_factory=list)
    consumed: list[str] = field(default_factory=list)
    unmapped: list[str] = field(default_factory=list)
    microseconds: float = 0.0
    """What the event costs in the compiled pipeline, all stages after routing."""


def explain(loaded: LoadedPipeline, enrichers: Enrichers, slice_: Slice, line: int, now_ms: int) -> Explanation:
    """Explain the only event of the slice."""
    told = Explanation(line, loaded.dataset, str(loaded.source.place("route")), slice_.events[0])
    pipeline = compile_pipeline(loaded, enrichers)
    carried = pipeline.carry(slice_, now_ms)
    began = time.perf_counter()
    for _ in range(_REPEATS):
        pipeline.carry(slice_, now_ms)
    told.microseconds = (time.perf_counter() - began) / _REPEATS * 1e6
    if carried.dropped:
        told.dead = f"dropped by the rule {', '.join(carried.dropped)}"
    for letter in carried.dead:
        told.dead = f"{letter.stage}/{letter.code}: {letter.reason}"
    document = _document(carried)
    if document is None:
        return told
    told.document = document
    create = json.loads(carried.pieces[0].split("\n", 1)[0])["create"]
    told.index, told.id = create["_index"], create["_id"]
    try:
        raw = raw_fields(loaded.file, slice_, 0)
    except EventError:
        raw = {}
    told.made = list(_made(loaded, enrichers, slice_, raw, now_ms))
    module = document.get(loaded.module, {})
    left = set(leaves(module.get("unmapped", {})))
    told.unmapped = sorted(left)
    told.consumed = sorted(path for path in set(leaves(raw)) - left if not path.startswith("_"))
    return told


def _made(loaded: LoadedPipeline, enrichers: Enrichers, slice_: Slice, raw: dict[str, Any], now_ms: int) -> Iterator[Made]:
    before: dict[str, Any] = {}
    for stage, keys, blocks, enriched in _stages(loaded.file):
        complete = {} if enriched else {"enrich": [], "owner": None, "sink": _steady(loaded)}
        file = loaded.file.model_copy(update={"normalise": blocks, **complete})
        partial = LoadedPipeline(loaded.folder, file, loaded.catalogue, loaded.source, None)
        document = _document(compile_pipeline(partial, enrichers).carry(slice_, now_ms))
        after = _flat(document or {}, loaded.module)
        for name, value in after.items():
            if name in before and before[name] == value:
                continue
            where, by = _writer(loaded, keys, name, raw)
            yield Made(name, value, stage, str(where) if where else "service", by, before.get(name))
        before = after


def _stages(file: PipelineFile) -> Iterator[tuple[str, tuple[Key, ...], list[Block], bool]]:
    """Stage, keys of the group of steps that is new in it, the blocks so far, whether enrichment is on."""
    blocks = file.normalise if isinstance(file.normalise, list) else [file.normalise]
    yield "decode", (), [Block()], False
    for number, block in enumerate(blocks):
        at: tuple[Key, ...] = ("normalise", number) if isinstance(file.normalise, list) else ("normalise",)
        order = block.in_order
        for count, key in enumerate(order, 1):
            so_far = block.model_copy(update=dict.fromkeys(order[count:]))
            yield "normalise", (*at, key), [*blocks[:number], so_far], False
    yield "enrich", ("enrich",), blocks, True


def _writer(loaded: LoadedPipeline, keys: tuple[Key, ...], name: str, raw: dict[str, Any]) -> tuple[Place | None, str]:
    """The entry of this group that writes the field; the group itself, or the service, when no entry names it."""
    if not keys or name.startswith(("related.", "siem.", "project.")) or name in ("event.original", "ecs.version"):
        return None, "service"
    if keys == ("enrich",):
        return loaded.source.place("enrich"), "enrich"
    block = loaded.source.value.normalise
    if isinstance(block, list):
        block = block[int(keys[1])]
    for inner, target, by in writers(block, str(keys[-1]), raw):
        if name == target or name.startswith(f"{target}."):
            return loaded.source.place(*keys, *inner), by
    return loaded.source.place(*keys), keys_of(keys)


def _steady(loaded: LoadedPipeline) -> Any:
    # The id may come from fields that the first steps have not set yet.
    return loaded.file.sink.model_copy(update={"id": "position"})


def _document(carried: Carried) -> dict[str, Any] | None:
    if not carried.pieces:
        return None
    document: dict[str, Any] = json.loads(carried.pieces[0].split("\n", 2)[1])
    return document


def _flat(value: dict[str, Any], module: str, prefix: str = "") -> dict[str, Any]:
    """Dotted name → value, without leftovers: they only shrink."""
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        name = f"{prefix}{key}"
        if name in (f"{module}.unmapped", "siem.pipeline"):
            continue
        if isinstance(inner, dict):
            flat |= _flat(inner, module, f"{name}.")
        else:
            flat[name] = inner
    return flat


def single(slice_: Slice, at: int) -> Slice:
    """Event number ``at`` of a slice as a slice of its own."""
    return msgspec.structs.replace(
        slice_,
        events=[slice_.events[at]],
        ids=[slice_.ids[at]] if slice_.ids else None,
        times=[slice_.times[at]] if slice_.times else None,
        first=slice_.first + at,
    )
