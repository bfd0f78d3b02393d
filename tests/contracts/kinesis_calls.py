"""What the contract tests do with a client, in words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_aiobotocore_kinesis import KinesisClient
    from types_aiobotocore_kinesis.type_defs import ShardTypeDef

STREAM = "logs"
TOP = (1 << 128) - 1


async def create(client: KinesisClient, shards: int = 1, name: str = STREAM) -> str:
    """Create a stream, wait until it is active; its ARN."""
    await client.create_stream(StreamName=name, ShardCount=shards)
    return await settled(client, name)


async def settled(client: KinesisClient, name: str = STREAM) -> str:
    """Wait until a stream is active; its ARN."""
    for _ in range(200):
        summary = (await client.describe_stream_summary(StreamName=name))["StreamDescriptionSummary"]
        if summary["StreamStatus"] == "ACTIVE":
            return summary["StreamARN"]
        await asyncio.sleep(0.05)
    raise AssertionError("the stream never became active")


async def shards(client: KinesisClient, **chosen: Any) -> list[ShardTypeDef]:
    """All shards, oldest first."""
    listed = await client.list_shards(**({"StreamName": STREAM} | chosen))
    return sorted(listed["Shards"], key=lambda shard: shard["ShardId"])


def is_open(shard: ShardTypeDef) -> bool:
    return "EndingSequenceNumber" not in shard["SequenceNumberRange"]


def bounds(shard: ShardTypeDef) -> tuple[int, int]:
    hashes = shard["HashKeyRange"]
    return int(hashes["StartingHashKey"]), int(hashes["EndingHashKey"])


def cover_everything(parts: Sequence[ShardTypeDef]) -> bool:
    """Whether the shards' hash key ranges join without gap or overlap from 0 to the top."""
    expected = 0
    for low, high in sorted(bounds(part) for part in parts):
        if low != expected:
            return False
        expected = high + 1
    return expected == TOP + 1


async def put(client: KinesisClient, *texts: str, key: str = "key") -> list[str]:
    """Put records one after the other; their sequence numbers."""
    return [
        (await client.put_record(StreamName=STREAM, Data=text.encode(), PartitionKey=key))["SequenceNumber"] for text in texts
    ]


@dataclass(frozen=True)
class Got:
    """What reading a shard from an iterator to its tip gave."""

    texts: list[str]
    ended: bool
    children: list[str]
    next_iterator: str | None


async def read(
    client: KinesisClient,
    shard: str,
    kind: Literal["TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER", "AT_TIMESTAMP"],
    **start: Any,
) -> Got:
    """Read from where the iterator starts until nothing more comes."""
    opened = await client.get_shard_iterator(StreamName=STREAM, ShardId=shard, ShardIteratorType=kind, **start)
    return await read_on(client, opened["ShardIterator"])


async def read_on(client: KinesisClient, iterator: str | None) -> Got:
    """Read from an iterator until nothing more comes."""
    texts: list[str] = []
    while iterator:
        answer = await client.get_records(ShardIterator=iterator)
        texts += [record["Data"].decode() for record in answer["Records"]]
        iterator = answer.get("NextShardIterator")
        if not iterator:
            children = sorted(child["ShardId"] for child in answer.get("ChildShards", []))
            return Got(texts, ended=True, children=children, next_iterator=None)
        if not answer["Records"] and answer["MillisBehindLatest"] == 0:
            break
    return Got(texts, ended=False, children=[], next_iterator=iterator)


@contextmanager
def refused(*codes: str) -> Iterator[None]:
    """The body must be refused with one of these error codes."""
    with pytest.raises(ClientError) as caught:
        yield
    assert caught.value.response["Error"]["Code"] in codes
