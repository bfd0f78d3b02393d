"""The double's own HTTP/1.1: bytes come in any portions, and what it cannot take it refuses."""

from __future__ import annotations

import asyncio
import json

import pytest

from service.local.kinesis import KinesisDouble


def request(operation: str, body: bytes = b"{}", *headers: str) -> bytes:
    lines = ["POST / HTTP/1.1", "Host: kinesis", f"X-Amz-Target: Kinesis_20131202.{operation}", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


async def exchange(double: KinesisDouble, *portions: bytes, answers: int = 1) -> list[tuple[int, bytes]]:
    """Send the portions one after the other; the status and body of as many answers as expected."""
    host, _, port = double.url.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for portion in portions:
        writer.write(portion)
        await writer.drain()
        await asyncio.sleep(0)
    got: list[tuple[int, bytes]] = []
    for _ in range(answers):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(int(line.split()[1]) for line in head.splitlines() if line.startswith("content-length"))
        got.append((int(head.split()[1]), await reader.readexactly(length)))
    writer.close()
    await writer.wait_closed()
    return got


async def test_a_request_may_come_byte_by_byte(kinesis: KinesisDouble) -> None:
    whole = request("ListStreams")
    [(status, body)] = await exchange(kinesis, *(whole[at : at + 1] for at in range(len(whole))))
    assert status == 200
    assert json.loads(body)["StreamNames"] == []


async def test_requests_may_come_in_one_portion_and_are_answered_in_order(kinesis: KinesisDouble) -> None:
    create = request("CreateStream", b'{"StreamName":"logs","ShardCount":1}')
    got = await exchange(kinesis, create + request("ListStreams"), answers=2)
    assert [status for status, _ in got] == [200, 200]
    assert json.loads(got[1][1])["StreamNames"] == ["logs"]


@pytest.mark.parametrize(
    ("portion", "status"),
    [
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nContent-Length: minus one\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nX: " + b"x" * 70_000, 431),
    ],
    ids=["chunked", "too long", "no length", "endless head"],
)
async def test_what_it_cannot_take_it_refuses(kinesis: KinesisDouble, portion: bytes, status: int) -> None:
    assert [got for got, _ in await exchange(kinesis, portion)] == [status]


@pytest.mark.parametrize(
    ("operation", "body", "code"),
    [
        ("ListStreams", b"{", "SerializationException"),
        ("ListStreams", b"[]", "SerializationException"),
        ("ListStreams", b'{"Limit":"ten"}', "SerializationException"),
        ("ListStreams", b'{"Limit":0}', "ValidationException"),
        ("CreateStream", b'{"StreamName":"no spaces","ShardCount":1}', "ValidationException"),
        ("PutRecord", b"{}", "InvalidArgumentException"),
        ("DanceOnTheTable", b"{}", "UnknownOperationException"),
    ],
)
async def test_a_malformed_request_gets_the_error_aws_gives(
    kinesis: KinesisDouble, operation: str, body: bytes, code: str
) -> None:
    [(status, answer)] = await exchange(kinesis, request(operation, body))
    assert (status, json.loads(answer)["__type"]) == (400, code)


async def test_a_hash_key_outside_128_bits_is_refused(kinesis: KinesisDouble) -> None:
    kinesis.account.create("logs", 1)
    body = {"StreamName": "logs", "Data": "", "PartitionKey": "k", "ExplicitHashKey": str(1 << 128)}
    [(status, answer)] = await exchange(kinesis, request("PutRecord", json.dumps(body).encode()))
    assert (status, json.loads(answer)["__type"]) == (400, "ValidationException")
