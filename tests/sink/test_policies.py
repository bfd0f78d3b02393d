"""ISM policies, against a server that answers as the plugin documents it: the minimal distribution has no such plugin."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from service.build.wanted import wanted
from service.cluster import Kind, Wanted
from service.content import find_content
from service.settings import OpenSearch
from service.sink.opensearch.client import connect
from service.sink.opensearch.plan import Cluster, Plan


class Plugin:
    """Keeps policies and decorates them the way the plugin does."""

    def __init__(self) -> None:
        self.policies: dict[str, dict[str, Any]] = {}
        self.added: list[tuple[str, str]] = []
        self.url = ""

    async def get(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self.policies:
            error = {"type": "status_exception", "reason": "Policy not found"}
            return web.json_response({"error": error, "status": 404}, status=404)
        added = {"policy_id": name, "last_updated_time": 1, "schema_version": 21, "error_notification": None}
        policy = {**self.policies[name], **added}
        return web.json_response({"_id": name, "_version": 1, "_seq_no": 7, "_primary_term": 1, "policy": policy})

    async def put(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name in self.policies:
            assert (request.query["if_seq_no"], request.query["if_primary_term"]) == ("7", "1")
        self.policies[name] = (await request.json())["policy"]
        return web.json_response({"_id": name}, status=201)

    async def add(self, request: web.Request) -> web.Response:
        self.added.append((request.match_info["index"], (await request.json())["policy_id"]))
        return web.json_response({"updated_indices": 0, "failures": False, "failed_indices": []})


async def plugins(_: web.Request) -> web.Response:
    return web.json_response([{"component": "opensearch-index-management"}])


async def settings(_: web.Request) -> web.Response:
    return web.json_response({"persistent": {"action.auto_create_index": "-siem-*,+*"}, "transient": {}, "defaults": {}})


async def root(_: web.Request) -> web.Response:
    return web.json_response({"version": {"distribution": "opensearch", "number": "3.8.0"}})


@pytest.fixture
async def plugin() -> AsyncIterator[Plugin]:
    plugin = Plugin()
    app = web.Application()
    app.router.add_get("/", root)
    app.router.add_get("/_cat/plugins", plugins)
    app.router.add_get("/_cluster/settings", settings)
    app.router.add_get("/_plugins/_ism/policies/{name}", plugin.get)
    app.router.add_put("/_plugins/_ism/policies/{name}", plugin.put)
    app.router.add_post("/_plugins/_ism/add/{index}", plugin.add)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    plugin.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield plugin
    await runner.cleanup()


async def applied(plugin: Plugin, objects: list[Wanted]) -> Plan:
    client = connect(OpenSearch(urls=[plugin.url]))
    try:
        return await Cluster(client).apply(objects)
    finally:
        await client.close()


async def test_policies_are_put_once_reach_old_indices_and_are_updated_with_their_version(plugin: Plugin) -> None:
    policies = [one for one in wanted(find_content(), {}) if one.kind is Kind.POLICY]
    assert len((await applied(plugin, policies)).pending) == len(policies) > 0
    assert {name for _, name in plugin.added} == {one.name for one in policies}
    assert (await applied(plugin, policies)).pending == []
    name = policies[0].name
    plugin.policies[name]["states"][0]["transitions"][0]["conditions"]["min_index_age"] = "1d"
    plan = await applied(plugin, policies)
    assert [(str(change.step), change.wanted.name) for change in plan.pending] == [("update", name)]
    assert (await applied(plugin, policies)).pending == []
