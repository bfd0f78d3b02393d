"""Operations about records: put them, get an iterator, read."""

from __future__ import annotations

from typing import Any

import orjson

from service.local.kinesis import sequence
from service.local.kinesis.account import Account
from service.local.kinesis.refusal import Refusal, invalid, malformed, not_found
from service.local.kinesis.request import Request
from service.local.kinesis.shard import Shard
from service.local.kinesis.stream import Stream
from service.local.kinesis.stream_calls import child_shards

MAX_PARTITION_KEY = 256
_PADDING = b"="


def put_record(account: Account, request: Request) -> dict[str, Any]:
    """PutRecord."""
    stream = account.stream_of(request)
    shard, data, size, key = _placed(stream, request)
    return {"ShardId": shard.shard_id, "SequenceNumber": shard.put_encoded(data, size, key), "EncryptionType": "NONE"}


def put_records(account: Account, request: Request) -> dict[str, Any]:
    """PutRecords: each record succeeds or fails on its own."""
    stream = account.stream_of(request)
    entries = request.items("Records")
    if len(entries) > account.limits.put_records:
        raise malformed(f"Member 'Records' must have length less than or equal to {account.limits.put_records}")
    placed = [_placed(stream, Request(entry)) for entry in entries]
    if sum(size + len(key) for _, _, size, key in placed) > account.limits.put_bytes:
        raise invalid("Records size exceeds 10 MB limit.")
    results: list[dict[str, str]] = []
    failed = 0
    for shard, data, size, key in placed:
        try:
            results.append({"SequenceNumber": shard.put_encoded(data, size, key), "ShardId": shard.shard_id})
        except Refusal as refusal:
            failed += 1
            results.append({"ErrorCode": refusal.code, "ErrorMessage": refusal.message})
    return {"FailedRecordCount": failed, "Records": results, "EncryptionType": "NONE"}


def _placed(stream: Stream, entry: Request) -> tuple[Shard, bytes, int, str]:
    """The shard a record goes to, its data in base64, its size in bytes, its partition key."""
    key = entry.text("PartitionKey")
    if len(key) > MAX_PARTITION_KEY:
        raise malformed("Member 'PartitionKey' must have length less than or equal to 256")
    data = (entry.optional_text("Data") or "").encode()
    size = len(data) * 3 // 4 - (data[-2:].count(_PADDING) if data else 0)
    if len(data) % 4:
        raise Refusal("SerializationException", "Data is not base64.")
    if size + len(key.encode()) > stream.max_record_bytes:
        raise malformed(f"Member 'Data' must have length less than or equal to {stream.max_record_bytes}")
    return stream.shard_for(key, entry.hash_key("ExplicitHashKey")), data, size, key


def position(shard: Shard, kind: str, number: str | None, timestamp_ms: int | None) -> int:
    """The sequence number above which a reader starts; raises Refusal for a starting point that is none."""
    match kind:
        case "TRIM_HORIZON":
            return shard.first
        case "LATEST":
            return shard.newest
        case "AT_TIMESTAMP":
            if timestamp_ms is None:
                raise invalid("Must specify timestamp parameter for iterator type AT_TIMESTAMP.")
            return shard.before_time(timestamp_ms)
        case "AT_SEQUENCE_NUMBER" | "AFTER_SEQUENCE_NUMBER":
            value = _genuine(shard, number)
            return value - 1 if kind == "AT_SEQUENCE_NUMBER" else value
    raise malformed(f"Value '{kind}' at 'ShardIteratorType' failed to satisfy constraint.")


def _genuine(shard: Shard, number: str | None) -> int:
    if not number or not number.isascii() or not number.isdigit():
        raise invalid(f"Invalid StartingSequenceNumber {number!r}.")
    value = int(number)
    if not sequence.is_genuine(value) or sequence.shard_index_of(value) != shard.index or value < shard.first:
        raise invalid(f"StartingSequenceNumber {number} used on shard {shard.shard_id} did not come from it.")
    return value


def get_shard_iterator(account: Account, request: Request) -> dict[str, Any]:
    """GetShardIterator, all five types."""
    stream = account.stream_of(request)
    shard = stream.shard(request.text("ShardId"))
    after = position(
        shard,
        request.text("ShardIteratorType"),
        request.optional_text("StartingSequenceNumber"),
        request.time_ms("Timestamp"),
    )
    return {"ShardIterator": account.issue_iterator(stream.name, shard.shard_id, after)}


def get_records(account: Account, request: Request) -> bytes:
    """GetRecords, rendered: the records are JSON already."""
    cursor = account.open_iterator(request.text("ShardIterator"))
    limit = request.number("Limit", account.limits.get_records, 1, account.limits.get_records)
    stream = account.streams.get(cursor.stream)
    if stream is None:
        raise not_found(f"Stream {cursor.stream}")
    shard = stream.shard(cursor.shard)
    shard.charge_call()
    read = shard.read(cursor.after, limit, account.limits.get_bytes)
    shard.charge_read(read.size)
    if shard.is_exhausted(read.after):
        tail = b'"ChildShards":' + orjson.dumps(child_shards(shard))
    else:
        tail = b'"NextShardIterator":"%b"' % account.issue_iterator(stream.name, shard.shard_id, read.after).encode()
    return b'{"Records":[%b],"MillisBehindLatest":%d,%b}' % (b",".join(read.records), read.behind_ms, tail)
