"""Events that a parse step decodes are sorted by shape: the code for a shape says what the code for any event says."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from service.enrich.enrichers import Enrichers
from service.event import Slice
from service.parse.steps import DECODING
from service.pipeline.compile import compile_pipeline
from service.pipeline.compiled import CompiledPipeline
from service.pipeline.load import load_pipelines
from service.pipeline.shapes import WANTED
from service.route.router import build_router
from service.samples import samples_of

LOADED = {
    name: loaded
    for name, loaded in load_pipelines(Path(__file__).parents[2] / "pipelines").items()
    if loaded.file.parse.step in DECODING and loaded.file.parse.pattern is None
}
NOW_MS = 1_800_000_000_000


def slices(dataset: str) -> list[Slice]:
    router = build_router({dataset: LOADED[dataset]})
    found = []
    for sample in samples_of(LOADED[dataset].folder):
        routed = router.route_text(sample.path.read_bytes(), dataset)
        found += [piece.slice for piece in routed.pieces]
    return found


def fate(pipeline: CompiledPipeline, slice_: Slice) -> tuple[object, ...]:
    carried = pipeline.carry(slice_, NOW_MS)
    lines = [json.loads(line) for piece in carried.pieces for line in piece.splitlines()]  # members may stand in another order
    return lines, carried.dead, carried.flags


@pytest.mark.parametrize("dataset", sorted(LOADED))
def test_an_event_is_the_same_document_with_and_without_its_shape_compiled(dataset: str) -> None:
    pipeline = compile_pipeline(LOADED[dataset], Enrichers.empty())
    known = 0
    for each in slices(dataset):
        for event in each.events:
            one = msgspec.structs.replace(each, events=[event], ids=None, times=None)
            before = fate(pipeline, one)
            pipeline.carry(msgspec.structs.replace(one, events=[event] * WANTED), NOW_MS)
            assert fate(pipeline, one) == before
            known = max(known, pipeline.compiled_shapes)
    assert known > 0
