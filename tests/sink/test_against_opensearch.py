"""The sink against a real OpenSearch: what it refuses, how it says so, and what is stored in the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from opensearchpy import AsyncOpenSearch

from service.build.templates import components, own_indices, own_template
from service.clock import SystemClock
from service.content import find_content
from service.sink.dead_letter import IndexDeadLetters
from service.sink.letter import letter_from_document, letter_id
from service.sink.memory import MemoryDeadLetters
from service.sink.opensearch.bulk import BulkSink
from service.sink.opensearch.endpoint import Endpoint
from service.sink.opensearch.indices import TemplateKeeper
from service.sink.opensearch.limits import BulkLimits
from service.sink.parcel import Fates, Parcel
from tests.sink.scripted import a_slice

pytestmark = pytest.mark.stack

PROPERTIES = {
    "@timestamp": {"type": "date"},
    "message": {"type": "match_only_text"},
    "number": {"type": "long"},
    "name": {"type": "keyword"},
    "source": {"properties": {"ip": {"type": "ip"}, "geo": {"properties": {"location": {"type": "geo_point"}}}}},
    "aws": {"properties": {"unmapped": {"type": "flat_object"}}},
}


@pytest.fixture
async def dataset(client: AsyncOpenSearch, unique: str) -> AsyncIterator[str]:
    """A dataset of the test's own, with a template."""
    dataset = f"aws.{unique}"
    settings = {"number_of_replicas": 0, "refresh_interval": "-1"}
    template = {"settings": settings, "mappings": {"dynamic": False, "properties": PROPERTIES}}
    body = {"index_patterns": [f"siem-{dataset}-*"], "priority": 300, "template": template}
    await client.indices.put_index_template(name=f"siem-{dataset}", body=body)
    yield dataset
    await client.indices.delete(index=f"siem-{dataset}-*")
    await client.indices.delete_index_template(name=f"siem-{dataset}")


class Into:
    """A sink into the real thing."""

    def __init__(self, client: AsyncOpenSearch, dataset: str) -> None:
        self.client = client
        self.dataset = dataset
        self.index = f"siem-{dataset}-shop-prod-2026.11"
        self.letters = MemoryDeadLetters()
        self._sink = BulkSink(Endpoint(client), self.letters, TemplateKeeper(client), limits=BulkLimits(longest_wait=0.05))

    def piece(self, identity: int, **fields: Any) -> str:
        action = json.dumps({"create": {"_index": self.index, "_id": f"id-{identity}"}})
        return f"{action}\n{json.dumps({'@timestamp': '2026-11-21T00:00:00Z', 'number': 1, **fields})}\n"

    async def __call__(self, *pieces: str) -> Fates:
        parcel = Parcel(self.dataset, "v1", list(pieces), [(a_slice(len(pieces)), range(len(pieces)))])
        async with self._sink as sink:
            await sink.put(parcel)
            assert await sink.drain(30) == 0
        return parcel.done.result()

    async def stored(self) -> dict[str, dict[str, Any]]:
        await self.client.indices.refresh(index=self.index)
        reply = await self.client.search(index=self.index, body={"size": 1000, "query": {"match_all": {}}})
        return {hit["_id"]: hit["_source"] for hit in reply["hits"]["hits"]}


@pytest.fixture
def into(client: AsyncOpenSearch, dataset: str) -> Into:
    return Into(client, dataset)


async def test_a_replay_finds_everything_there(into: Into) -> None:
    pieces = [into.piece(number) for number in range(200)]
    assert await into(*pieces) == Fates(200, 0, 0)
    assert await into(*pieces, into.piece(200)) == Fates(1, 200, 0)
    assert len(await into.stored()) == 201


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"source": {"ip": "AWS Internal"}}, "source.ip"),
        ({"number": "many"}, "number"),
        ({"number": 2**70}, "number"),
        ({"source": "text where an object belongs"}, "source"),
        ({"name": {"an": "object"}}, "name"),
        ({"source": {"geo": {"location": {"lat": 999, "lon": 1}}}}, "source.geo.location"),
        ({"aws": {"unmapped": "text in a flat_object"}}, "aws.unmapped"),
        ({"aws": {"unmapped": {"deep": "y" * 40_000}}}, "aws.unmapped"),
        ({"name": "z" * 40_000}, "name"),
    ],
)
async def test_what_the_mapping_refuses_is_demoted_and_indexed(into: Into, fields: dict[str, Any], field: str) -> None:
    good, bad = into.piece(1), into.piece(2, **fields)
    fates = await into(good, bad)
    assert fates == Fates(2, 0, 0, demoted=1), [letter.reason for letter in into.letters.letters.values()]
    document = (await into.stored())["id-2"]
    assert document["tags"] == ["mapping_error"]
    assert document["error"]["message"][0].startswith(f"{field}: ")


async def test_what_cannot_be_demoted_is_a_dead_letter_and_its_neighbours_are_indexed(into: Into) -> None:
    fates = await into(into.piece(1), into.piece(2, **{"@timestamp": "in the year of the cat"}), into.piece(3))
    assert fates == Fates(2, 0, 1)
    [letter] = into.letters.letters.values()
    assert letter.field == "@timestamp"
    assert letter.document_index == into.index


