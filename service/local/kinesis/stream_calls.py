"""Operations about streams and shards: create, describe, list, split, merge, scale, retain."""

from __future__ import annotations

from typing import Any

from service.local.kinesis.account import Account
from service.local.kinesis.refusal import invalid, malformed
from service.local.kinesis.request import Request
from service.local.kinesis.shard import Shard
from service.local.kinesis.stream import HOUR_MS, Stream

Answer = dict[str, Any]
KIBIBYTE = 1024


def create_stream(account: Account, request: Request) -> Answer:
    """CreateStream."""
    mode = request.inner("StreamModeDetails").text("StreamMode") if "StreamModeDetails" in request else "PROVISIONED"
    on_demand = mode == "ON_DEMAND"
    shards = request.number("ShardCount", 4 if on_demand else 0, 1, 10_000)
    if not shards:
        raise malformed("ShardCount must be given for a provisioned stream.")
    size = request.optional_number("MaxRecordSizeInKiB", 1024, 10240)
    stream = account.create(request.name("StreamName"), shards, on_demand=on_demand)
    if size:
        stream.admit(size * KIBIBYTE)
    stream.tags.update(request.tags("Tags"))
    return {}


def delete_stream(account: Account, request: Request) -> Answer:
    """DeleteStream."""
    account.delete(account.stream_of(request).name)
    return {}


def list_streams(account: Account, request: Request) -> Answer:
    """ListStreams."""
    start = request.optional_text("ExclusiveStartStreamName") or ""
    if "NextToken" in request:
        _, start = account.open_page("streams", request.text("NextToken"))
    limit = request.number("Limit", 100, 1, 10_000)
    names = sorted(name for name in account.streams if name > start)
    page = names[:limit]
    answer: Answer = {
        "StreamNames": page,
        "HasMoreStreams": len(names) > limit,
        "StreamSummaries": [_identity(account.streams[name]) for name in page],
    }
    if answer["HasMoreStreams"]:
        answer["NextToken"] = account.issue_page("streams", "", page[-1])
    return answer


def _identity(stream: Stream) -> Answer:
    return {
        "StreamName": stream.name,
        "StreamARN": stream.arn,
        "StreamStatus": "ACTIVE",
        "StreamModeDetails": {"StreamMode": "ON_DEMAND" if stream.on_demand else "PROVISIONED"},
        "StreamCreationTimestamp": stream.created_ms / 1000,
    }


def _details(stream: Stream) -> Answer:
    return {
        **_identity(stream),
        "RetentionPeriodHours": stream.retention_hours,
        "EnhancedMonitoring": [{"ShardLevelMetrics": []}],
        "EncryptionType": "NONE",
    }


def describe_stream(account: Account, request: Request) -> Answer:
    """DescribeStream."""
    stream = account.stream_of(request)
    stream.forget_expired()
    limit = request.number("Limit", 100, 1, 10_000)
    start = request.optional_text("ExclusiveStartShardId") or ""
    shards = [shard for shard in stream.shards.values() if shard.shard_id > start]
    return {
        "StreamDescription": {
            **_details(stream),
            "Shards": [_shard(shard) for shard in shards[:limit]],
            "HasMoreShards": len(shards) > limit,
        }
    }


def describe_stream_summary(account: Account, request: Request) -> Answer:
    """DescribeStreamSummary."""
    stream = account.stream_of(request)
    return {
        "StreamDescriptionSummary": {
            **_details(stream),
            "OpenShardCount": len(stream.open_shards),
            "ConsumerCount": len(stream.consumers),
            "MaxRecordSizeInKiB": stream.max_record_bytes // KIBIBYTE,
        }
    }


def describe_limits(account: Account, _request: Request) -> Answer:
    """DescribeLimits."""
    opened = sum(len(stream.open_shards) for stream in account.streams.values())
    return {
        "ShardLimit": 20_000,
        "OpenShardCount": opened,
        "OnDemandStreamCount": sum(stream.on_demand for stream in account.streams.values()),
        "OnDemandStreamCountLimit": 50,
    }


def _range(shard: Shard) -> Answer:
    return {"StartingHashKey": str(shard.hash_range[0]), "EndingHashKey": str(shard.hash_range[1])}


def _shard(shard: Shard) -> Answer:
    numbers = {"StartingSequenceNumber": str(shard.first)}
    if shard.last_possible is not None:
        numbers["EndingSequenceNumber"] = str(shard.last_possible)
    answer: Answer = {"ShardId": shard.shard_id, "HashKeyRange": _range(shard), "SequenceNumberRange": numbers}
    if shard.lineage.parent:
        answer["ParentShardId"] = shard.lineage.parent
    if shard.lineage.adjacent:
        answer["AdjacentParentShardId"] = shard.lineage.adjacent
    return answer


def child_shards(shard: Shard) -> list[Answer]:
    """What a reader at the end of a closed shard is told about the shards that take over."""
    return [
        {
            "ShardId": child.shard_id,
            "ParentShards": [name for name in (child.lineage.parent, child.lineage.adjacent) if name],
            "HashKeyRange": _range(child),
        }
        for child in shard.children
    ]


