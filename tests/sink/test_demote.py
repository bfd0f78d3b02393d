"""A demoted document keeps everything: the refused value stands under ``unmapped``, or is cut and stays in the original."""

from __future__ import annotations

import json
from typing import Any

import pytest

from service.sink.opensearch.demote import demote


def demoted(document: dict[str, Any], field: str) -> dict[str, Any] | None:
    piece = demote(f'{{"create":{{}}}}\n{json.dumps(document)}\n', field, "code", "aws")
    if piece is None:
        return None
    action, text, rest = piece.split("\n")
    assert (action, rest) == ('{"create":{}}', "")
    changed: dict[str, Any] = json.loads(text)
    assert changed.pop("tags")[-1] == "mapping_error"
    assert changed.pop("error")["message"][-1] == f"{field}: code"
    return changed


def test_a_scalar_moves_and_leaves_no_empty_object_behind() -> None:
    assert demoted({"source": {"ip": "x"}, "a": 1}, "source.ip") == {"a": 1, "aws": {"unmapped": {"source": {"ip": "x"}}}}


def test_an_object_becomes_text() -> None:
    assert demoted({"user": {"name": {"a": [1]}, "id": "7"}}, "user.name") == {
        "user": {"id": "7"}, "aws": {"unmapped": {"user": {"name": '{"a":[1]}'}}}
    }  # fmt: skip


def test_values_in_arrays_of_objects_move_together() -> None:
    assert demoted({"r": [{"p": "x", "q": 1}, {"p": "y"}]}, "r.p") == {
        "r": [{"q": 1}, {}], "aws": {"unmapped": {"r": {"p": '["x","y"]'}}}
    }  # fmt: skip


def test_what_was_unmapped_already_is_kept_beside_it() -> None:
    document = {"number": "many", "aws": {"unmapped": {"number": 1, "k": "v"}}}
    assert demoted(document, "number") == {"aws": {"unmapped": {"number": 1, "number_refused": "many", "k": "v"}}}


def test_a_scalar_in_the_way_gives_a_joined_name() -> None:
    assert demoted({"a": {"b": "x"}, "aws": {"unmapped": {"a": 1}}}, "a.b") == {"aws": {"unmapped": {"a": 1, "a_b": "x"}}}


def test_long_leaves_of_the_leftovers_are_cut_and_their_neighbours_stay() -> None:
    changed = demoted({"aws": {"unmapped": {"a": "x" * 40_000, "b": {"c": [1, "y"]}}}}, "aws.unmapped")
    assert changed is not None
    leftovers = changed["aws"]["unmapped"]
    assert len(leftovers["a"]) < 8100
    assert leftovers["b"] == {"c": [1, "y"]}


def test_tags_and_messages_that_were_there_stay() -> None:
    piece = demote('{}\n{"n":"x","tags":["cast_error"],"error":{"message":"old"}}\n', "n", "code", "aws")
    assert piece is not None
    document = json.loads(piece.split("\n")[1])
    assert document["tags"] == ["cast_error", "mapping_error"]
    assert document["error"]["message"] == ["old", "n: code"]


@pytest.mark.parametrize("field", ["@timestamp", "event.dataset", "siem.stream", "project.id", "tags", "not.there"])
def test_some_fields_cannot_be_done_without(field: str) -> None:
    document = {"@timestamp": "x", "event": {"dataset": "d"}, "siem": {"stream": "s"}, "project": {"id": "p"}, "tags": []}
    assert demote(f"{{}}\n{json.dumps(document)}\n", field, "code", "aws") is None


def test_a_number_beyond_64_bits_keeps_its_digits() -> None:
    assert demoted({"n": 2**80}, "n") == {"aws": {"unmapped": {"n": 2**80}}}
