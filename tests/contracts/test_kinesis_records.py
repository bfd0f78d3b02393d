"""What every Kinesis does with records."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import TYPE_CHECKING

import pytest

from tests.contracts.kinesis_calls import STREAM, bounds, create, put, read, read_on, refused, shards

if TYPE_CHECKING:
    from types_aiobotocore_kinesis import KinesisClient

SHARD = "shardId-000000000000"


async def test_sequence_numbers_have_56_digits_and_rise_within_a_shard(client: KinesisClient) -> None:
    await create(client)
    numbers = await put(client, *"abcdef")
    assert {len(number) for number in numbers} == {56}
    assert [int(number) for number in numbers] == sorted({int(number) for number in numbers})


async def test_records_come_back_whole_and_in_order(client: KinesisClient) -> None:
    await create(client)
    started = datetime.now(UTC) - timedelta(seconds=2)
    await put(client, "first", "second", key='a "quoted" ключ')
    opened = await client.get_shard_iterator(StreamName=STREAM, ShardId=SHARD, ShardIteratorType="TRIM_HORIZON")
    records = (await client.get_records(ShardIterator=opened["ShardIterator"]))["Records"]
    assert [record["Data"] for record in records] == [b"first", b"second"]
    assert {record["PartitionKey"] for record in records} == {'a "quoted" ключ'}
    assert all(started < record["ApproximateArrivalTimestamp"] < started + timedelta(seconds=60) for record in records)


@pytest.mark.parametrize("data", [b"", b"\x00\xff\xfe", bytes(range(256)), b"x" * 100_000], ids=len)
async def test_any_bytes_survive(client: KinesisClient, data: bytes) -> None:
    await create(client)
    await client.put_record(StreamName=STREAM, Data=data or b"-", PartitionKey="k")
    opened = await client.get_shard_iterator(StreamName=STREAM, ShardId=SHARD, ShardIteratorType="TRIM_HORIZON")
    records = (await client.get_records(ShardIterator=opened["ShardIterator"]))["Records"]
    assert [record["Data"] for record in records] == [data or b"-"]


async def test_trim_horizon_starts_at_the_oldest_and_latest_after_the_newest(client: KinesisClient) -> None:
    await create(client)
    await put(client, "old")
    assert (await read(client, SHARD, "TRIM_HORIZON")).texts == ["old"]
    latest = await client.get_shard_iterator(StreamName=STREAM, ShardId=SHARD, ShardIteratorType="LATEST")
    await put(client, "new")
    assert (await read_on(client, latest["ShardIterator"])).texts == ["new"]


async def test_at_and_after_a_sequence_number(client: KinesisClient) -> None:
    await create(client)
    numbers = await put(client, "a", "b", "c")
    assert (await read(client, SHARD, "AT_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1])).texts == ["b", "c"]
    assert (await read(client, SHARD, "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[1])).texts == ["c"]
    assert (await read(client, SHARD, "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=numbers[2])).texts == []


async def test_the_shards_own_starting_sequence_number_is_a_place_to_start(client: KinesisClient) -> None:
    await create(client)
    await put(client, "a")
    first = (await shards(client))[0]["SequenceNumberRange"]["StartingSequenceNumber"]
    assert (await read(client, SHARD, "AT_SEQUENCE_NUMBER", StartingSequenceNumber=first)).texts == ["a"]


async def test_at_a_timestamp_starts_with_the_first_record_since(client: KinesisClient) -> None:
    await create(client)
    await put(client, "before")
    await asyncio.sleep(1.1)
    between = datetime.now(UTC)
    await asyncio.sleep(0.1)
    await put(client, "since")
    assert (await read(client, SHARD, "AT_TIMESTAMP", Timestamp=between)).texts == ["since"]
    earlier = between - timedelta(hours=1)
    assert (await read(client, SHARD, "AT_TIMESTAMP", Timestamp=earlier)).texts == ["before", "since"]


async def test_reading_goes_on_where_the_last_call_ended(client: KinesisClient) -> None:
    await create(client)
    await put(client, *"abcde")
    opened = await client.get_shard_iterator(StreamName=STREAM, ShardId=SHARD, ShardIteratorType="TRIM_HORIZON")
    first = await client.get_records(ShardIterator=opened["ShardIterator"], Limit=2)
    assert [record["Data"] for record in first["Records"]] == [b"a", b"b"]
    assert (await read_on(client, first["NextShardIterator"])).texts == ["c", "d", "e"]


async def test_an_iterator_can_be_used_twice(client: KinesisClient) -> None:
    await create(client)
    await put(client, "a")
    opened = await client.get_shard_iterator(StreamName=STREAM, ShardId=SHARD, ShardIteratorType="TRIM_HORIZON")
    for _ in range(2):
        assert (await read_on(client, opened["ShardIterator"])).texts == ["a"]


async def test_the_partition_keys_md5_decides_the_shard(client: KinesisClient) -> None:
    await create(client, shards=4)
    ranges = {shard["ShardId"]: bounds(shard) for shard in await shards(client)}
    for key in ("a", "b", "c", "d", "ü"):
        placed = await client.put_record(StreamName=STREAM, Data=b"-", PartitionKey=key)
        low, high = ranges[placed["ShardId"]]
        assert low <= int(md5(key.encode()).hexdigest(), 16) <= high


async def test_an_explicit_hash_key_overrules_the_partition_key(client: KinesisClient) -> None:
    await create(client, shards=4)
    for shard in await shards(client):
        for bound in bounds(shard):
            placed = await client.put_record(StreamName=STREAM, Data=b"-", PartitionKey="same", ExplicitHashKey=str(bound))
            assert placed["ShardId"] == shard["ShardId"]


async def test_many_records_in_one_call_each_get_their_own_answer(client: KinesisClient) -> None:
    await create(client, shards=2)
    answer = await client.put_records(
        StreamName=STREAM, Records=[{"Data": b"%d" % n, "PartitionKey": str(n)} for n in range(500)]
    )
    assert answer["FailedRecordCount"] == 0
    assert len({(entry["ShardId"], entry["SequenceNumber"]) for entry in answer["Records"]}) == 500
    texts = [text for shard in await shards(client) for text in (await read(client, shard["ShardId"], "TRIM_HORIZON")).texts]
    assert sorted(texts, key=int) == [str(n) for n in range(500)]


async def test_more_than_500_records_in_one_call_are_refused(client: KinesisClient) -> None:
    await create(client)
    with refused("ValidationException"):
        await client.put_records(StreamName=STREAM, Records=[{"Data": b"-", "PartitionKey": "k"}] * 501)


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")  # aiohttp about aiobotocore's bytes
async def test_a_record_above_the_size_limit_is_refused(client: KinesisClient) -> None:
    await create(client)
    with refused("ValidationException", "InvalidArgumentException"):
        await client.put_record(StreamName=STREAM, Data=b"x" * ((1 << 20) + 1), PartitionKey="k")


async def test_a_partition_key_of_257_characters_is_refused(client: KinesisClient) -> None:
    await create(client)
    with refused("ValidationException", "InvalidArgumentException"):
        await client.put_record(StreamName=STREAM, Data=b"-", PartitionKey="k" * 257)


async def test_a_sequence_number_of_another_shard_is_refused(client: KinesisClient) -> None:
    await create(client, shards=2)
    placed = await client.put_record(StreamName=STREAM, Data=b"-", PartitionKey="k", ExplicitHashKey="0")
    assert placed["ShardId"] == SHARD
    with refused("InvalidArgumentException"):
        await read(client, "shardId-000000000001", "AT_SEQUENCE_NUMBER", StartingSequenceNumber=placed["SequenceNumber"])


async def test_what_is_no_iterator_is_refused(client: KinesisClient) -> None:
    await create(client)
    with refused("InvalidArgumentException"):
        await client.get_records(ShardIterator="bm9uc2Vuc2U=")


async def test_an_unknown_stream_and_an_unknown_shard_are_not_found(client: KinesisClient) -> None:
    with refused("ResourceNotFoundException"):
        await client.put_record(StreamName="nowhere", Data=b"-", PartitionKey="k")
    await create(client)
    with refused("ResourceNotFoundException"):
        await read(client, "shardId-000000000007", "LATEST")
