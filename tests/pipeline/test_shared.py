"""Blocks that several sources have in common."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service.enrich.enrichers import Enrichers
from service.errors import ContentErrors
from service.event import Slice
from service.lint.everything import check_path
from service.lint.pipeline import check_pipeline
from service.offline.coverage import raw_paths
from service.pipeline.compile import compile_pipeline
from service.pipeline.load import load_pipeline

ROOT = Path(__file__).parents[2]
OWN = """\
dataset: test.{name}
title: Test
summary: A test.
delivery: [application]
route: {{ _text|startswith: "{{" }}
parse: {{ json: {{}} }}
normalise:
  - set: {{ event.kind: event }}
  - use: people
  - move: {{ what: event.action, colour: test.colour }}
"""
SHARED = """\
summary: Events of people.
fields:
  test.colour: { type: keyword, meaning: Colour. }
normalise:
  - move:
      who: user.name
  - when: { who: alice }
    set: { event.reason: known }
"""
FIELDS = "test.unmapped: { type: flat_object, meaning: Leftovers. }\n"


@pytest.fixture
def content(tmp_path: Path) -> Path:
    (tmp_path / "mappings").symlink_to(ROOT / "mappings")
    (tmp_path / "pipelines" / "_shared").mkdir(parents=True)
    (tmp_path / "pipelines" / "_shared" / "people.yml").write_text(SHARED)
    for name in ("one", "two"):
        source(tmp_path, OWN.format(name=name), name)
    return tmp_path


def source(content: Path, text: str, name: str = "one") -> Path:
    folder = content / "pipelines" / f"test.{name}"
    folder.mkdir(exist_ok=True)
    (folder / "pipeline.yml").write_text(text)
    (folder / "fields.yml").write_text(FIELDS)
    return folder


def fault(content: Path, name: str = "one") -> str:
    with pytest.raises(ContentErrors) as caught:
        load_pipeline(content / "pipelines" / f"test.{name}")
    (only,) = caught.value.faults
    return only.code


def test_shared_blocks_do_what_they_would_do_if_they_were_written_there(content: Path) -> None:
    for name in ("one", "two"):
        pipeline = compile_pipeline(load_pipeline(content / "pipelines" / f"test.{name}"), Enrichers.empty())
        event = Slice("p", "prod", "s", "shardId-0", "1", 0, 0, ['{"who":"alice","what":"came","colour":"red"}'])
        (piece,) = pipeline.carry(event, 1_800_000_000_000).pieces
        document = json.loads(piece.split("\n")[1])
        assert document["user"]["name"] == "alice"
        assert document["event"]["reason"] == "known"
        assert document["event"]["action"] == "came"
        assert document["test"] == {"colour": "red"}


def test_what_is_wrong_in_a_shared_block_is_told_with_its_own_place_and_once(content: Path) -> None:
    shared = content / "pipelines" / "_shared" / "people.yml"
    shared.write_text(SHARED.replace("user.name", "user.nam"))
    (only,) = check_pipeline(load_pipeline(content / "pipelines" / "test.one"))
    assert (only.code, only.place.file, only.place.line) == ("unknown_field", str(shared), 6)
    assert [each.code for each in check_path(content).faults].count("unknown_field") == 1


def test_what_is_wrong_behind_a_shared_block_keeps_its_line(content: Path) -> None:
    folder = source(content, OWN.format(name="one").replace("event.action", "event.acton"))
    (only,) = check_pipeline(load_pipeline(folder))
    assert (only.place.file, only.place.line) == (str(folder / "pipeline.yml"), 10)


def test_a_single_block_may_be_a_shared_one(content: Path) -> None:
    text = OWN.format(name="one")
    folder = source(content, text[: text.index("normalise:")] + "normalise: { use: people }\n")
    assert [block.in_order for block in load_pipeline(folder).file.normalise] == [("move",), ("when", "set")]  # type: ignore[union-attr]  # a list by now


def test_samples_of_a_source_need_not_carry_what_shared_blocks_read(content: Path) -> None:
    assert [path for _, path in raw_paths(load_pipeline(content / "pipelines" / "test.one"))] == ["what", "colour"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("use: people", "use: persons", "no_shared"),
        ("use: people", "use: people\n    set: { event.reason: x }", "use_alone"),
    ],
)
def test_a_wrong_use_is_refused(content: Path, old: str, new: str, code: str) -> None:
    source(content, OWN.format(name="one").replace(old, new))
    assert fault(content) == code


def test_a_shared_file_uses_no_other(content: Path) -> None:
    (content / "pipelines" / "_shared" / "people.yml").write_text(SHARED + "  - use: people\n")
    assert fault(content) == "use_in_shared"


def test_two_shared_files_must_agree_on_a_field(content: Path) -> None:
    (content / "pipelines" / "_shared" / "others.yml").write_text(SHARED.replace("type: keyword", "type: long"))
    source(content, OWN.format(name="one").replace("  - use: people", "  - use: people\n  - use: others"))
    assert fault(content) == "already_declared"


def test_a_field_of_a_shared_file_is_not_declared_again(content: Path) -> None:
    folder = content / "pipelines" / "test.one"
    (folder / "fields.yml").write_text(FIELDS + "test.colour: { type: keyword, meaning: Colour. }\n")
    assert fault(content) == "already_declared"


def test_a_shared_file_that_is_not_valid_names_itself(content: Path) -> None:
    (content / "pipelines" / "_shared" / "people.yml").write_text("summary: x\nnormalize: []\n")
    with pytest.raises(ContentErrors) as caught:
        load_pipeline(content / "pipelines" / "test.one")
    assert {each.place.file for each in caught.value.faults} == {str(content / "pipelines" / "_shared" / "people.yml")}
