"""What only the double does: quotas, a clock that turns, faults on request, two HTTP versions on one port."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError, ReadTimeoutError
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded

from service.local.kinesis import KinesisDouble, Limits, TurningClock
from tests.contracts.kinesis_calls import read, refused
from tests.contracts.kinesis_servers import client_of

if TYPE_CHECKING:
    from types_aiobotocore_kinesis import KinesisClient

SHARD = "shardId-000000000000"


@asynccontextmanager
async def serving(
    limits: Limits | None = None, clock: TurningClock | None = None
) -> AsyncIterator[tuple[KinesisDouble, KinesisClient]]:
    async with KinesisDouble(limits=limits, clock=clock) as double, client_of(double.url) as client:
        double.account.create("logs", 1)
        yield double, client


async def iterator_of(client: KinesisClient) -> str:
    opened = await client.get_shard_iterator(StreamName="logs", ShardId=SHARD, ShardIteratorType="TRIM_HORIZON")
    return opened["ShardIterator"]


async def test_the_sixth_read_of_a_second_is_throttled_and_the_next_second_is_free() -> None:
    clock = TurningClock(frozen=True)
    async with serving(Limits(), clock) as (_, client):
        iterator = await iterator_of(client)
        for _ in range(5):
            await client.get_records(ShardIterator=iterator)
        with refused("ProvisionedThroughputExceededException"):
            await client.get_records(ShardIterator=iterator)
        clock.advance(1)
        await client.get_records(ShardIterator=iterator)


async def test_reading_ten_megabytes_blocks_the_shard_for_the_time_that_is_worth() -> None:
    clock = TurningClock(frozen=True)
    async with serving(Limits(write_bytes=0, write_records=0), clock) as (double, client):
        shard = double.account.stream("logs").shard(SHARD)
        for _ in range(12):
            shard.put(bytes(1 << 20), "k")
        iterator = await iterator_of(client)
        assert len((await client.get_records(ShardIterator=iterator))["Records"]) == 10
        clock.advance(3)
        with refused("ProvisionedThroughputExceededException"):
            await client.get_records(ShardIterator=iterator)
        clock.advance(2)
        await client.get_records(ShardIterator=iterator)


async def test_writing_over_a_megabyte_a_second_fails_record_by_record() -> None:
    clock = TurningClock(frozen=True)
    async with serving(Limits(), clock) as (_, client):
        codes: list[str | None] = []
        for _ in range(3):
            answer = await client.put_records(
                StreamName="logs", Records=[{"Data": bytes(200_000), "PartitionKey": "k"} for _ in range(3)]
            )
            codes += [entry.get("ErrorCode") for entry in answer["Records"]]
        assert codes == [None] * 6 + ["ProvisionedThroughputExceededException"] * 3
        assert answer["FailedRecordCount"] == 3


async def test_an_iterator_expires_after_five_minutes() -> None:
    clock = TurningClock(frozen=True)
    async with serving(clock=clock) as (_, client):
        iterator = await iterator_of(client)
        clock.advance(299)
        await client.get_records(ShardIterator=iterator)
        clock.advance(2)
        with refused("ExpiredIteratorException"):
            await client.get_records(ShardIterator=iterator)


async def test_all_iterators_can_be_expired_at_once() -> None:
    async with serving() as (double, client):
        iterator = await iterator_of(client)
        double.account.expire_iterators()
        with refused("ExpiredIteratorException"):
            await client.get_records(ShardIterator=iterator)
        await asyncio.sleep(0.005)
        await client.get_records(ShardIterator=await iterator_of(client))


async def test_records_and_closed_shards_are_forgotten_after_the_retention() -> None:
    clock = TurningClock(frozen=True)
    async with serving(clock=clock) as (double, client):
        stream = double.account.stream("logs")
        stream.shard(SHARD).put(b"old", "k")
        clock.advance(3600)
        low, _ = stream.split(SHARD, 1 << 127)
        low.put(b"young", "k")
        clock.advance(23 * 3600 + 1)
        assert (await read(client, SHARD, "TRIM_HORIZON")).texts == []
        clock.advance(3600)
        assert [shard["ShardId"] for shard in (await client.list_shards(StreamName="logs"))["Shards"]] == [
            "shardId-000000000001",
            "shardId-000000000002",
        ]
        with refused("ResourceNotFoundException"):
            await read(client, SHARD, "TRIM_HORIZON")


async def test_a_planned_throttle_hits_as_often_as_asked() -> None:
    async with serving() as (double, client):
        fault = double.faults.throttle("PutRecord", times=2)
        for _ in range(2):
            with refused("ProvisionedThroughputExceededException"):
                await client.put_record(StreamName="logs", Data=b"x", PartitionKey="k")
        await client.put_record(StreamName="logs", Data=b"x", PartitionKey="k")
        assert fault.hits == 2


async def test_a_planned_failure_answers_500() -> None:
    async with serving() as (double, client):
        double.faults.fail("ListShards")
        with pytest.raises(ClientError) as caught:
            await client.list_shards(StreamName="logs")
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500


async def test_a_dropped_put_is_stored_though_its_answer_never_arrives() -> None:
    async with serving() as (double, client):
        double.faults.drop("PutRecord")
        with pytest.raises(HTTPClientError):
            await client.put_record(StreamName="logs", Data=b"stored", PartitionKey="k")
        assert (await read(client, SHARD, "TRIM_HORIZON")).texts == ["stored"]


async def test_a_stalled_request_runs_into_the_clients_own_timeout() -> None:
    async with serving() as (double, client):
        double.faults.stall("ListShards")
        with pytest.raises((ReadTimeoutError, TimeoutError)):
            async with asyncio.timeout(0.3):
                await client.list_shards(StreamName="logs")


async def test_a_restart_keeps_the_streams_and_the_port() -> None:
    async with serving() as (double, client):
        await client.put_record(StreamName="logs", Data=b"kept", PartitionKey="k")
        url = double.url
        await double.stop()
        with pytest.raises((EndpointConnectionError, HTTPClientError)):
            await client.list_streams()
        await double.start()
        assert double.url == url
        assert (await read(client, SHARD, "TRIM_HORIZON")).texts == ["kept"]


async def test_http2_with_prior_knowledge_answers_on_the_same_port() -> None:
    async with serving() as (double, _):
        status, body = await over_http2(double.url, "DescribeStreamSummary", {"StreamName": "logs"})
    assert status == "200"
    assert json.loads(body)["StreamDescriptionSummary"]["OpenShardCount"] == 1


async def test_http2_flow_control_holds_a_large_answer_back_until_the_client_makes_room() -> None:
    async with serving() as (double, client):
        for _ in range(4):
            double.account.stream("logs").shard(SHARD).put(bytes(200_000), "k")
        status, body = await over_http2(double.url, "GetRecords", {"ShardIterator": await iterator_of(client)})
    assert status == "200"
    assert len(json.loads(body)["Records"]) == 4


async def over_http2(url: str, operation: str, request: dict[str, str]) -> tuple[str, bytes]:
    host, _, port = url.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    connection = H2Connection(H2Configuration(client_side=True))
    connection.initiate_connection()
    headers = [(":method", "POST"), (":path", "/"), (":scheme", "http"), (":authority", host)]
    connection.send_headers(1, [*headers, ("x-amz-target", f"Kinesis_20131202.{operation}")])
    connection.send_data(1, json.dumps(request).encode(), end_stream=True)
    writer.write(connection.data_to_send())
    status, body = "", b""
    while True:
        for event in connection.receive_data(await reader.read(65536)):
            match event:
                case ResponseReceived(headers=list(found)):
                    status = dict(found)[b":status"].decode()
                case DataReceived(data=bytes(data), flow_controlled_length=int(length)):
                    body += data
                    connection.acknowledge_received_data(length, 1)
                case StreamEnded():
                    writer.close()
                    await writer.wait_closed()
                    return status, body
        writer.write(connection.data_to_send())
