"""Rows of Parquet, and of logs delivered as JSON, beside the lines that say the same."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.decode import split
from service.enrich.enrichers import Enrichers
from service.event import Slice
from service.pipeline.compile import compile_pipeline
from service.pipeline.compiled import CompiledPipeline
from service.pipeline.load import load_pipeline

PIPELINES = Path(__file__).parents[2] / "pipelines"
NAMES = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status "
    "tcp-flags type pkt-srcaddr pkt-dstaddr flow-direction traffic-path"
)
LINES = [
    "5 111122223333 eni-1 10.1.1.1 192.0.2.9 99 443 6 5 420 1768381950 1768382010 ACCEPT OK 2 IPv4 10.1.1.1 192.0.2.9 egress 8",
    "5 111122223333 eni-1 192.0.2.9 10.1.1.1 443 99 6 5 420 1768381950 1768382010 REJECT OK 18 IPv4 192.0.2.9 10.1.1.1 ingress -",
    "5 111122223333 eni-1 - - - - - - - 1768381950 1768382010 - NODATA - - - - - -",
]
NUMBERS = frozenset(
    ["version", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end", "tcp-flags", "traffic-path"]
)


@pytest.fixture(scope="module")
def pipeline() -> CompiledPipeline:
    return compile_pipeline(load_pipeline(PIPELINES / "aws.vpcflow"), Enrichers.empty())


def documents(pipeline: CompiledPipeline, events: list[str], columns: str | None = None) -> list[dict[str, Any]]:
    slice_ = Slice("shop", "prod", "s", "shardId-000000000000", "1", 0, 1_768_382_100_000, events, columns=columns)
    carried = pipeline.carry(slice_, 1_768_382_100_000)
    assert not carried.dead
    found = [json.loads(piece.splitlines()[1]) for _, piece in sorted(zip(carried.at, carried.pieces, strict=True))]
    for document in found:
        del document["event"]["original"]
    return found


def rows(separator: str) -> list[dict[str, Any]]:
    """The lines as a table of numbers, texts and nulls, its columns called as AWS calls those of Parquet."""
    return [
        {
            name.replace("-", separator): None if value == "-" else int(value) if name in NUMBERS else value
            for name, value in zip(NAMES.split(), line.split(), strict=True)
        }
        for line in LINES
    ]


def test_a_row_of_parquet_is_the_document_of_its_line(pipeline: CompiledPipeline) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows("_")), sink)
    (run,) = split(sink.getvalue()).runs
    assert documents(pipeline, run.events) == documents(pipeline, LINES, NAMES)


@pytest.mark.parametrize("separator", ["_", "-"])
def test_a_row_of_json_is_too_with_its_nulls_and_numbers_or_texts(pipeline: CompiledPipeline, separator: str) -> None:
    expected = documents(pipeline, LINES, NAMES)
    assert documents(pipeline, [json.dumps(row) for row in rows(separator)]) == expected
    texts = [{name: value if value is None else str(value) for name, value in row.items()} for row in rows(separator)]
    assert documents(pipeline, [json.dumps(row) for row in texts]) == expected


def test_the_fast_and_the_careful_form_of_rows_agree(pipeline: CompiledPipeline) -> None:
    plain = [json.dumps(row) for row in rows("_")]
    careful = [row.replace("version", "v\\u0065rsion", 1) for row in plain]
    assert documents(pipeline, careful) == documents(pipeline, plain)


def test_a_line_wrapped_in_an_object_is_still_a_line(pipeline: CompiledPipeline) -> None:
    line = " ".join(LINES[0].split()[:14])
    assert documents(pipeline, [json.dumps({"log": line})]) == documents(pipeline, [line])


def test_two_columns_of_one_name_lose_nothing(pipeline: CompiledPipeline) -> None:
    (found,) = documents(pipeline, ["eni-1 10.0.0.1 192.0.2.9 eni-1 x"], "interface-id srcaddr dstaddr interface_id interface_id")
    assert found["aws"]["vpcflow"]["interface_id"] == "eni-1"
    assert found["aws"]["unmapped"] == {"interface_id": "eni-1", "interface_id_5": "x"}
