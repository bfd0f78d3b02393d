"""What queues bring: notifications in every way that AWS delivers them, and what must not be taken for one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.forward.notice import NotANotification, Notice, notices

KEY = "AWSLogs/111122223333/elasticloadbalancing/eu-central-1/a b+c=ü.log.gz"
ENCODED = "AWSLogs/111122223333/elasticloadbalancing/eu-central-1/a+b%2Bc%3D%C3%BC.log.gz"
AT = "2026-11-21T10:00:00.000Z"
AT_MS = 1_795_255_200_000


def record(**changes: Any) -> dict[str, Any]:
    thing = {"key": ENCODED, "size": 5, "eTag": "abc", "versionId": "v7", "sequencer": "0055"}
    base = {
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-central-1", "eventTime": AT,
        "eventName": "ObjectCreated:Put", "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": "logs"}, "object": thing},
    }  # fmt: skip
    return base | changes


def envelope(**changes: Any) -> dict[str, Any]:
    detail = {"version": "0", "bucket": {"name": "logs"}, "object": {"key": KEY, "size": 5, "etag": "abc", "version-id": "v7"}}
    base = {
        "version": "0",
        "id": "1",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "time": "2026-11-21T10:00:00Z",
        "detail": detail,
    }
    return base | changes


def through_sns(message: Any) -> dict[str, Any]:
    return {"Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:eu-central-1:1:t", "Message": json.dumps(message)}


ONE = Notice("logs", KEY, "v7", "abc", AT_MS)


@pytest.mark.parametrize(
    "message",
    [
        {"Records": [record()]},
        through_sns({"Records": [record()]}),
        envelope(),
        through_sns(envelope()),
        {"Records": [record(eventName="ObjectCreated:CompleteMultipartUpload")]},
        {"Records": [record(eventName="s3:ObjectCreated:Copy")]},
        {"Records": [record(eventName="ObjectRestore:Completed")]},
        envelope(**{"detail-type": "Object Restore Completed"}),
        {key: value for key, value in envelope().items() if key != "detail-type"},
        {"Records": [{"eventSource": "aws:sqs", "body": json.dumps(through_sns({"Records": [record()]}))}]},
        {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": json.dumps({"Records": [record()]})}}]},
    ],
    ids=["s3", "sns", "bus", "bus through sns", "multipart", "prefix", "restored", "bus restored", "lake", "lambda", "sns"],
)  # fmt: skip
def test_an_object_is_announced_in_many_ways(message: Any) -> None:
    assert notices(json.dumps(message)) == [ONE]


@pytest.mark.parametrize(
    "message",
    [
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": AT, "Bucket": "logs", "RequestId": "1", "HostId": "2"},
        through_sns({"Service": "Amazon S3", "Event": "s3:TestEvent"}),
        {"Type": "SubscriptionConfirmation", "Token": "x", "SubscribeURL": "https://example.com"},
        {"Records": [record(eventName="ObjectRemoved:Delete"), record(eventName="ObjectRestore:Post")]},
        {"Records": [record(eventName="LifecycleExpiration:Delete")]},
        {"Records": []},
        envelope(**{"detail-type": "Object Deleted"}),
    ],
)
def test_what_writes_no_object_announces_none(message: Any) -> None:
    assert notices(json.dumps(message)) == []


def test_services_announce_their_files_in_ways_of_their_own() -> None:
    trail = {"s3Bucket": "logs", "s3ObjectKey": ["AWSLogs/1.json.gz", "AWSLogs/a+b%20.json.gz"]}
    assert notices(json.dumps(through_sns(trail))) == [
        Notice("logs", "AWSLogs/1.json.gz"),
        Notice("logs", "AWSLogs/a+b%20.json.gz"),
    ]
    config = {
        "s3ObjectKey": "AWSLogs/1/Config/h.json.gz", "s3Bucket": "logs", "notificationCreationTime": AT,
        "messageType": "ConfigurationHistoryDeliveryCompleted",
    }  # fmt: skip
    assert notices(json.dumps(config)) == [Notice("logs", "AWSLogs/1/Config/h.json.gz", at_ms=AT_MS)]


def test_buckets_without_versions_say_null() -> None:
    one = record()
    one["s3"]["object"]["versionId"] = "null"
    assert notices(json.dumps({"Records": [one]})) == [ONE._replace(version=None)]


@pytest.mark.parametrize(
    "body",
    [
        "", "x", "[]", "1", "null", '"text"', "{}", '{"Type":"Notification"}', '{"Type":"Notification","Message":"x"}',
        '{"Records":1}', '{"Records":[1]}', '{"Records":[{}]}', "[" * 5000, '{"source":"aws.s3"}', '{"s3ObjectKey":5}',
        json.dumps({"Records": [record(eventTime="soon")]}), json.dumps({"Records": [record(s3={})]}),
        json.dumps({"Records": [record(s3={"bucket": {"name": ""}, "object": {"key": "k"}})]}),
        json.dumps({"Records": [record(s3={"bucket": {"name": "b"}, "object": {"key": "%ff"}})]}),
        json.dumps({"Records": [record(s3={"bucket": {"name": ["b"]}, "object": {"key": "k" * 5000}})]}),
        json.dumps(through_sns(through_sns(through_sns(through_sns(through_sns(through_sns({"Records": []}))))))),
    ],
)  # fmt: skip
def test_anything_else_is_no_notification(body: str) -> None:
    with pytest.raises(NotANotification):
        notices(body)


KEYS = st.sampled_from(
    ["Records", "s3", "object", "bucket", "name", "key", "eventName", "eventSource", "detail", "source", "Type", "Message", "Sns",
     "s3ObjectKey", "s3Bucket", "eventTime", "body"]
)  # fmt: skip
SCALARS = st.none() | st.integers() | st.text(max_size=9) | st.sampled_from(["aws:s3", "aws.s3", "Notification"])


@given(st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12))
@settings(max_examples=300, deadline=None)
def test_no_message_breaks_the_reader(message: Any) -> None:
    try:
        found = notices(json.dumps(message))
    except NotANotification:
        return
    assert all(isinstance(each, Notice) and each.bucket and each.key for each in found)
