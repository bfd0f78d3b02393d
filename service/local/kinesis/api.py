"""One request in, one answer out: which operation, its faults, its errors. Knows nothing of HTTP versions."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from service.local.kinesis import consumer_calls, record_calls, stream_calls
from service.local.kinesis.account import Account
from service.local.kinesis.faults import Faults, Kind
from service.local.kinesis.refusal import Refusal
from service.local.kinesis.request import Request
from service.local.kinesis.subscription import Subscription, Subscriptions

CONTENT_TYPE = "application/x-amz-json-1.1"
EVENT_STREAM_TYPE = "application/vnd.amazon.eventstream"

Operation = Callable[[Account, Request], dict[str, Any] | bytes]

OPERATIONS: dict[str, Operation] = {
    "AddTagsToStream": stream_calls.add_tags,
    "CreateStream": stream_calls.create_stream,
    "DecreaseStreamRetentionPeriod": stream_calls.decrease_retention,
    "DeleteStream": stream_calls.delete_stream,
    "DeregisterStreamConsumer": consumer_calls.deregister_stream_consumer,
    "DescribeLimits": stream_calls.describe_limits,
    "DescribeStream": stream_calls.describe_stream,
    "DescribeStreamConsumer": consumer_calls.describe_stream_consumer,
    "DescribeStreamSummary": stream_calls.describe_stream_summary,
    "GetRecords": record_calls.get_records,
    "GetShardIterator": record_calls.get_shard_iterator,
    "IncreaseStreamRetentionPeriod": stream_calls.increase_retention,
    "ListShards": stream_calls.list_shards,
    "ListStreamConsumers": consumer_calls.list_stream_consumers,
    "ListStreams": stream_calls.list_streams,
    "ListTagsForStream": stream_calls.list_tags,
    "MergeShards": stream_calls.merge_shards,
    "PutRecord": record_calls.put_record,
    "PutRecords": record_calls.put_records,
    "RegisterStreamConsumer": consumer_calls.register_stream_consumer,
    "SplitShard": stream_calls.split_shard,
    "UpdateMaxRecordSize": stream_calls.update_max_record_size,
    "UpdateShardCount": stream_calls.update_shard_count,
}
"""Every operation but SubscribeToShard, whose answer never ends by itself."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An ordinary response; ``fault`` says what the transport shall do to it instead of sending it whole."""

    status: int
    body: bytes
    fault: Kind | None = None
    headers: tuple[tuple[str, str], ...] = ()


class Api:
    """The operations over one account, with the faults planned for them."""

    def __init__(self, account: Account, faults: Faults) -> None:
        self.account = account
        self.faults = faults
        self.subscriptions = Subscriptions(account, faults)

    def answer(self, target: str, body: bytes) -> Answer | Subscription:
        """Carry out the operation that the header ``X-Amz-Target`` names."""
        operation = target.partition(".")[2]
        fault = None
        if self.faults.planned:
            fault = self.faults.hit(operation, body.decode(errors="replace"), on_request=True)
        try:
            if fault is not None and fault.refusal is not None:
                raise fault.refusal
            if operation == "SubscribeToShard":
                if fault is not None:
                    return _answer(200, b"", fault.kind)
                return self.subscriptions.open(Request(_parsed(body)))
            carry_out = OPERATIONS.get(operation)
            if carry_out is None:
                raise Refusal("UnknownOperationException", f"{operation} is not an operation of this double.")
            result = carry_out(self.account, Request(_parsed(body)))
        except Refusal as refusal:
            error = orjson.dumps({"__type": refusal.code, "message": refusal.message})
            return _answer(refusal.status, error, headers=(("x-amzn-errortype", refusal.code),))
        if not isinstance(result, bytes):
            result = orjson.dumps(result) if result else b""
        return _answer(200, result, fault.kind if fault else None)


def _parsed(body: bytes) -> object:
    try:
        return orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise Refusal("SerializationException", str(error)) from error


def _answer(status: int, body: bytes, fault: Kind | None = None, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return Answer(status, body, fault, (("x-amzn-requestid", str(uuid.uuid4())), *headers))
