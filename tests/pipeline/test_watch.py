"""Values handed out beside documents are those of the documents, in every form of the generated code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from service.content import find_content
from service.enrich.enrichers import Enrichers
from service.event import Slice
from service.offline.play import Dead, Player
from service.pipeline.compile import compile_pipeline
from service.pipeline.compiled import Carried
from service.pipeline.load import load_pipelines
from service.pipeline.shapes import WANTED
from service.pipeline.watch import TEXT, Watch
from service.samples import samples_of

LOADED = load_pipelines(find_content().pipelines)
NOW = 1_768_435_200_000
FACETS = ("event.action", "event.provider", "http.request.method", "http.response.status_code", "dns.question.type", "event.kind")
TEXTS = (
    "user_agent.original", "source.ip", "source.address", "user.name", "url.original", "url.path", "dns.resolved_ip",
    "cloud.region", "cloud.account.id", "source.geo.country_iso_code", "tags", "error.message", "related.ip",
    "event.category", "network.bytes", "@timestamp", "project.id", "project.environment",
    "aws.cloudtrail.flattened.request_parameters.name", "no.such.field", TEXT,
)  # fmt: skip


def value(document: dict[str, Any], name: str) -> Any:
    at: Any = document
    for key in name.split("."):
        at = at.get(key) if isinstance(at, dict) else None
    return at


def documents(carried: Carried) -> dict[int, list[Any]]:
    return {at: [json.loads(line) for line in piece.splitlines()] for at, piece in zip(carried.at, carried.pieces, strict=True)}


def alike(left: Any, right: Any) -> bool:
    """Numbers may be handed out as the digits they were."""
    return left == right or (left is not None and not isinstance(left, list) and str(left) == str(right))


@pytest.mark.parametrize("dataset", sorted(LOADED))
def test_what_is_watched_is_what_the_document_says(dataset: str) -> None:
    loaded = LOADED[dataset]
    pipeline = compile_pipeline(loaded, Enrichers.empty(), Watch(FACETS, TEXTS))
    watch = pipeline.watch
    assert set(watch.facets) <= set(FACETS)
    # What the service or enrichment adds is not known when values are handed out.
    assert not {"cloud.account.id", "source.geo.country_iso_code", "tags", "error.message", "related.ip"} & set(watch.texts)
    assert {"no.such.field", TEXT} <= set(watch.texts)
    seen = 0
    for sample in samples_of(loaded.folder):
        player = Player({dataset: loaded}, Enrichers.empty(), NOW)
        for played in player.play(sample.path.read_bytes(), dataset, sample.facts()):
            if isinstance(played, Dead):
                continue
            for _ in range(2 + WANTED // len(played.slice.events)):  # shapes that come often have code of their own
                carried = pipeline.carry(played.slice, NOW)
            assert len(carried.watched) == len(carried.pieces)
            for at, piece, (facets, texts) in zip(carried.at, carried.pieces, carried.watched, strict=True):
                document = json.loads(piece.split("\n")[1])
                told = dict(zip((*watch.facets, *watch.texts), (*facets, *texts), strict=True))
                assert told.pop(TEXT) == played.slice.events[at]
                assert {name: each for name, each in told.items() if not alike(each, value(document, name))} == {}
                hash(facets)
                seen += 1
    assert seen


@pytest.mark.parametrize("dataset", ["aws.vpcflow", "aws.cloudtrail", "system.auth"])
def test_documents_are_the_same_and_nothing_is_handed_out_that_nobody_asked_for(dataset: str) -> None:
    loaded = LOADED[dataset]
    plain = compile_pipeline(loaded, Enrichers.empty())
    watching = compile_pipeline(loaded, Enrichers.empty(), Watch(FACETS, TEXTS))
    assert not plain.watch
    player = Player({dataset: loaded}, Enrichers.empty(), NOW)
    for sample in samples_of(loaded.folder):
        for played in player.play(sample.path.read_bytes(), dataset, sample.facts()):
            if not isinstance(played, Dead):
                carried = plain.carry(played.slice, NOW)
                assert carried.watched == []
                assert documents(carried) == documents(watching.carry(played.slice, NOW))


def test_what_threat_lists_say_is_known_before_a_document_is_read(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_text("192.0.2.7\n")
    (tmp_path / "lists.yml").write_text(json.dumps({"lists": {"bad": {"path": "bad.txt", "kind": "ip", "confidence": "High"}}}))
    asked = ("threat.enrichments.matched.atomic", "threat.enrichments.matched.field")
    pipeline = compile_pipeline(LOADED["aws.vpcflow"], Enrichers.load([], tmp_path / "lists.yml"), Watch((), asked))
    assert pipeline.watch.texts == asked
    line = "2 111122223333 eni-0a1b2c3d {} 198.51.100.4 443 49152 6 10 840 1768435140 1768435200 ACCEPT OK"
    slice_ = Slice("p", "prod", "s", "shard", "1", 0, NOW, [line.format("192.0.2.7"), line.format("192.0.2.8")])
    carried = pipeline.carry(slice_, NOW)
    told = {at: texts for at, (_, texts) in zip(carried.at, carried.watched, strict=True)}
    assert told == {0: (["192.0.2.7"], ["source.ip"]), 1: (None, None)}
    assert [value(documents(carried)[1][1], name) for name in asked] == [None, None]
