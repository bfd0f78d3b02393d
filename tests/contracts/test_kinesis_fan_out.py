"""What every Kinesis does for consumers of enhanced fan-out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from tests.contracts.kinesis_calls import STREAM, TOP, create, put, refused, settled

if TYPE_CHECKING:
    from types_aiobotocore_kinesis import KinesisClient
    from types_aiobotocore_kinesis.type_defs import StartingPositionTypeDef, SubscribeToShardEventTypeDef

SHARD = "shardId-000000000000"
OLDEST: StartingPositionTypeDef = {"Type": "TRIM_HORIZON"}


async def register(client: KinesisClient, stream_arn: str, name: str = "siem") -> str:
    registered = await client.register_stream_consumer(StreamARN=stream_arn, ConsumerName=name)
    arn = registered["Consumer"]["ConsumerARN"]
    for _ in range(200):
        described = await client.describe_stream_consumer(ConsumerARN=arn)
        if described["ConsumerDescription"]["ConsumerStatus"] == "ACTIVE":
            return arn
        await asyncio.sleep(0.05)
    raise AssertionError("the consumer never became active")


async def events(
    client: KinesisClient, consumer: str, start: StartingPositionTypeDef, shard: str = SHARD
) -> AsyncIterator[SubscribeToShardEventTypeDef]:
    answer = await client.subscribe_to_shard(ConsumerARN=consumer, ShardId=shard, StartingPosition=start)
    pushed: Any = answer["EventStream"]
    try:
        async for event in pushed:
            if "SubscribeToShardEvent" in event:
                yield event["SubscribeToShardEvent"]
    finally:
        pushed.close()


async def pushed_texts(
    client: KinesisClient, consumer: str, start: StartingPositionTypeDef, wanted: int
) -> tuple[list[str], str]:
    """The first ``wanted`` records and where to continue."""
    texts: list[str] = []
    continuation = ""
    stream = events(client, consumer, start)
    async for event in stream:
        texts += [record["Data"].decode() for record in event["Records"]]
        continuation = event["ContinuationSequenceNumber"]
        if len(texts) >= wanted:
            break
    await stream.aclose()  # type: ignore[attr-defined]
    return texts, continuation


async def test_consumers_are_registered_described_listed_and_deregistered(client: KinesisClient) -> None:
    stream = await create(client)
    arn = await register(client, stream)
    assert arn.startswith(f"{stream}/consumer/siem:")
    with refused("ResourceInUseException"):
        await client.register_stream_consumer(StreamARN=stream, ConsumerName="siem")
    assert [found["ConsumerARN"] for found in (await client.list_stream_consumers(StreamARN=stream))["Consumers"]] == [arn]
    by_name = await client.describe_stream_consumer(StreamARN=stream, ConsumerName="siem")
    assert by_name["ConsumerDescription"]["ConsumerARN"] == arn
    await client.deregister_stream_consumer(ConsumerARN=arn)
    with refused("ResourceNotFoundException"):
        for _ in range(200):
            await client.describe_stream_consumer(StreamARN=stream, ConsumerName="siem")


async def test_records_are_pushed_from_the_oldest_on(client: KinesisClient) -> None:
    consumer = await register(client, await create(client))
    await put(client, "a", "b", "c")
    texts, continuation = await pushed_texts(client, consumer, OLDEST, 3)
    assert texts == ["a", "b", "c"]
    assert continuation.isdigit()


async def test_records_that_come_later_are_pushed_too(client: KinesisClient) -> None:
    consumer = await register(client, await create(client))
    await put(client, "early")
    later = asyncio.get_running_loop().create_task(delayed_put(client))
    texts, _ = await pushed_texts(client, consumer, OLDEST, 2)
    await later
    assert texts == ["early", "late"]


async def delayed_put(client: KinesisClient) -> None:
    await asyncio.sleep(0.3)
    await put(client, "late")


async def test_a_subscription_starts_at_or_after_a_sequence_number(client: KinesisClient) -> None:
    stream = await create(client)
    numbers = await put(client, "a", "b", "c")
    at: StartingPositionTypeDef = {"Type": "AT_SEQUENCE_NUMBER", "SequenceNumber": numbers[1]}
    assert (await pushed_texts(client, await register(client, stream, "one"), at, 2))[0] == ["b", "c"]
    after: StartingPositionTypeDef = {"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": numbers[1]}
    assert (await pushed_texts(client, await register(client, stream, "two"), after, 1))[0] == ["c"]


async def test_the_continuation_resumes_without_gap_or_repeat(client: KinesisClient) -> None:
    stream = await create(client)
    await put(client, "a", "b")
    _, continuation = await pushed_texts(client, await register(client, stream, "one"), OLDEST, 2)
    await put(client, "c")
    resume: StartingPositionTypeDef = {"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": continuation}
    assert (await pushed_texts(client, await register(client, stream, "two"), resume, 1))[0] == ["c"]


async def test_two_consumers_each_get_everything(client: KinesisClient) -> None:
    stream = await create(client)
    await put(client, "a", "b")
    for name in ("one", "two"):
        assert (await pushed_texts(client, await register(client, stream, name), OLDEST, 2))[0] == ["a", "b"]


async def test_the_end_of_a_shard_is_told_with_its_children_and_no_continuation(client: KinesisClient) -> None:
    consumer = await register(client, await create(client))
    await put(client, "last")
    await client.split_shard(StreamName=STREAM, ShardToSplit=SHARD, NewStartingHashKey=str((TOP + 1) // 2))
    await settled(client)
    texts: list[str] = []
    async for event in events(client, consumer, OLDEST):
        texts += [record["Data"].decode() for record in event["Records"]]
        last = event
    assert texts == ["last"]
    assert not last.get("ContinuationSequenceNumber")
    children = {child["ShardId"] for child in last["ChildShards"]}
    assert children == {"shardId-000000000001", "shardId-000000000002"}
    assert all(child["ParentShards"] == [SHARD] for child in last["ChildShards"])


async def test_a_second_subscription_within_five_seconds_is_refused(client: KinesisClient) -> None:
    consumer = await register(client, await create(client))
    first = events(client, consumer, OLDEST)
    await anext(first)
    with refused("ResourceInUseException"):
        await anext(events(client, consumer, OLDEST))
    await first.aclose()  # type: ignore[attr-defined]


async def test_an_unknown_consumer_is_not_found(client: KinesisClient) -> None:
    stream = await create(client)
    with refused("ResourceNotFoundException"):
        await anext(events(client, f"{stream}/consumer/nobody:1", OLDEST))