async def test_an_index_without_a_template_is_not_made(client: AsyncOpenSearch, unique: str) -> None:
    keeper = TemplateKeeper(client)
    assert not await keeper.ensure(f"siem-aws.{unique}-shop-prod-2026.11", f"aws.{unique}")
    assert not await client.indices.exists(index=f"siem-aws.{unique}-shop-prod-2026.11")


async def test_a_dataset_without_a_template_waits_even_where_the_cluster_would_guess_a_mapping(
    client: AsyncOpenSearch, dataset: str, unique: str
) -> None:
    await client.cluster.put_settings(body={"persistent": {"action.auto_create_index": "true"}})
    template = (await client.indices.get_index_template(name=f"siem-{dataset}"))["index_templates"][0]["index_template"]
    await client.indices.delete_index_template(name=f"siem-{dataset}")
    into = Into(client, dataset)
    waiting = asyncio.ensure_future(into(into.piece(1)))
    await asyncio.sleep(1)
    assert not waiting.done()
    assert not await client.indices.exists(index=into.index)
    await client.indices.put_index_template(name=f"siem-{dataset}", body=template)
    assert await asyncio.wait_for(waiting, 10) == Fates(1, 0, 0)
    await client.cluster.put_settings(body={"persistent": {"action.auto_create_index": "-siem-*,+*"}})
    mapping = await client.indices.get_mapping(index=into.index)
    assert mapping[into.index]["mappings"]["dynamic"] == "false"


async def test_a_missing_index_is_made_from_its_template(client: AsyncOpenSearch, into: Into) -> None:
    await client.cluster.put_settings(body={"persistent": {"action.auto_create_index": "-siem-*,+*"}})
    assert await into(into.piece(1)) == Fates(1, 0, 0)
    mapping = await client.indices.get_mapping(index=into.index)
    assert mapping[into.index]["mappings"]["dynamic"] == "false"


async def test_an_index_deleted_under_load_comes_back_from_its_template(client: AsyncOpenSearch, into: Into) -> None:
    assert await into(into.piece(1)) == Fates(1, 0, 0)
    await client.indices.delete(index=into.index)
    assert await into(into.piece(2)) == Fates(1, 0, 0)
    mapping = await client.indices.get_mapping(index=into.index)
    assert mapping[into.index]["mappings"]["dynamic"] == "false"


@pytest.mark.parametrize("block", ["index.blocks.write", "index.blocks.read_only_allow_delete"])
async def test_a_blocked_index_is_waited_for(client: AsyncOpenSearch, into: Into, block: str) -> None:
    await into(into.piece(1))
    await client.indices.put_settings(index=into.index, body={block: True})
    parcel = Parcel(into.dataset, "v1", [into.piece(2)], [(a_slice(1), [0])])
    async with into._sink as sink:
        await sink.put(parcel)
        assert await sink.drain(1.5) == 1
        assert {hold.code for hold in sink.state.holds.values()} == {"cluster_block_exception"}
        await client.indices.put_settings(index=into.index, body={block: None})
        assert await sink.drain(15) == 0
    assert parcel.done.result() == Fates(1, 0, 0)
    assert not into.letters.letters


async def test_a_closed_index_is_waited_for(client: AsyncOpenSearch, into: Into) -> None:
    await into(into.piece(1))
    await client.indices.close(index=into.index)
    parcel = Parcel(into.dataset, "v1", [into.piece(2)], [(a_slice(1), [0])])
    async with into._sink as sink:
        await sink.put(parcel)
        assert await sink.drain(1.5) == 1
        await client.indices.open(index=into.index)
        assert await sink.drain(15) == 0
    assert parcel.done.result() == Fates(1, 0, 0)


async def test_dead_letters_are_searchable_and_come_back_whole(client: AsyncOpenSearch, into: Into, unique: str) -> None:
    content = find_content()
    for name, body in components(content).items():
        await client.cluster.put_component_template(name=name, body=body)
    own = own_template("dead-letters", own_indices(content)["dead-letters"], content)
    await client.indices.put_index_template(name="siem-dead-letters", body=own)
    await into(into.piece(1, **{"@timestamp": "never"}))
    [letter] = into.letters.letters.values()
    letter = msgspec.structs.replace(letter, project=unique, data=b"\xff\x00 bytes \n and lines")
    letters = IndexDeadLetters(Endpoint(client), TemplateKeeper(client), SystemClock().now_ms)
    await letters.send([letter])
    await letters.send([letter])
    index = f"siem-dead-letters-{unique}-prod-*"
    await client.indices.refresh(index=index)
    query = {"bool": {"filter": [{"term": {"dead_letter.code": letter.code}}, {"match": {"dead_letter.preview": "bytes"}}]}}
    [hit] = (await client.search(index=index, body={"query": query}))["hits"]["hits"]
    assert hit["_id"] == letter_id(letter)
    assert letter_from_document(hit["_source"]) == letter
    await client.indices.delete(index=index)
