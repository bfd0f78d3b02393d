"""``siem drift FILE`` without any server: what it finds, and that the lines it tells take it in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Siem
from tests.cli.conftest import content as content
from tests.cli.conftest import siem as siem

EVENT = {"id": "9a8b7c6d-0000-4000-8000-000000000001", "createdAt": "2026-01-14T10:00:00.123Z", "actor": {"name": "ann"}, "n": 3}


@pytest.fixture
def source(content: Path, siem: Siem) -> Path:
    """A source folder ``acme.app`` made of one event."""
    said = siem("new", "acme.app", "--from", "-", stdin=json.dumps(EVENT) + "\n")
    assert said.code == 0, said.err
    return content / "pipelines" / "acme.app"


def test_the_lines_it_tells_take_in_what_it_found(source: Path, siem: Siem) -> None:
    newer = json.dumps(EVENT | {"clientIp": "192.0.2.7", "deep": {"er.key": [1, 2]}, "n": "many"}) + "\n"
    said = siem("drift", "--dataset", "acme.app", "--json", "-", stdin=newer * 2)
    assert (said.code, said.err) == (0, "2 documents, 0 dead letters: 3 findings\n")
    found = {each["path"]: each for each in said.documents}
    assert {path: (each["kind"], each["count"]) for path, each in found.items()} == {
        "clientIp": ("key", 2), 'deep."er.key"': ("key", 2), "n": ("value", 2),
    }  # fmt: skip
    assert found["n"]["wanted"] == "acme.app.n: a long"
    pipeline, fields = source / "pipeline.yml", source / "fields.yml"
    lines = [line for each in found.values() for line in each["pipeline_yml"]]
    text = pipeline.read_text()
    for line in lines:
        if line["section"] == "instead":
            (old,) = [each for each in text.splitlines() if each.strip().startswith('"n":')]
            text = text.replace(old, f"    {line['line']}")
    moves = "".join(f"\n    {line['line']}" for line in lines if line["section"] == "move")
    pipeline.write_text(text.replace("\n  move:", f"\n  move:{moves}", 1))
    fields.write_text(fields.read_text() + "".join(f"{line}\n" for each in found.values() for line in each["fields_yml"]))
    assert siem("drift", "--dataset", "acme.app", "-", stdin=newer).err == "1 documents, 0 dead letters: 0 findings\n"
    assert siem("check").code == 0
    (document,) = siem("parse", "--dataset", "acme.app", "-", stdin=newer).documents
    assert document["_source"]["source"]["ip"] == "192.0.2.7"
    assert document["_source"]["acme"]["app"]["deep"]["er"]["key"] == [1, 2]


def test_people_get_a_table_and_the_yaml(source: Path, siem: Siem) -> None:
    said = siem("drift", "--dataset", "acme.app", "--fail", "-", stdin=json.dumps(EVENT | {"fresh": "x"}) + "\n")
    assert said.code == 1
    assert "key fresh" in " ".join(said.out.split())
    assert 'acme.app.fresh: { type: keyword, meaning: "fresh of the raw event." }' in said.out
    assert "move:\n  fresh: acme.app.fresh" in said.out


def test_values_that_their_table_lacks_are_told_with_their_table(source: Path, siem: Siem) -> None:
    pipeline = source / "pipeline.yml"
    text = pipeline.read_text().replace("  set: {", "  translate:\n    event.outcome: { from: result, OK: success }\n  set: {")
    pipeline.write_text(text + "drift: { values: [event.outcome] }\n")
    events = "".join(json.dumps(EVENT | {"result": result}) + "\n" for result in ("OK", "LATER"))
    (found,) = siem("drift", "--dataset", "acme.app", "--json", "-", stdin=events).documents
    assert (found["kind"], found["path"], found["value"]) == ("value", "event.outcome", "LATER")
    (line,) = found["pipeline_yml"]
    assert (line["section"], line["line"]) == ("translate", '"LATER": "later"')
    assert f":{1 + text[: text.index('event.outcome')].count(chr(10))}:" in line["place"]


def test_news_of_a_field_without_a_table_is_a_fault(source: Path, siem: Siem) -> None:
    pipeline = source / "pipeline.yml"
    pipeline.write_text(pipeline.read_text() + "drift: { values: [event.action] }\n")
    said = siem("check")
    assert said.code == 1
    assert "no_table: no table decides `event.action`" in said.out


def test_where_any_key_may_come_nothing_is_found(source: Path, siem: Siem) -> None:
    pipeline = source / "pipeline.yml"
    pipeline.write_text(pipeline.read_text() + "drift: { keys: any }\n")
    said = siem("drift", "--dataset", "acme.app", "-", stdin=json.dumps(EVENT | {"fresh": 1}) + "\n")
    assert said.err == "1 documents, 0 dead letters: 0 findings\n"


def test_what_an_open_key_holds_is_not_found(source: Path, siem: Siem) -> None:
    pipeline = source / "pipeline.yml"
    pipeline.write_text(pipeline.read_text() + "drift: { open: [fresh] }\n")
    said = siem("drift", "--dataset", "acme.app", "--json", "-", stdin=json.dumps(EVENT | {"fresh": {"a": 1}, "new": 1}) + "\n")
    assert [each["path"] for each in said.documents] == ["new"]
