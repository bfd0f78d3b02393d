"""What every Kinesis does with streams and shards."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.contracts.kinesis_calls import (
    STREAM,
    TOP,
    bounds,
    cover_everything,
    create,
    is_open,
    put,
    read,
    refused,
    settled,
    shards,
)

if TYPE_CHECKING:
    from types_aiobotocore_kinesis import KinesisClient

MIDDLE = str((TOP + 1) // 2)


async def test_a_stream_describes_itself(client: KinesisClient) -> None:
    arn = await create(client, shards=3)
    assert arn.startswith("arn:aws:kinesis:")
    assert arn.endswith(f":stream/{STREAM}")
    summary = (await client.describe_stream_summary(StreamName=STREAM))["StreamDescriptionSummary"]
    assert (summary["OpenShardCount"], summary["RetentionPeriodHours"]) == (3, 24)
    assert (await client.list_streams())["StreamNames"] == [STREAM]


async def test_a_name_is_taken_once_and_free_again_after_the_stream_is_deleted(client: KinesisClient) -> None:
    await create(client)
    with refused("ResourceInUseException"):
        await client.create_stream(StreamName=STREAM, ShardCount=1)
    await client.delete_stream(StreamName=STREAM)
    with refused("ResourceNotFoundException"):
        for _ in range(200):
            await client.describe_stream_summary(StreamName=STREAM)


@pytest.mark.parametrize("count", [1, 2, 3, 7])
async def test_the_shards_of_a_new_stream_cover_every_hash_key_once(client: KinesisClient, count: int) -> None:
    await create(client, shards=count)
    made = await shards(client)
    assert [shard["ShardId"] for shard in made] == [f"shardId-{n:012d}" for n in range(count)]
    assert cover_everything(made)
    assert all(is_open(shard) for shard in made)


async def test_shards_are_listed_page_by_page(client: KinesisClient) -> None:
    await create(client, shards=5)
    page = await client.list_shards(StreamName=STREAM, MaxResults=2)
    seen = page["Shards"]
    while token := page.get("NextToken"):
        page = await client.list_shards(NextToken=token, MaxResults=2)
        assert len(page["Shards"]) <= 2
        seen += page["Shards"]
    assert [shard["ShardId"] for shard in seen] == [f"shardId-{n:012d}" for n in range(5)]


async def test_the_list_can_start_after_a_shard(client: KinesisClient) -> None:
    await create(client, shards=3)
    rest = await shards(client, ExclusiveStartShardId="shardId-000000000000")
    assert [shard["ShardId"] for shard in rest] == ["shardId-000000000001", "shardId-000000000002"]


async def test_a_split_hands_over_to_two_children(client: KinesisClient) -> None:
    await create(client)
    before = await put(client, "before")
    await client.split_shard(StreamName=STREAM, ShardToSplit="shardId-000000000000", NewStartingHashKey=MIDDLE)
    await settled(client)
    parent, low, high = await shards(client)
    assert [is_open(parent), is_open(low), is_open(high)] == [False, True, True]
    assert {low["ParentShardId"], high["ParentShardId"]} == {parent["ShardId"]}
    assert bounds(low) == (0, int(MIDDLE) - 1)
    assert bounds(high) == (int(MIDDLE), TOP)
    ending = int(parent["SequenceNumberRange"]["EndingSequenceNumber"])
    assert int(before[0]) <= ending < int(low["SequenceNumberRange"]["StartingSequenceNumber"])
    for key in (0, TOP):
        placed = await client.put_record(StreamName=STREAM, Data=b"-", PartitionKey="k", ExplicitHashKey=str(key))
        assert placed["ShardId"] == (high if key else low)["ShardId"]
        assert int(placed["SequenceNumber"]) > ending


async def test_a_closed_shard_is_read_to_its_end_and_names_its_children(client: KinesisClient) -> None:
    await create(client)
    await put(client, "a", "b")
    await client.split_shard(StreamName=STREAM, ShardToSplit="shardId-000000000000", NewStartingHashKey=MIDDLE)
    await settled(client)
    got = await read(client, "shardId-000000000000", "TRIM_HORIZON")
    assert got.texts == ["a", "b"]
    assert got.ended
    assert got.children == ["shardId-000000000001", "shardId-000000000002"]


async def test_the_latest_of_a_closed_shard_is_its_end(client: KinesisClient) -> None:
    await create(client)
    await put(client, "a")
    await client.split_shard(StreamName=STREAM, ShardToSplit="shardId-000000000000", NewStartingHashKey=MIDDLE)
    await settled(client)
    got = await read(client, "shardId-000000000000", "LATEST")
    assert (got.texts, got.ended) == ([], True)


async def test_a_merge_hands_over_to_one_child_with_two_parents(client: KinesisClient) -> None:
    await create(client, shards=2)
    await client.merge_shards(StreamName=STREAM, ShardToMerge="shardId-000000000000", AdjacentShardToMerge="shardId-000000000001")
    await settled(client)
    *parents, child = await shards(client)
    assert not any(is_open(parent) for parent in parents)
    assert {child["ParentShardId"], child["AdjacentParentShardId"]} == {parent["ShardId"] for parent in parents}
    assert cover_everything([child])
    for parent in parents:
        assert (await read(client, parent["ShardId"], "TRIM_HORIZON")).children == [child["ShardId"]]


async def test_only_neighbours_merge(client: KinesisClient) -> None:
    await create(client, shards=3)
    with refused("InvalidArgumentException"):
        await client.merge_shards(
            StreamName=STREAM, ShardToMerge="shardId-000000000000", AdjacentShardToMerge="shardId-000000000002"
        )


async def test_a_split_outside_the_shards_range_is_refused(client: KinesisClient) -> None:
    await create(client, shards=2)
    with refused("InvalidArgumentException"):
        await client.split_shard(StreamName=STREAM, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(TOP))


@pytest.mark.parametrize(("current", "target"), [(2, 4), (4, 2), (2, 3), (3, 2), (4, 3)])
async def test_scaling_ends_with_equal_shares_and_no_hole(client: KinesisClient, current: int, target: int) -> None:
    await create(client, shards=current)
    await client.update_shard_count(StreamName=STREAM, TargetShardCount=target, ScalingType="UNIFORM_SCALING")
    await settled(client)
    everything = await shards(client)
    opened = [shard for shard in everything if is_open(shard)]
    assert len(opened) == target
    assert cover_everything(opened)
    known = {shard["ShardId"] for shard in everything}
    assert all(shard.get("ParentShardId", shard["ShardId"]) in known for shard in everything)
    sizes = [high - low for low, high in map(bounds, opened)]
    assert max(sizes) - min(sizes) <= target


async def test_the_filter_at_latest_lists_open_shards_only(client: KinesisClient) -> None:
    await create(client)
    await client.split_shard(StreamName=STREAM, ShardToSplit="shardId-000000000000", NewStartingHashKey=MIDDLE)
    await settled(client)
    latest = await shards(client, ShardFilter={"Type": "AT_LATEST"})
    assert [shard["ShardId"] for shard in latest] == ["shardId-000000000001", "shardId-000000000002"]
    everything = await shards(client, ShardFilter={"Type": "FROM_TRIM_HORIZON"})
    assert len(everything) == 3
    oldest = await shards(client, ShardFilter={"Type": "AT_TRIM_HORIZON"})
    assert [shard["ShardId"] for shard in oldest] == ["shardId-000000000000"]
    since = await shards(client, ShardFilter={"Type": "FROM_TIMESTAMP", "Timestamp": datetime(2020, 1, 1, tzinfo=UTC)})
    assert len(since) == 3


async def test_retention_can_be_lengthened(client: KinesisClient) -> None:
    await create(client)
    await client.increase_stream_retention_period(StreamName=STREAM, RetentionPeriodHours=168)
    await settled(client)
    summary = (await client.describe_stream_summary(StreamName=STREAM))["StreamDescriptionSummary"]
    assert summary["RetentionPeriodHours"] == 168
