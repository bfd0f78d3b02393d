"""Every answer of OpenSearch has one verdict."""

from __future__ import annotations

import pytest

from service.sink.opensearch.verdict import (
    Accepted,
    AlreadyThere,
    Busy,
    Missing,
    Refused,
    TooLarge,
    Verdict,
    item_verdict,
    offending_field,
    request_verdict,
)


@pytest.mark.parametrize(
    ("status", "kind", "verdict"),
    [
        (201, None, Accepted()),
        (200, None, Accepted()),
        (409, "version_conflict_engine_exception", AlreadyThere()),
        (429, "rejected_execution_exception", Busy("rejected_execution_exception", overload=True)),
        (429, "cluster_block_exception", Busy("cluster_block_exception", held=True)),
        (429, "circuit_breaking_exception", Busy("circuit_breaking_exception", overload=True)),
        (503, "unavailable_shards_exception", Busy("unavailable_shards_exception")),
        (503, "circuit_breaking_exception", Busy("circuit_breaking_exception", overload=True)),
        (500, "null_pointer_exception", Busy("null_pointer_exception", internal=True)),
        (403, "cluster_block_exception", Busy("cluster_block_exception", held=True)),
        (403, "index_create_block_exception", Busy("index_create_block_exception", held=True)),
        (403, "security_exception", Busy("security_exception", held=True)),
        (401, "security_exception", Busy("security_exception", held=True)),
        (400, "index_closed_exception", Busy("index_closed_exception", held=True)),
        (404, "index_not_found_exception", Missing("index_not_found_exception")),
        (400, "strict_dynamic_mapping_exception", Refused("strict_dynamic_mapping_exception", "", None)),
        (413, "whatever", Refused("whatever", "", None)),
    ],
)
def test_an_item_has_one_verdict(status: int, kind: str | None, verdict: Verdict) -> None:
    assert item_verdict(status, {"type": kind} if kind else None) == verdict


@pytest.mark.parametrize(
    "reason",
    [
        "Validation Failed: 1: this action would add [2] total LOCAL_ONLY shards, but … [1]/[1] maximum LOCAL_ONLY shards open;",
        "this action would add [2] total shards, but this cluster currently has [1000]/[1000] maximum shards open;",
        "no write index is defined for alias [x]",
        "pipeline with id [x] does not exist",
    ],
)
def test_a_400_about_the_cluster_is_not_the_documents_fault(reason: str) -> None:
    assert item_verdict(400, {"type": "validation_exception", "reason": reason}) == Busy("validation_exception", held=True)


@pytest.mark.parametrize("status", [None, 301, 401, 403, 404, 405, 408, 429, 500, 502, 503, 504, 507])
def test_a_whole_request_is_tried_again_unless_its_body_is_at_fault(status: int | None) -> None:
    assert isinstance(request_verdict(status, "x"), Busy)


def test_a_whole_request_can_be_too_large_or_refused() -> None:
    assert request_verdict(413, "status_413") == TooLarge()
    assert request_verdict(400, "parse_exception") == Refused("parse_exception", "parse_exception", None)


@pytest.mark.parametrize(
    ("reason", "field"),
    [
        ("failed to parse field [source.ip] of type [ip] in document 'x'. Preview of field's value: 'field [a]'", "source.ip"),
        ("object mapping for [user] tried to parse field [user] as object, but found a concrete value", "user"),
        ("mapping set to strict, dynamic introduction of [foo] within [a.bar] is not allowed", "a.bar.foo"),
        ("mapping set to strict, dynamic introduction of [foo] within [_doc] is not allowed", "foo"),
        ('Document contains at least one immense term in field="aws.unmapped._value" (whose UTF8 encoding …)', "aws.unmapped"),
        ('Document contains at least one immense term in field="aws.unmapped._valueAndPath"', "aws.unmapped"),
        ("something went wrong", None),
    ],
)
def test_the_field_that_the_mapper_blames_is_found(reason: str, field: str | None) -> None:
    assert offending_field(reason) == field
