"""From the bucket's announcement to the stream, against S3, SQS and SNS as moto has them and the Kinesis double."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from typing import Any

import pytest

from service.settings import Forward
from tests.forward.stage import Stage

TRAIL = "AWSLogs/111122223333/CloudTrail/eu-central-1/2026/11/21/111122223333_CloudTrail_x.json.gz"
EVENTS = [json.dumps({"eventVersion": "1.08", "eventID": f"e{n}", "n": n}, separators=(",", ":")) for n in range(2000)]
FILE = gzip.compress(b'{"Records":[' + ",".join(EVENTS).encode() + b"]}")


async def test_an_object_reaches_the_stream_when_its_bucket_announces_it(stage: Stage) -> None:
    await stage.announce()  # the test event comes first
    await stage.put(TRAIL, FILE)
    async with stage.forwarding() as project:
        await stage.until_empty(project, 2)
    ids, dead = stage.received()
    assert (list(ids.values()), dead) == (EVENTS, [])
    counts = project.forwarders[0].counts
    assert (counts.objects, counts.units, counts.bytes) == ({"forwarded": 1}, 2000, len(FILE))
    assert project.producer.counts.bytes >= sum(map(len, stage.kinesis_records()))


@pytest.mark.parametrize("raw", [True, False])
async def test_notifications_come_through_sns_with_and_without_raw_delivery(stage: Stage, raw: bool) -> None:
    topic = (await stage.sns.create_topic(Name=stage.name))["TopicArn"]
    attributes = {"RawMessageDelivery": "true"} if raw else {}
    await stage.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=stage.queue_arn, Attributes=attributes)
    await stage.put("a b/ü+.log", b"one\ntwo\n")
    await stage.sns.publish(TopicArn=topic, Message=stage.notification("a+b/%C3%BC%2B.log"))
    async with stage.forwarding() as project:
        await stage.until_empty(project, 1)
    assert list(stage.received()[0].values()) == ["one", "two"]


async def test_keys_of_event_bridge_are_not_encoded(stage: Stage) -> None:
    await stage.put("a b/%C3%BC+.log", b"one\n")
    detail = {"bucket": {"name": stage.bucket}, "object": {"key": "a b/%C3%BC+.log", "size": 4}}
    await stage.send(json.dumps({"detail-type": "Object Created", "source": "aws.s3", "detail": detail}))
    async with stage.forwarding() as project:
        await stage.until_empty(project, 1)
    assert list(stage.received()[0].values()) == ["one"]


async def test_many_small_objects_share_records(stage: Stage) -> None:
    for number in range(40):
        await stage.put(f"{number}.log", b"line of %d\n" % number)
        await stage.send(stage.notification(f"{number}.log"))
    async with stage.forwarding(Forward(objects_at_once=16)) as project:
        await stage.until_empty(project, 40)
    assert len(stage.received()[0]) == 40
    assert len(stage.kinesis_records()) < 30
    assert project.producer.counts.aggregates == len(stage.kinesis_records())


async def test_what_is_announced_twice_or_late_doubles_nothing(stage: Stage) -> None:
    await stage.put(TRAIL, FILE)
    for _ in range(3):
        await stage.send(stage.notification(TRAIL))
    async with stage.forwarding() as project:
        await stage.until_empty(project, 3)
    async with stage.forwarding(Forward(record_bytes=64 * 1024)) as project:
        await stage.send(stage.notification(TRAIL))
        await stage.until_empty(project, 1)
    assert len(stage.records()) >= 4
    ids, _ = stage.received()
    assert sorted(ids.values()) == sorted(EVENTS)


async def test_another_version_of_an_object_is_another_object(stage: Stage) -> None:
    await stage.s3.put_bucket_versioning(Bucket=stage.bucket, VersioningConfiguration={"Status": "Enabled"})
    replies = [await stage.s3.put_object(Bucket=stage.bucket, Key="k", Body=body) for body in (b"same\n", b"same\n", b"other\n")]
    for reply in reversed(replies):
        await stage.send(stage.notification("k", versionId=reply["VersionId"]))
        await stage.send(stage.notification("k", versionId=reply["VersionId"]))
    async with stage.forwarding() as project:
        await stage.until_empty(project, 6)
    assert sorted(stage.received()[0].values()) == ["other", "same", "same"]


async def test_archives_are_read_by_ranges(stage: Stage) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"{number}.json", b'{"Records":[' + ",".join(EVENTS[:500]).encode() + b"]}")
    await stage.put("x.zip", buffer.getvalue())
    await stage.send(stage.notification("x.zip"))
    async with stage.forwarding() as project:
        await stage.until_empty(project, 1)
    ids, dead = stage.received()
    assert (len(ids), dead) == (1500, [])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("no notification", "not_a_notification"),
        ({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
                       "s3": {"bucket": {"name": "others-logs"}, "object": {"key": "k"}}}]}, "foreign_bucket"),
        ("gone", "gone"),
        ("gone version", "gone"),
    ],
)  # fmt: skip
async def test_what_never_can_be_read_is_a_dead_letter_on_the_stream(stage: Stage, body: Any, code: str) -> None:
    known = {"gone": stage.notification("nowhere"), "gone version": stage.notification("k", versionId="not-one")}
    await stage.put("k", b"one\n")
    text = known.get(body, body) if isinstance(body, str) else json.dumps(body)
    await stage.send(text)
    await stage.send(text)
    async with stage.forwarding() as project:
        await stage.until_empty(project, 2)
    ids, dead = stage.received()
    assert (ids, {letter.code for letter in dead}, {letter.stage for letter in dead}) == ({}, {code}, {"forward"})
    assert project.forwarders[0].counts.letters == {code: 2}


async def test_an_object_that_was_replaced_is_read_as_it_is_and_the_loss_is_said(stage: Stage) -> None:
    etag = await stage.put("k", b"first\n")
    await stage.put("k", b"second\n")
    await stage.send(stage.notification("k", eTag=etag))
    async with stage.forwarding() as project:
        await stage.until_empty(project, 1)
    ids, dead = stage.received()
    assert (list(ids.values()), [letter.code for letter in dead]) == (["second"], ["replaced"])


async def test_objects_that_are_not_meant_are_passed_over(stage: Stage) -> None:
    for key in ("in/1.log", "in/ELBAccessLogTestFile", "out/1.log", "in/folder/"):
        await stage.put(key, b"x\n")
        await stage.send(stage.notification(key))
    async with stage.forwarding(keys=["in/*"]) as project:
        await stage.until_empty(project, 4)
    assert len(stage.received()[0]) == 1
    assert project.forwarders[0].counts.objects == {"forwarded": 1, "ignored": 3}


async def test_damage_in_the_middle_keeps_what_stands_before_it(stage: Stage) -> None:
    await stage.put("k", FILE[: len(FILE) // 2])
    await stage.send(stage.notification("k"))
    async with stage.forwarding() as project:
        await stage.until_empty(project, 1)
    ids, dead = stage.received()
    assert list(ids.values()) == EVENTS[: len(ids)]
    assert len(ids) > 100
    assert [letter.code for letter in dead] == ["corrupt"]
    assert dead[0].index == len(ids)


async def test_a_line_of_ten_megabytes_is_one_dead_letter(stage: Stage) -> None:
    await stage.put("k", b"before\n" + b"x" * 10_000_000 + b"\nafter\n")
    await stage.send(stage.notification("k"))
    async with stage.forwarding() as project:
        await stage.until_empty(project, 1)
    ids, dead = stage.received()
    assert (list(ids.values()), [letter.code for letter in dead]) == (["before", "after"], ["too_long"])
