"""Templates: cheap, strict about what is emitted, and safe from everything Lucene refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from service.build.templates import DATE_FORMAT, artefacts, mapping_of, properties
from service.build.wanted import policy_age, wanted
from service.cluster import Kind, Wanted, holds
from service.content import find_content
from service.fields import FieldSpec
from service.naming import Period
from service.pipeline.load import load_pipelines
from service.sink.opensearch.older import fitted, version_of

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
    assert mapping_of(FieldSpec("destination.port", "long", "")) == {"type": "long"}


def test_a_column_has_no_inverted_index_and_what_must_be_found_has_one() -> None:
    assert mapping_of(FieldSpec("x", "keyword", "", column=True)) == {"type": "keyword", "ignore_above": 1024, "index": False}
    assert mapping_of(FieldSpec("x", "geo_point", "", column=True)) == {"type": "geo_point"}
    found = dict(leaves(TEMPLATES["aws.cloudtrail"]["template"]["mappings"]["properties"]))
    for name in (
        "event.action", "event.provider", "event.outcome", "event.category", "user.name", "user.id", "user_agent.original",
        "source.ip", "related.ip", "related.user", "cloud.account.id", "cloud.region", "error.code",
        "aws.cloudtrail.user_identity.arn", "aws.cloudtrail.user_identity.type", "aws.cloudtrail.user_identity.access_key_id",
        "aws.cloudtrail.flattened.request_parameters.bucketName",
    ):  # fmt: skip
        assert "index" not in found[name], name
    assert found["event.id"] == {"type": "keyword", "ignore_above": 1024, "index": False}


def test_dates_try_first_what_our_documents_say() -> None:
    dates = {
        mapping["format"]
        for template in TEMPLATES.values()
        for _, mapping in leaves(template["template"]["mappings"]["properties"])
        if mapping["type"] == "date" and mapping.get("doc_values", True)
    }
    assert dates == {DATE_FORMAT}
    assert DATE_FORMAT.split("||")[1:] == ["strict_date_optional_time", "epoch_millis"]


def test_a_deployment_chooses_its_codec() -> None:
    def codec(objects: list[Wanted]) -> list[str]:
        return [one.body["template"]["settings"]["index"]["codec"] for one in objects if one.kind is Kind.COMPONENT]

    assert codec(wanted(CONTENT, PIPELINES)) == ["default"]
    assert codec(wanted(CONTENT, PIPELINES, codec="best_compression")) == ["best_compression"]


def test_before_2_19_columns_are_indexed_too_and_what_is_only_kept_stays_so() -> None:
    properties = {
        "a": {"type": "keyword", "ignore_above": 1024, "index": False},
        "b": {"properties": {"c": {"type": "date", "index": False}}},
        "kept": {"type": "keyword", "index": False, "doc_values": False},
        "index": {"type": "keyword"},
    }
    template = Wanted(Kind.TEMPLATE, "x", {"template": {"mappings": {"properties": properties}}})
    old = fitted(template, version_of("2.18.0")).body["template"]["mappings"]["properties"]
    assert old == {
        "a": {"type": "keyword", "ignore_above": 1024},
        "b": {"properties": {"c": {"type": "date"}}},
        "kept": {"type": "keyword", "index": False, "doc_values": False},
        "index": {"type": "keyword"},
    }
    for number in ("2.19.0", "3.8.0", "10.0.0", "odd"):
        assert fitted(template, version_of(number)) is template
