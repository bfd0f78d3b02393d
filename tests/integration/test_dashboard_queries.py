"""Selections of dashboards find in a real OpenSearch what they say, whatever characters stand in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from opensearchpy import OpenSearch

from service.build.dashboards.lucene import lucene
from service.build.dashboards.patterns import Leaf
from service.errors import ContentError, Place
from service.match.parse import parse_selection
from tests.integration.panel_requests import query_of

pytestmark = pytest.mark.stack

VALUES = [
    "plain", "Plain", "two words", "a:b", "a/b/c", r"C:\dir\x", 'say "no"', "a*b", "a?b", "(x)", "[x]", "{x}", "x^2", "~/x",
    "+1", "-1", "a && b", "a || b", "!x", "a=b", "AND", "OR", "NOT", "a OR b", "TO", "_exists_:x", "*", "?", "ünïcode ☃",
    "tab\tx", "line\nx", "wide\u3000x", "a,b;c", "#x", "$y", "%41", "it's", "`x`", "x|y", "arn:aws:iam::111122223333:role/Admin",
    "system:anonymous", "s3:::*", "<x>", "x@y", ".", "..", "a\\", "\\\\",
]  # fmt: skip
NUMBERS = [-5, 0, 1, 443, 70000]
ADDRESSES = ["192.0.2.7", "198.51.100.9", "2001:db8::7", "2001:db8:1::7"]
LEAVES = {
    leaf.name: leaf for leaf in (Leaf("k", "keyword", True, True), Leaf("n", "long", True, True), Leaf("i", "ip", True, True))
}
COLUMNS = {name: replace(leaf, searchable=False) for name, leaf in LEAVES.items()}


@pytest.fixture(scope="module")
def filled(opensearch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OpenSearch, str]]:
    client = OpenSearch([opensearch], timeout=60)
    index = f"t-queries-{tmp_path_factory.mktemp('x').parent.name[-6:]}-{id(client)}"
    properties: dict[str, dict[str, object]] = {leaf.name: {"type": leaf.type} for leaf in LEAVES.values()}
    columns = f"{index}-columns"
    settings = {"number_of_replicas": 0, "number_of_shards": 1}
    client.indices.create(index=index, body={"settings": settings, "mappings": {"dynamic": False, "properties": properties}})
    inner = {name: {**mapping, "index": False} for name, mapping in properties.items()}
    client.indices.create(index=columns, body={"settings": settings, "mappings": {"dynamic": False, "properties": inner}})
    documents = [
        *({"k": value} for value in VALUES),
        *({"n": number} for number in NUMBERS),
        *({"i": each} for each in ADDRESSES),
    ]
    lines = "".join(
        f"{json.dumps({'index': {'_index': name}})}\n{json.dumps(document)}\n"
        for name in (index, columns)
        for document in documents
    )
    assert not client.bulk(body=lines, params={"refresh": "true"})["errors"]
    yield client, index
    client.indices.delete(index=f"{index},{columns}")
    client.close()


def found(filled: tuple[OpenSearch, str], selection: object, leaves: dict[str, Leaf] = LEAVES) -> set[object]:
    client, index = filled
    if leaves is COLUMNS:
        index += "-columns"

    def refuse(field: str, code: str, reason: str, hint: str) -> ContentError:
        return ContentError(Place("x"), code, reason, hint)

    query = lucene(parse_selection(selection, Place("x")), leaves.__getitem__, refuse)
    answer = client.search(index=index, body={"size": 1000, "query": query_of({"query": query, "language": "lucene"})})
    return {value for hit in answer["hits"]["hits"] for value in hit["_source"].values()}


def literal(value: str) -> str:
    """The value as a person writes it in a selection: wildcards of Sigma behind a backslash, and backslashes before them."""
    return value.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")


@pytest.mark.parametrize("value", VALUES)
def test_a_value_finds_itself_and_nothing_else(filled: tuple[OpenSearch, str], value: str) -> None:
    assert found(filled, {"k": literal(value)}) == {value}


@pytest.mark.parametrize("value", VALUES)
def test_parts_of_values_are_found_where_the_selection_says(filled: tuple[OpenSearch, str], value: str) -> None:
    part = literal(value)
    if "<" in value:
        assert value in found(filled, {"k|contains": part})  # stands for any one character
        return
    assert found(filled, {"k|startswith": part}) == {each for each in VALUES if each.startswith(value)}
    assert found(filled, {"k|endswith": part}) == {each for each in VALUES if each.endswith(value)}
    assert found(filled, {"k|contains": part}) == {each for each in VALUES if value in each}


def test_what_is_excluded_missing_or_one_of_several(filled: tuple[OpenSearch, str]) -> None:
    rest: set[object] = {*NUMBERS, *ADDRESSES}
    assert found(filled, {"k|neq": "plain"}) == {*VALUES, *rest} - {"plain"}
    assert found(filled, {"k": None}) == rest
    assert found(filled, {"k": ["plain", None]}) == {"plain", *rest}
    assert found(filled, {"k": ["plain", None], "n|exists": True}) == {*NUMBERS}
    assert found(filled, [{"k": "plain"}, {"n": 443}]) == {"plain", 443}
    assert found(filled, {"k|contains|all": ["a", "b", ":"]}) == {each for each in VALUES if all(x in each for x in "ab:")}


def test_numbers_and_networks(filled: tuple[OpenSearch, str]) -> None:
    assert found(filled, {"n|gte": 1, "n|lt": 70000}) == {1, 443}
    assert found(filled, {"n|lt": 0}) == {-5}
    assert found(filled, {"n|gt": -6, "n|lte": 0}) == {-5, 0}
    assert found(filled, {"n": [-5, 443]}) == {-5, 443}
    assert found(filled, {"i|cidr": ["192.0.2.0/24", "2001:db8::/48"]}) == {"192.0.2.7", "2001:db8::7"}
    assert found(filled, {"i": "2001:db8:1::7"}) == {"2001:db8:1::7"}


def test_a_column_without_an_index_is_found_by_its_whole_values(filled: tuple[OpenSearch, str]) -> None:
    for value in VALUES:
        assert found(filled, {"k": literal(value)}, COLUMNS) == {value}
    rest: set[object] = {*NUMBERS, *ADDRESSES}
    assert found(filled, {"k": ["plain", "a:b", None]}, COLUMNS) == {"plain", "a:b", *rest}
    assert found(filled, {"k|exists": True, "k|neq": "plain"}, COLUMNS) == {*VALUES} - {"plain"}
    assert found(filled, {"n|gte": 1, "n|lt": 70000}, COLUMNS) == {1, 443}
    assert found(filled, {"i|cidr": ["192.0.2.0/24", "2001:db8::/48"]}, COLUMNS) == {"192.0.2.7", "2001:db8::7"}


def test_patterns_on_a_column_are_refused_because_they_would_find_nothing(filled: tuple[OpenSearch, str]) -> None:
    for selection in ({"k|contains": "a"}, {"k|startswith": "a"}, {"k": "a*"}):
        with pytest.raises(ContentError, match="patterns do not find it"):
            found(filled, selection, COLUMNS)
