"""Each stage by itself, in this process: no Kafka, no network."""

# ruff: noqa: B023 - every lambda is timed in the turn of the loop that makes it

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from bench import corpus
from bench.measure import row, timed
from service.content import find_content
from service.decode.record import decode_record
from service.enrich.enrichers import Enrichers
from service.event import RawBatch, Slice, encode
from service.pipeline.compile import compile_pipeline
from service.pipeline.compiled import CompiledPipeline
from service.pipeline.load import load_pipelines
from service.route.router import build_router
from service.sink.opensearch.batch import body_of, malformed

FULL = ("aws.cloudtrail", "aws.vpcflow")
"""Datasets of which every stage is measured; the others are measured from raw event to bulk line."""
PACKED_UP_TO = 512 * 1024
"""The default of ``process.message_bytes``."""
SESSIONS = 10_000
"""Different callers of the CloudTrail records in which little repeats."""
PLACES = Path(str(resources.files("service.demo") / "places.mmdb"))
_raw_batches = msgspec.msgpack.Decoder(RawBatch)


def run(count: int, datasets: tuple[str, ...] = corpus.DATASETS) -> list[dict[str, Any]]:
    """Rows for every stage and dataset."""
    loaded = load_pipelines(find_content().pipelines)
    enrichers = Enrichers.load([PLACES], None, None)
    router = build_router(loaded)
    rows: list[dict[str, Any]] = []
    for dataset in datasets:
        some = count if dataset in FULL else max(200, count // 10)
        raw = corpus.events(dataset, some)
        batches = corpus.batches(dataset, raw)
        size = round(sum(map(len, raw)) / len(raw))

        def add(stage: str, work: Callable[[], object], *, warm: int = 2, size: int = size, some: int = some) -> None:
            rows.append(row(f"{stage} {dataset}", timed(work, some, warm=warm), bytes_per_event=size))

        routed = [router.route(batch) for batch in batches]
        slices = [each for answer in routed for each in answer.by_dataset[dataset]]
        if dataset in FULL:
            add("gunzip + outer decode", lambda: [decode_record(b, r) for b in batches for r in b.records])
            add("the same + route", lambda: [router.route(b) for b in batches])
            add("route, records stay packed", lambda: [router.route(b, PACKED_UP_TO) for b in batches])
            packed = [encode(RawBatch(dataset, slices[n : n + 4])) for n in range(0, len(slices), 4)]
            add("raw batch: encode", lambda: [encode(RawBatch(dataset, slices[n : n + 4])) for n in range(0, len(slices), 4)])
            add("raw batch: decode", lambda: [_raw_batches.decode(each) for each in packed])
        else:
            add("decode and route", lambda: [router.route(b) for b in batches])
        pipeline = compile_pipeline(loaded[dataset], enrichers)
        add("parse … body", lambda: _carry(pipeline, slices), warm=12)
        if dataset == "aws.cloudtrail":
            strange = corpus.batches(dataset, corpus.of_many_sessions(raw, SESSIONS))
            others = [each for batch in strange for each in router.route(batch).by_dataset[dataset]]
            add(f"parse … body, {SESSIONS:,} sessions", partial(_carry, pipeline, others))
        if dataset in FULL:
            pieces = [piece for each in slices for piece in pipeline.carry(each, corpus.NOW_MS).pieces]
            loads = [pieces[n : n + 2000] for n in range(0, len(pieces), 2000)]
            rows[-1]["document_bytes"] = round(sum(map(len, pieces)) / len(pieces))
            rows[-1]["compiled_shapes"] = pipeline.compiled_shapes
            add("bulk body", lambda: [(malformed(load), body_of(load)) for load in loads])
    return rows


def _carry(pipeline: CompiledPipeline, slices: list[Slice]) -> None:
    for each in slices:
        pipeline.carry(each, corpus.NOW_MS + 60_000)
