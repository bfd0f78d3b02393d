"""Lines without a header in an order that is not the default's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from service.enrich.enrichers import Enrichers
from service.event import Slice
from service.pipeline.compile import compile_pipeline
from service.pipeline.compiled import CompiledPipeline
from service.pipeline.load import load_pipeline

PIPELINES = Path(__file__).parents[2] / "pipelines"
DEFAULT = "2 111122223333 eni-0a1b2c3d 10.0.0.1 192.0.2.9 1025 443 6 5 420 1768381950 1768382010 ACCEPT OK"
NAT = "i-0a1b2c3d4e5f60718 eni-0a1b2c3d 10.0.0.1 10.0.0.2 10.0.0.1 203.0.113.5"
BY_VERSION = (
    "5 111122223333 eni-0a1b2c3d 10.0.0.1 192.0.2.9 1025 443 6 5 420 1768381950 1768382010 ACCEPT OK vpc-1 subnet-1 i-1 2 IPv4 "
    "10.0.0.1 192.0.2.9 eu-west-1 euw1-az1 - - - - egress 8"
)
BY_GUIDE = (
    "5 10.0.0.1 192.0.2.9 1025 443 6 1768381950 1768382010 IPv4 5 420 111122223333 vpc-1 subnet-1 i-1 eni-0a1b2c3d eu-west-1 "
    "euw1-az1 - - ACCEPT 2 10.0.0.1 192.0.2.9 - - 8 egress OK"
)


@pytest.fixture(scope="module")
def pipeline() -> CompiledPipeline:
    return compile_pipeline(load_pipeline(PIPELINES / "aws.vpcflow"), Enrichers.empty())


def documents(pipeline: CompiledPipeline, lines: list[str], columns: str | None = None) -> dict[int, dict[str, Any]]:
    slice_ = Slice("shop", "prod", "s", "shardId-000000000000", "1", 0, 1_768_382_100_000, lines, columns=columns)
    carried = pipeline.carry(slice_, 1_768_382_100_000)
    assert len(carried.pieces) + len(carried.dead) == len(lines)
    assert not carried.flags
    return {at: json.loads(piece.splitlines()[1]) for at, piece in zip(carried.at, carried.pieces, strict=True)}


def test_lines_of_several_layouts_side_by_side_each_find_theirs(pipeline: CompiledPipeline) -> None:
    found = documents(pipeline, [DEFAULT, NAT, BY_VERSION, BY_GUIDE, DEFAULT])
    assert [found[at]["source"]["ip"] for at in range(5)] == ["10.0.0.1"] * 5
    assert [found[at]["destination"]["ip"] for at in range(5)] == ["192.0.2.9", "10.0.0.2", "192.0.2.9", "192.0.2.9", "192.0.2.9"]
    assert found[1]["aws"]["vpcflow"]["pkt_dstaddr"] == "203.0.113.5"


def test_layouts_of_the_same_width_are_told_apart_by_their_values(pipeline: CompiledPipeline) -> None:
    found = documents(pipeline, [BY_GUIDE, BY_VERSION])
    for document in found.values():
        assert document["event"]["end"] == "2026-01-14T09:13:30.000Z"
        assert document["aws"]["vpcflow"]["traffic_path"] == "8"
        assert document["network"]["bytes"] == 420


def test_doubled_blanks_do_not_hide_the_layout(pipeline: CompiledPipeline) -> None:
    assert documents(pipeline, [NAT.replace(" eni", "  eni")])[0]["aws"]["vpcflow"]["interface_id"] == "eni-0a1b2c3d"


def test_what_is_declared_is_not_guessed_at(pipeline: CompiledPipeline) -> None:
    columns = "instance-id interface-id dstaddr srcaddr pkt-dstaddr pkt-srcaddr"
    assert documents(pipeline, [NAT], columns)[0]["source"]["ip"] == "10.0.0.2"


def test_a_line_that_fits_no_layout_of_its_width_is_the_default_with_flags(pipeline: CompiledPipeline) -> None:
    slice_ = Slice("shop", "prod", "s", "shardId-000000000000", "1", 0, 1_768_382_100_000, ["a b c d e f"])
    carried = pipeline.carry(slice_, 1_768_382_100_000)
    assert carried.flags["cast_error"] == 1


def test_a_protocol_that_is_no_number_costs_only_the_community_id(pipeline: CompiledPipeline) -> None:
    found = documents(pipeline, [DEFAULT.replace(" 6 5 ", " tcp 5 ")])[0]
    assert found["network"]["iana_number"] == "tcp"
    assert "community_id" not in found["network"]
