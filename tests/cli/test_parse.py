"""``siem parse``: every shape of input, every event one fate, the line it began at."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tests.cli.conftest import Siem

FLOW = "2 123456789012 eni-0a1b2c3d4e5f60718 192.0.2.7 198.51.100.9 40000 443 6 10 840 1767225600 1767225660 ACCEPT OK"


def trail(number: int, **more: object) -> dict[str, object]:
    return {
        "eventVersion": "1.08",
        "eventID": f"00000000-0000-4000-8000-{number:012d}",
        "eventTime": "2026-01-14T10:00:00Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": "DescribeInstances",
        "awsRegion": "eu-central-1",
        "sourceIPAddress": "192.0.2.7",
        "userIdentity": {"type": "IAMUser", "userName": "ann", "accountId": "123456789012"},
        "recipientAccountId": "123456789012",
        "eventType": "AwsApiCall",
        **more,
    }


def message(events: list[str], group: str = "trail") -> dict[str, object]:
    return {
        "messageType": "DATA_MESSAGE", "owner": "123456789012", "logGroup": group, "logStream": "one",
        "subscriptionFilters": ["x"],
        "logEvents": [{"id": f"{at:056d}", "timestamp": 1767225600000 + at, "message": each} for at, each in enumerate(events)],
    }  # fmt: skip


ONE, TWO = json.dumps(trail(1)), json.dumps(trail(2))
PRETTY = json.dumps(trail(1), indent=2)
LONG = len(PRETTY.splitlines())

SHAPES: dict[str, tuple[str, list[int]]] = {
    "JSON lines": (f"{ONE}\n{TWO}\n", [1, 2]),
    "JSON lines with CRLF and empty lines": (f"\r\n{ONE}\r\n\r\n{TWO}\r\n", [2, 4]),
    "a byte order mark": (f"\ufeff{ONE}\n{TWO}", [1, 2]),
    "an array": (json.dumps([trail(1), trail(2)]), [1, 2]),
    "a pretty array": (json.dumps([trail(1), trail(2)], indent=4), [1, 2]),
    "an envelope of records": (json.dumps({"Records": [trail(1), trail(2)]}), [1, 2]),
    "a pretty envelope": (json.dumps({"Records": [trail(1), trail(2)]}, indent=2), [1, 2]),
    "pretty objects one after the other": (f"{PRETTY}\n{PRETTY}\n", [1, LONG + 1]),
    "objects without anything between them": (f"{ONE}{TWO}", [1, 1]),
    "a CloudWatch Logs message": (json.dumps(message([ONE, TWO])), [1, 2]),
    "an EventBridge envelope": (
        json.dumps({"version": "0", "id": "x", "detail-type": "AWS API Call via CloudTrail", "source": "aws.ec2",
                    "account": "123456789012", "time": "2026-01-14T10:00:00Z", "region": "eu-central-1",
                    "resources": [], "detail": trail(1)}), [1]),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_every_event_of_every_shape_becomes_a_document_with_its_line(shape: str, siem: Siem, tmp_path: Path) -> None:
    text, lines = SHAPES[shape]
    file = tmp_path / "input"
    file.write_bytes(text.encode())
    said = siem("parse", "--dataset", "aws.cloudtrail", file)
    assert (said.code, said.err) == (0, "")
    assert [document["line"] for document in said.documents] == lines
    for document in said.documents:
        assert set(document) == {"line", "_index", "_id", "_source"}
        assert document["_source"]["event"]["action"] == "DescribeInstances"
        assert document["_index"].startswith("siem-aws.cloudtrail-local-none-2026")


@pytest.mark.parametrize("squeeze", [gzip.compress, zstandard.ZstdCompressor().compress, lambda data: data])
def test_compression_is_no_hindrance_and_stdin_is_a_file(squeeze: Any, siem: Siem) -> None:
    said = siem("parse", "--dataset", "aws.cloudtrail", "-", stdin=squeeze(f"{ONE}\n{TWO}\n".encode()))
    assert [document["line"] for document in said.documents] == [1, 2]
    assert said.code == 0


def test_text_lines_are_events_and_a_header_names_the_columns(siem: Siem) -> None:
    header = "srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
    flow = "192.0.2.1 192.0.2.2 1 2 17 3 4 1767225600 1767225601 REJECT OK"
    said = siem("parse", "--dataset", "aws.vpcflow", "-", stdin=f"{header}\n{flow}\n")
    (document,) = said.documents
    assert document["line"] == 2
    assert document["_source"]["event"]["action"] == "reject"
    assert document["_source"]["source"]["ip"] == "192.0.2.1"


def test_columns_may_be_declared_for_text_without_a_header(siem: Siem) -> None:
    columns = ("--columns", "dstaddr srcaddr action")
    said = siem("parse", "--dataset", "aws.vpcflow", *columns, "-", stdin="192.0.2.2 192.0.2.1 ACCEPT")
    (document,) = said.documents
    assert document["_source"]["source"]["ip"] == "192.0.2.1"


def test_without_a_dataset_content_decides(siem: Siem) -> None:
    said = siem("parse", "-", stdin=f"{ONE}\n{FLOW}\n")
    assert {document["line"]: document["_source"]["event"]["dataset"] for document in said.documents} == {
        1: "aws.cloudtrail",
        2: "aws.vpcflow",
    }


def test_broken_events_are_dead_letters_and_their_neighbours_flow_on(siem: Siem) -> None:
    said = siem("parse", "--dataset", "aws.cloudtrail", "-", stdin=f'{ONE}\n{{"eventName": \nnonsense\n{TWO}\n')
    assert said.code == 0
    assert [document["line"] for document in said.documents] == [1, 4]
    assert said.dead
    for dead in said.dead:
        assert set(dead) == {"line", "stage", "code", "reason"}
        assert dead["line"] in (2, 3)


def test_a_truncated_gzip_is_a_dead_letter_not_a_crash(siem: Siem) -> None:
    data = gzip.compress(base64.b64encode(bytes(range(256)) * 40))
    said = siem("parse", "--dataset", "aws.cloudtrail", "-", stdin=data[: len(data) // 2])
    assert said.code == 0
    assert said.dead


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xff\xfe\x00", b"[", b"]", b"{}", b"[]", b"null", b"1", b'"x"', b"\x00" * 50])
def test_odd_input_neither_crashes_nor_is_silent(data: bytes, siem: Siem) -> None:
    said = siem("parse", "--dataset", "aws.cloudtrail", "-", stdin=data)
    assert said.code == 0
    for each in said.dead:
        assert each["reason"]


def test_a_huge_line_is_one_event(siem: Siem) -> None:
    said = siem("parse", "--dataset", "aws.cloudtrail", "-", stdin=json.dumps(trail(1, requestParameters={"x": "y" * 2_000_000})))
    assert len(said.documents) + len(said.dead) == 1


def test_a_file_that_cannot_be_read_ends_with_2(siem: Siem, tmp_path: Path) -> None:
    assert siem("parse", "--dataset", "aws.cloudtrail", tmp_path / "nowhere").code == 2
    assert siem("parse", "--dataset", "aws.cloudtrail", tmp_path).code == 2


def test_a_dataset_that_is_none_is_refused_with_a_suggestion(siem: Siem) -> None:
    said = siem("parse", "--dataset", "aws.cloudtrial", "-", stdin=ONE)
    assert said.code == 2
    assert "did you mean `aws.cloudtrail`?" in said.err


def test_documents_come_in_the_order_of_their_lines(siem: Siem) -> None:
    kinds = [trail(number, **({"errorCode": "AccessDenied"} if number % 3 else {"note": '"'})) for number in range(1, 30)]
    said = siem("parse", "--dataset", "aws.cloudtrail", "-", stdin="\n".join(map(json.dumps, kinds)))
    assert [document["line"] for document in said.documents] == list(range(1, 30))


def test_nothing_but_its_own_input_decides_a_document(siem: Siem) -> None:
    first, second = (siem("parse", "--dataset", "aws.cloudtrail", "-", stdin=f"{ONE}\n{TWO}\n") for _ in range(2))
    for one, two in zip(first.documents, second.documents, strict=True):
        one["_source"]["event"].pop("ingested")
        two["_source"]["event"].pop("ingested")
        assert one == two


def test_a_line_that_a_log_router_wrapped_in_json_is_that_line(siem: Siem) -> None:
    wrapped = json.dumps({"container_id": "x", "log": FLOW})
    said = siem("parse", "--dataset", "aws.vpcflow", "-", stdin=f'{wrapped}\n{{"a": 1}}\n')
    assert said.documents[0]["_source"]["source"]["ip"] == "192.0.2.7"
    assert said.documents[0]["_source"]["event"]["original"] == wrapped
    assert [(dead["line"], dead["code"]) for dead in said.dead] == [(2, "not_columns")]
