"""Alerts and the documents behind them in a real OpenSearch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from opensearchpy import AsyncOpenSearch

from service.sink.alert_store import AlertStore, Written

pytestmark = pytest.mark.stack


class Made:
    """Indices that are there."""

    async def ready(self, dataset: str) -> bool:
        return True

    async def ensure(self, index: str, dataset: str) -> bool:
        raise AssertionError("the index is there")


@pytest.fixture
async def index(client: AsyncOpenSearch, unique: str) -> AsyncIterator[str]:
    name = f"test-{unique}"
    await client.indices.create(index=name, body={"settings": {"number_of_replicas": 0}, "mappings": {"dynamic": False}})
    yield name
    await client.indices.delete(index=name)


async def test_what_an_analyst_said_of_an_alert_stays_when_it_goes_into_another(client: AsyncOpenSearch, index: str) -> None:
    store = AlertStore(client, Made())

    def written(identity: str, **more: Any) -> Written:
        return Written(index, identity, {"alert": {"status": "new", "count": 1}}, {"alert": {"count": 2}}, **more)

    await store.write([written("a"), written("b"), written("c")])
    await client.update(index=index, id="b", body={"doc": {"alert": {"status": "acknowledged"}}})
    await store.write([written("a", merged_into="d"), written("b", merged_into="d"), written("c")])
    found = {identity: dict(await store.read(index, identity) or {})["alert"] for identity in "abc"}
    assert found == {
        "a": {"status": "closed", "count": 1, "merged_into": "d"},
        "b": {"status": "acknowledged", "count": 1, "merged_into": "d"},
        "c": {"status": "new", "count": 2},
    }


async def test_documents_of_events_come_without_their_raw_events_and_not_at_all_where_they_are_gone(
    client: AsyncOpenSearch, index: str
) -> None:
    store = AlertStore(client, Made())
    for number in range(120):
        await client.create(index=index, id=f"e/{number}", body={"event": {"original": "{}", "action": f"Call{number}"}})
    refs = [f"{index}/e/{number}" for number in range(121)]
    found = await store.documents([*refs, f"{index}-gone/e/1"])
    assert found == {ref: {"event": {"action": f"Call{number}"}} for number, ref in enumerate(refs[:120])}
