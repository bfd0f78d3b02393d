"""Events that came in pieces: one document for all of them, a fate for each."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from service.enrich.enrichers import Enrichers
from service.errors import ContentErrors
from service.event import Slice
from service.parse.joins import JOINED
from service.pipeline.compile import compile_pipeline
from service.pipeline.compiled import CompiledPipeline
from service.pipeline.load import load_pipeline
from service.sink.letter import letter_of

ROOT = Path(__file__).parents[2]
ARRIVAL = 1_768_381_953_000


@pytest.fixture(scope="module")
def pipeline() -> CompiledPipeline:
    return compile_pipeline(load_pipeline(ROOT / "pipelines" / "kubernetes.container"), Enrichers.empty())


def slice_of(*events: str) -> Slice:
    ids = [f"id{number}" for number in range(len(events))]
    return Slice("shop", "prod", "s", "shardId-000000000000", "1", 0, ARRIVAL, list(events), ids=ids, log_group="/x")


def test_the_whole_has_the_id_of_its_first_piece_and_every_piece_a_fate(pipeline: CompiledPipeline) -> None:
    piece = slice_of("INFO one", "ERROR two", "  at a", "  at b", "INFO three")
    carried = pipeline.carry(piece, ARRIVAL)
    assert carried.at == [0, 1, 4]
    assert carried.dropped == {"joined": 2}
    assert not carried.dead
    documents = [json.loads(each.split("\n")[1]) for each in carried.pieces]
    assert [each["message"] for each in documents] == ["INFO one", "ERROR two\n  at a\n  at b", "INFO three"]
    assert documents[1]["event"]["original"] == "ERROR two\n  at a\n  at b"
    assert [json.loads(each.split("\n")[0])["create"]["_id"][-3:] for each in carried.pieces] == ["id0", "id1", "id4"]


def test_what_is_carried_again_is_the_same(pipeline: CompiledPipeline) -> None:
    piece = slice_of("ERROR two", "  at a")
    first = pipeline.carry(piece, ARRIVAL)
    again = pipeline.carry(piece, ARRIVAL)
    assert (again.pieces, again.dropped) == (first.pieces, first.dropped)


def test_a_dead_letter_of_the_whole_holds_every_piece(pipeline: CompiledPipeline) -> None:
    piece = slice_of("ERROR two", "  at a")
    pipeline.carry(piece, ARRIVAL)
    assert letter_of(piece, 0, stage="sink", code="x", reason="y").data == b"ERROR two\n  at a"
    assert piece.events[1] == JOINED


def test_slices_that_have_nothing_to_join_stay_as_they_are(pipeline: CompiledPipeline) -> None:
    piece = slice_of("INFO one", "INFO two")
    carried = pipeline.carry(piece, ARRIVAL)
    assert (carried.dropped, piece) == ({}, msgspec.structs.replace(piece, events=["INFO one", "INFO two"]))


@pytest.mark.parametrize(
    ("parse", "code"),
    [("{ join: nothing, step: container }", "unknown_join"), ("{ join: container, json: {} }", "useless_join")],
)
def test_a_join_that_cannot_be_is_refused_with_its_place(tmp_path: Path, parse: str, code: str) -> None:
    folder = tmp_path / "toy.join"
    folder.mkdir()
    (folder / "fields.yml").write_text("{}\n")
    (folder / "pipeline.yml").write_text(
        "dataset: toy.join\ntitle: Toy\nsummary: A toy.\ndelivery: [application]\nroute: { log_group: toy }\n"
        f"parse: {parse}\nnormalise:\n  set: {{ event.kind: event }}\n"
    )
    with pytest.raises(ContentErrors) as refusal:
        compile_pipeline(load_pipeline(folder, mappings=ROOT / "mappings"), Enrichers.empty())
    assert [(each.code, each.place.line) for each in refusal.value.faults] == [(code, 6)]


def test_masks_see_the_whole(tmp_path: Path) -> None:
    """A password may stand in a line of its own."""
    folder = tmp_path / "toy.sql"
    folder.mkdir()
    (folder / "pipeline.yml").write_text(
        "dataset: toy.sql\ntitle: Toy\nsummary: A toy.\ndelivery: [application]\nroute: { log_group: toy }\n"
        "parse: { join: sqlserver, mask: [sql_secrets], step: sqlserver }\nnormalise:\n  move: { message: message }\n"
    )
    pipeline = compile_pipeline(load_pipeline(folder, mappings=ROOT / "mappings"), Enrichers.empty())
    piece = slice_of("2026-01-14 10:00:00.10 spid53      ALTER LOGIN x", "WITH PASSWORD =", "'canary-6f';")
    carried = pipeline.carry(piece, ARRIVAL)
    assert len(carried.pieces) == 1
    assert "[hidden]" in carried.pieces[0]
    assert "canary" not in carried.pieces[0] + "".join(piece.events)