def list_shards(account: Account, request: Request) -> Answer:
    """ListShards, page by page, with every filter."""
    limit = request.number("MaxResults", 1000, 1, 10_000)
    if "NextToken" in request:
        if "StreamName" in request or "StreamARN" in request:
            raise invalid("NextToken and StreamName cannot be provided together.")
        name, start = account.open_page("shards", request.text("NextToken"))
        start, _, chosen = start.partition("|")
        stream = account.stream(name)
        stream.forget_expired()
        names = chosen.split(",") if chosen else None
        shards = [s for s in stream.shards.values() if names is None or s.shard_id in names]
    else:
        stream = account.stream_of(request)
        stream.forget_expired()
        start = request.optional_text("ExclusiveStartShardId") or ""
        shards = list(stream.shards.values())
        names = None
        if "ShardFilter" in request:
            shards = _filtered(account, stream, request.inner("ShardFilter"))
            names = [shard.shard_id for shard in shards]
    rest = [shard for shard in shards if shard.shard_id > start]
    answer: Answer = {"Shards": [_shard(shard) for shard in rest[:limit]]}
    if len(rest) > limit:
        last = f"{rest[limit - 1].shard_id}|{','.join(names) if names is not None else ''}"
        answer["NextToken"] = account.issue_page("shards", stream.name, last)
    return answer


def _filtered(account: Account, stream: Stream, chosen: Request) -> list[Shard]:
    shards = list(stream.shards.values())
    horizon = account.clock.now_ms() - stream.retention_hours * HOUR_MS
    kind = chosen.text("Type")
    at = chosen.time_ms("Timestamp")
    if kind.endswith("_TIMESTAMP") and at is None:
        raise invalid(f"Timestamp must be given for the shard filter {kind}.")
    match kind:
        case "AFTER_SHARD_ID":
            after = chosen.text("ShardId")
            return [s for s in shards if s.shard_id > after]
        case "FROM_TRIM_HORIZON":
            return shards
        case "AT_LATEST":
            return [s for s in shards if s.is_open]
        case "FROM_TIMESTAMP":
            return [s for s in shards if s.closed_ms is None or s.closed_ms >= (at or 0)]
        case "AT_TIMESTAMP" | "AT_TRIM_HORIZON":
            at = max(at or horizon, stream.created_ms)
            return [s for s in shards if s.born_ms <= at and (s.closed_ms is None or s.closed_ms > at)]
    raise malformed(f"Value '{kind}' at 'Type' failed to satisfy constraint.")


def split_shard(account: Account, request: Request) -> Answer:
    """SplitShard."""
    key = request.hash_key("NewStartingHashKey")
    if key is None:
        raise malformed("Value at 'NewStartingHashKey' failed to satisfy constraint: Member must not be null")
    account.stream_of(request).split(request.text("ShardToSplit"), key)
    return {}


def merge_shards(account: Account, request: Request) -> Answer:
    """MergeShards."""
    account.stream_of(request).merge(request.text("ShardToMerge"), request.text("AdjacentShardToMerge"))
    return {}


def update_shard_count(account: Account, request: Request) -> Answer:
    """UpdateShardCount with UNIFORM_SCALING."""
    stream = account.stream_of(request)
    current, target = len(stream.open_shards), request.required_number("TargetShardCount", 1, 10_000)
    stream.rescale(target)
    return {
        "StreamName": stream.name,
        "StreamARN": stream.arn,
        "CurrentShardCount": current,
        "TargetShardCount": target,
    }


def increase_retention(account: Account, request: Request) -> Answer:
    """IncreaseStreamRetentionPeriod."""
    stream = account.stream_of(request)
    hours = request.required_number("RetentionPeriodHours", 1, 8760)
    if hours < stream.retention_hours:
        raise invalid("Requested retention period is below the current one.")
    stream.retain(hours)
    return {}


def decrease_retention(account: Account, request: Request) -> Answer:
    """DecreaseStreamRetentionPeriod."""
    stream = account.stream_of(request)
    hours = request.required_number("RetentionPeriodHours", 24, 8760)
    if hours > stream.retention_hours:
        raise invalid("Requested retention period is above the current one.")
    stream.retain(hours)
    return {}


def update_max_record_size(account: Account, request: Request) -> Answer:
    """UpdateMaxRecordSize."""
    stream = account.stream_of(request)
    stream.admit(request.required_number("MaxRecordSizeInKiB", 1024, 10240) * KIBIBYTE)
    return {}


def list_tags(account: Account, request: Request) -> Answer:
    """ListTagsForStream."""
    tags = account.stream_of(request).tags
    return {"Tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())], "HasMoreTags": False}


def add_tags(account: Account, request: Request) -> Answer:
    """AddTagsToStream."""
    account.stream_of(request).tags.update(request.tags("Tags"))
    return {}
