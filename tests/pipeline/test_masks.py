"""What a mask hides is hidden everywhere: fields, the original, leftovers, the slice that dead letters are made of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service.enrich.enrichers import Enrichers
from service.errors import ContentErrors
from service.event import Slice
from service.offline.raw_event import raw_fields
from service.parse.masks import MASKS
from service.pipeline.compile import compile_pipeline
from service.pipeline.compiled import CompiledPipeline
from service.pipeline.load import LoadedPipeline, load_pipeline

MAPPINGS = Path(__file__).parents[2] / "mappings"
PIPELINE = """
dataset: toy.sql
title: Toy
summary: A toy.
delivery: [application]
route: { log_group|contains: toy }
parse:
  mask: [sql_secrets]
  pattern:
    any_of:
      - { name: statement, regex: '(?P<user>\\w+) says (?P<statement>.*)' }
    otherwise: refuse
normalise:
  move: { user: user.name, statement: message }
"""
TEXT = "bob says ALTER ROLE \"x\" PASSWORD 'canary-5e' LOGIN"


def load(folder: Path, text: str) -> LoadedPipeline:
    home = folder / "toy.sql"
    home.mkdir()
    (home / "pipeline.yml").write_text(text)
    return load_pipeline(home, None, MAPPINGS)


def carried(pipeline: CompiledPipeline, *events: str) -> Slice:
    slice_ = Slice("shop", "prod", "s", "shard", "1", 0, 1_767_323_045_000, list(events))
    made = pipeline.carry(slice_, 1_767_323_045_000)
    assert len(made.pieces) + len(made.dead) == len(events)
    for piece in made.pieces:
        source = json.loads(piece.split("\n")[1])
        assert source["message"] == "ALTER ROLE \"x\" PASSWORD '[hidden]' LOGIN"
        assert source["event"]["original"] == f"bob says {source['message']}"
    assert "canary" not in "".join(made.pieces) + str(made.dead)
    return slice_


def test_neither_document_nor_slice_tells_the_secret(tmp_path: Path) -> None:
    pipeline = compile_pipeline(load(tmp_path, PIPELINE), Enrichers.empty())
    slice_ = carried(pipeline, TEXT, "password='canary-5e', but no statement", TEXT)
    assert "canary" not in str(slice_)


def test_the_other_readers_of_raw_events_see_the_masked_text(tmp_path: Path) -> None:
    raw = raw_fields(load(tmp_path, PIPELINE).file, Slice("p", "e", "s", "shard", "1", 0, 0, [TEXT]), 0)
    assert raw["user"] == "bob"
    assert "canary" not in str(raw)


def test_an_unknown_mask_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(ContentErrors) as raised:
        compile_pipeline(load(tmp_path, PIPELINE.replace("[sql_secrets]", "[sql_secret]")), Enrichers.empty())
    (fault,) = raised.value.faults
    assert (fault.code, fault.place.line, fault.hint) == ("unknown_mask", 8, "known: " + ", ".join(sorted(MASKS)))
