"""Operations about consumers of enhanced fan-out: register, describe, list, deregister."""

from __future__ import annotations

from typing import Any

from service.local.kinesis.account import Account
from service.local.kinesis.refusal import invalid, not_found
from service.local.kinesis.request import Request
from service.local.kinesis.stream import Consumer, Stream


def _described(consumer: Consumer) -> dict[str, Any]:
    return {
        "ConsumerName": consumer.name,
        "ConsumerARN": consumer.arn,
        "ConsumerStatus": "ACTIVE",
        "ConsumerCreationTimestamp": consumer.created_ms / 1000,
    }


def register_stream_consumer(account: Account, request: Request) -> dict[str, Any]:
    """RegisterStreamConsumer; ACTIVE at once, though the answer says CREATING as AWS's does."""
    stream = account.stream_by_arn(request.text("StreamARN"))
    consumer = stream.register(request.name("ConsumerName"))
    return {"Consumer": {**_described(consumer), "ConsumerStatus": "CREATING"}}


def _find(account: Account, request: Request) -> tuple[Stream, Consumer]:
    if "ConsumerARN" in request:
        arn = request.text("ConsumerARN")
        return find_by_arn(account, arn)
    if "StreamARN" not in request:
        raise invalid("Either ConsumerARN, or StreamARN and ConsumerName must be given.")
    stream = account.stream_by_arn(request.text("StreamARN"))
    return stream, stream.consumer(name=request.name("ConsumerName"))


def find_by_arn(account: Account, arn: str) -> tuple[Stream, Consumer]:
    """Stream and consumer of a consumer's ARN; raises Refusal when either is gone."""
    if "/consumer/" not in arn:
        raise not_found(f"Consumer {arn}")
    stream = account.stream_by_arn(arn)
    return stream, stream.consumer(arn=arn)


def describe_stream_consumer(account: Account, request: Request) -> dict[str, Any]:
    """DescribeStreamConsumer."""
    stream, consumer = _find(account, request)
    return {"ConsumerDescription": {**_described(consumer), "StreamARN": stream.arn}}


def deregister_stream_consumer(account: Account, request: Request) -> dict[str, Any]:
    """DeregisterStreamConsumer."""
    stream, consumer = _find(account, request)
    stream.deregister(consumer.name)
    return {}


def list_stream_consumers(account: Account, request: Request) -> dict[str, Any]:
    """ListStreamConsumers."""
    stream = account.stream_by_arn(request.text("StreamARN"))
    start = account.open_page("consumers", request.text("NextToken"))[1] if "NextToken" in request else ""
    limit = request.number("MaxResults", 100, 1, 10_000)
    names = sorted(name for name in stream.consumers if name > start)
    answer: dict[str, Any] = {"Consumers": [_described(stream.consumers[name]) for name in names[:limit]]}
    if len(names) > limit:
        answer["NextToken"] = account.issue_page("consumers", stream.name, names[limit - 1])
    return answer
