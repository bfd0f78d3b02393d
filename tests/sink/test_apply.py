"""`siem apply` against a real OpenSearch: the plan says what differs, a second run finds nothing to do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from opensearchpy import AsyncOpenSearch

from service.__main__ import main
from service.cluster import Kind, Wanted
from service.sink.opensearch.plan import Cluster, Plan

pytestmark = pytest.mark.stack


def template(dataset: str, /, **properties: Any) -> Wanted:
    body = {
        "index_patterns": [f"siem-{dataset}-*"], "priority": 150, "composed_of": [],
        "template": {
            "settings": {"index": {"number_of_replicas": 0}}, "aliases": {f"siem-{dataset}": {}},
            "mappings": {"dynamic": False, "date_detection": False, "properties": properties},
        },
        "_meta": {"managed_by": "kinesiem"},
    }  # fmt: skip
    return Wanted(Kind.TEMPLATE, f"siem-{dataset}", body)


def steps(plan: Plan, *kinds: Kind) -> list[tuple[str, str, str]]:
    return [(str(c.step), str(c.wanted.kind), c.wanted.name) for c in plan.changes if c.wanted.kind in kinds]


async def test_a_template_is_created_updated_and_then_left_alone(client: AsyncOpenSearch, unique: str) -> None:
    cluster = Cluster(client)
    first = template(unique, number={"type": "long"})
    second = template(unique, number={"type": "long"}, name={"type": "keyword", "ignore_above": 1024})
    name, index = f"siem-{unique}", f"siem-{unique}-shop-prod-2026.11"
    try:
        assert steps(await cluster.apply([first]), Kind.TEMPLATE) == [("create", "index template", name)]
        assert steps(await cluster.apply([first]), Kind.TEMPLATE) == [("unchanged", "index template", name)]
        await client.indices.create(index=index)
        planned = await cluster.plan([second])
        assert steps(planned, Kind.TEMPLATE, Kind.MAPPING) == [
            ("update", "index template", name), ("update", "index mapping", index)
        ]  # fmt: skip
        assert [change.note for change in planned.pending if change.wanted.kind is Kind.TEMPLATE] == [
            "differs in template.mappings.properties.name"
        ]
        await cluster.apply([second])
        assert (await cluster.plan([second])).pending == []
        mapping = await client.indices.get_mapping(index=index)
        assert mapping[index]["mappings"]["properties"]["name"] == {"type": "keyword", "ignore_above": 1024}
    finally:
        await client.indices.delete(index=f"{name}-*")
        await client.indices.delete_index_template(name=name)


async def test_another_type_is_a_conflict_that_waits_for_the_next_period(client: AsyncOpenSearch, unique: str) -> None:
    cluster = Cluster(client)
    name, index = f"siem-{unique}", f"siem-{unique}-shop-prod-2026.11"
    try:
        await cluster.apply([template(unique, source={"properties": {"port": {"type": "keyword"}}})])
        await client.indices.create(index=index)
        plan = await cluster.apply([template(unique, source={"properties": {"port": {"type": "long"}}})])
        assert steps(plan, Kind.MAPPING) == [("conflict", "index mapping", index)]
    finally:
        await client.indices.delete(index=f"{name}-*")
        await client.indices.delete_index_template(name=name)


def test_the_command_shows_its_plan_and_finds_nothing_to_do_afterwards(opensearch: str) -> None:
    def siem(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["apply", *arguments], env={"SIEM_OPENSEARCH_URLS": opensearch})
        return result.exit_code, result.stdout

    assert siem()[0] == 0
    code, text = siem()
    assert (code, "nothing to do" in text) == (0, True)
    code, text = siem("--plan", "--json")
    rows = json.loads(text)
    assert code == 0
    assert {row["step"] for row in rows["changes"]} == {"unchanged"}
    kinds = {(row["kind"], row["name"]) for row in rows["changes"]}
    assert {("index template", "siem-aws.cloudtrail"), ("index template", "siem-dead-letters")} <= kinds
    assert any("index management" in notice for notice in rows["notices"])


def test_a_cluster_that_does_not_answer_is_one_plain_sentence() -> None:
    result = CliRunner().invoke(main, ["apply"], env={"SIEM_OPENSEARCH_URLS": "http://127.0.0.1:9"})
    assert result.exit_code == 1
    assert "http://127.0.0.1:9: OpenSearch does not answer (SIEM_OPENSEARCH_URLS in the environment)" in result.output
