"""Templates: cheap, strict about what is emitted, and safe from everything Lucene refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from service.build.templates import artefacts, mapping_of, properties
from service.build.wanted import policy_age, wanted
from service.cluster import Kind, holds
from service.content import find_content
from service.fields import FieldSpec
from service.naming import Period
from service.pipeline.load import load_pipelines

CONTENT = find_content()
PIPELINES = load_pipelines(CONTENT.pipelines)
TEMPLATES = {artefact.path.stem: json.loads(artefact.text) for artefact in artefacts(CONTENT, PIPELINES)}


def leaves(level: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, mapping in level.items():
        if "properties" in mapping:
            yield from leaves(mapping["properties"], f"{path}{name}.")
        else:
            yield f"{path}{name}", mapping


@pytest.mark.parametrize("dataset", sorted(TEMPLATES))
def test_nothing_is_guessed_and_no_keyword_is_too_long_for_lucene(dataset: str) -> None:
    template = TEMPLATES[dataset]
    assert template["template"]["mappings"]["dynamic"] is False
    assert template["index_patterns"] == [f"siem-{dataset}-*"]
    fields = dict(leaves(template["template"]["mappings"]["properties"]))
    assert fields["@timestamp"]["type"] == "date"
    for name, mapping in fields.items():
        if mapping["type"] in {"keyword", "wildcard"}:
            assert mapping.get("ignore_above", 0) * 4 <= 32766, name
            assert "ignore_above" in mapping or mapping["doc_values"] is False, name


@pytest.mark.parametrize("dataset", sorted(PIPELINES))
def test_events_keep_their_original_unindexed_and_their_leftovers_flat(dataset: str) -> None:
    template = TEMPLATES[dataset]["template"]
    fields = dict(leaves(template["mappings"]["properties"]))
    if "event.original" in fields:
        assert fields["event.original"] == {"type": "keyword", "index": False, "doc_values": False}
    assert fields[f"{dataset.partition('.')[0]}.unmapped"] == {"type": "flat_object"}
    assert set(template["aliases"]) == {f"siem-{dataset}", "siem-all"}
    assert not [name for name, mapping in fields.items() if mapping["type"] == "text"]


def test_a_field_with_fields_below_it_is_an_object_whatever_it_said() -> None:
    outer = [FieldSpec("a", "object", ""), FieldSpec("n", "nested", "")]
    inner = [FieldSpec("a.b", "keyword", ""), FieldSpec("n.x", "ip", "")]
    assert properties([*outer, *inner]) == {
        "a": {"properties": {"b": {"type": "keyword", "ignore_above": 1024}}},
        "n": {"type": "nested", "properties": {"x": {"type": "ip"}}},
    }


def test_what_is_not_indexed_costs_nothing() -> None:
    assert mapping_of(FieldSpec("x", "object", "", indexed=False)) == {"type": "object", "enabled": False}
    stored = {"type": "keyword", "index": False, "doc_values": False}
    assert mapping_of(FieldSpec("x", "match_only_text", "", indexed=False)) == stored


@pytest.mark.parametrize(
    ("retention", "period", "age"),
    [("30d", "day", "31d"), ("30d", "month", "61d"), ("2w", "week", "21d"), ("1y", "month", "396d"), ("12h", "day", "2d")],
)
def test_an_index_lives_until_its_youngest_event_is_past_its_retention(retention: str, period: Period, age: str) -> None:
    assert policy_age(retention, period) == age


def test_every_index_has_one_retention_and_no_policy_blocks_writes() -> None:
    policies = [one for one in wanted(CONTENT, PIPELINES) if one.kind is Kind.POLICY]
    patterns = [pattern for one in policies for pattern in one.body["policy"]["ism_template"][0]["index_patterns"]]
    assert sorted(patterns) == sorted(f"siem-{name}-*" for name in TEMPLATES)
    assert not [one for one in policies if "read_only" in json.dumps(one.body) or "force_merge" in json.dumps(one.body)]


def test_a_reader_of_one_project_cannot_read_another_that_begins_alike() -> None:
    from fnmatch import fnmatchcase

    roles = {one.name: one.body for one in wanted(CONTENT, PIPELINES, [("shop", "prod"), ("shop-prod", "x")])}
    patterns = roles["siem-reader-shop-prod"]["index_permissions"][0]["index_patterns"]
    assert any(fnmatchcase("siem-aws.cloudtrail-shop-prod-2026.11", pattern) for pattern in patterns)
    for other in ("shop-prod-x", "x-shop-prod", "shop-dev"):
        assert not any(fnmatchcase(f"siem-aws.cloudtrail-{other}-2026.11", pattern) for pattern in patterns), other


def test_what_the_cluster_adds_is_no_difference() -> None:
    found = {"index": {"number_of_shards": "1", "codec": "best_compression", "provided_name": "x"}}
    assert holds(found, {"index": {"number_of_shards": 1, "codec": "best_compression"}})
    assert not holds(found, {"index": {"number_of_shards": 2}})


def test_only_the_events_own_time_pays_for_an_index_of_dates() -> None:
    assert "index" not in mapping_of(FieldSpec("@timestamp", "date", ""))
    assert mapping_of(FieldSpec("event.ingested", "date", ""))["index"] is False
    assert mapping_of(FieldSpec("source.bytes", "long", "")) == {"type": "long", "index": False}
    assert mapping_of(FieldSpec("source.port", "long", "")) == {"type": "long"}
