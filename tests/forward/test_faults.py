"""Everything breaks once: Kinesis, S3, the queue, the forwarder itself. Nothing is lost, and nothing is doubled by it."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from botocore.exceptions import ClientError

from service.enrich import Enrichers
from service.forward.role import ProjectForward
from service.local.kinesis import KinesisDouble, Limits
from service.pipeline.compile import compile_pipeline
from service.pipeline.load import load_pipelines
from service.route.router import build_router
from service.settings import Forward
from tests.forward.stage import REGION, Stage
from tests.source.conftest import MemoryOutlet
from tests.source.running import collecting, streams, until

TRAIL = "AWSLogs/111122223333/CloudTrail/eu-central-1/2026/11/21/x.json.gz"
FLOWS = "AWSLogs/111122223333/vpcflowlogs/eu-central-1/2026/11/21/x.log.gz"


def trail_events(count: int) -> list[dict[str, Any]]:
    return [
        {"eventVersion": "1.08", "eventID": f"00000000-0000-4000-8000-{n:012d}", "eventTime": "2026-11-21T10:00:00Z",
         "awsRegion": REGION, "eventSource": "iam.amazonaws.com", "eventName": "ListUsers", "userIdentity": {"type": "Root"},
         "requestID": os.urandom(30).hex()}
        for n in range(count)
    ]  # fmt: skip


def trail(count: int) -> bytes:
    return gzip.compress(json.dumps({"Records": trail_events(count)}, separators=(",", ":")).encode())


def flows(count: int) -> bytes:
    header = (
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"
    )
    line = "2 111122223333 eni-0a1b2c3d 192.0.2.1 198.51.100.2 40000 443 6 10 840 1795255200 1795255260 ACCEPT OK\n"
    return gzip.compress((header + line * count).encode())  # equal lines are flows of their own


async def put_all(stage: Stage, count: int = 4000) -> int:
    await stage.put(TRAIL, trail(count))
    await stage.put(FLOWS, flows(count))
    await stage.send(stage.notification(TRAIL))
    await stage.send(stage.notification(FLOWS))
    return 2 * count


@pytest.mark.parametrize("fault", ["throttle", "fail", "drop", "expired", "denied"])
async def test_kinesis_refuses_for_a_while(stage: Stage, fault: str) -> None:
    faults = stage.double.faults
    match fault:
        case "throttle":
            planned = faults.throttle("PutRecords", 5)
        case "fail":
            planned = faults.fail("PutRecords", 5)
        case "drop":  # what was asked for is done nevertheless
            planned = faults.drop("PutRecords", 3)
        case "expired":
            planned = faults.fail("PutRecords", 2, code="ExpiredTokenException", status=400)
        case _:
            planned = faults.fail("PutRecords", 4, code="AccessDeniedException", status=400)
    hits = planned.times
    count = await put_all(stage)
    async with stage.forwarding() as project:
        await stage.until_empty(project, 2)
    assert planned.hits == hits
    ids, dead = stage.received()
    assert (len(ids), dead) == (count, [])


async def test_a_stream_at_its_limit_takes_part_of_a_request(stage: Stage) -> None:
    await slow_stream(stage, 150_000)
    count = await put_all(stage, 8000)
    async with stage.forwarding(Forward(record_bytes=64 * 1024)) as project:
        await stage.until_empty(project, 2)
    assert project.producer.counts.retries["ProvisionedThroughputExceededException"] > 0
    assert len(stage.received()[0]) == count


async def slow_stream(stage: Stage, bytes_a_second: int) -> None:
    """A stream that takes so many bytes a second and shard."""
    await stage.double.stop()
    stage.double = KinesisDouble(limits=replace(Limits.none(), write_bytes=bytes_a_second))
    stage.double.account.create("audit", 1)
    await stage._exit.enter_async_context(stage.double)


async def test_while_kinesis_is_away_messages_stay_hidden_and_are_not_deleted(stage: Stage) -> None:
    count = await put_all(stage)
    await stage.double.stop()
    async with stage.forwarding(Forward(visibility_seconds=15)) as project:
        project.readers[0]._times = replace(project.readers[0]._times, visibility=2.0)
        await until(lambda: bool(project.producer.trouble), 30)
        await asyncio.sleep(5)  # longer than a message stays hidden by itself
        assert (project.readers[0].done, project.readers[0].working) == (0, 2)
        assert project.trouble() == "Transport"
        await stage.double.start()
        await stage.until_empty(project, 2)
    assert len(stage.received()[0]) == count
    assert project.forwarders[0].counts.objects == {"forwarded": 2}  # nobody else had them meanwhile


class Odd:
    """An S3 client with ``get_object`` of its own."""

    def __init__(self, client: Any, script: Iterator[Any]) -> None:
        self.client, self.script = client, script
        self.asked: list[dict[str, Any]] = []

    async def get_object(self, **wanted: Any) -> Any:
        self.asked.append(wanted)
        step = next(self.script, None)
        if isinstance(step, Exception):
            raise step
        reply = await self.client.get_object(**wanted)
        if step is not None:
            reply["Body"] = Breaking(reply["Body"], step)
        return reply


class Breaking:
    """A body whose connection breaks after so many bytes."""

    def __init__(self, body: Any, after: int) -> None:
        self.body, self.left = body, after

    async def read(self, size: int) -> bytes:
        if not self.left:
            raise aiohttp.ClientPayloadError("connection reset")
        data: bytes = await self.body.read(min(size, self.left))
        self.left -= len(data)
        return data

    def close(self) -> None:
        self.body.close()


def refusal(code: str, status: int) -> ClientError:
    reply: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(reply, "GetObject")


@contextlib.asynccontextmanager
async def odd(stage: Stage, *script: Any, **settings: Any) -> Any:
    async with stage.forwarding(**settings) as project:
        client = Odd(project.forwarders[0]._s3, iter(script))
        project.forwarders[0]._s3 = client
        await stage.send(stage.notification("k"))
        yield project, client


async def test_a_connection_that_breaks_is_taken_up_where_it_broke(stage: Stage) -> None:
    data = b"".join(b"line %d\n" % n for n in range(200_000))
    await stage.put("k", data)
    async with odd(stage, 700_000, 500_000, 1) as (project, client):
        await stage.until_empty(project, 1)
    assert [wanted.get("Range", "").partition("=")[2].partition("-")[0] for wanted in client.asked] == [
        "",
        "700000",
        "1200000",
        "1200001",
    ]
    assert all("IfMatch" in wanted for wanted in client.asked[1:])
    assert len(stage.received()[0]) == 200_000


@pytest.mark.parametrize(
    "refused",
    [refusal("AccessDenied", 403), refusal("SlowDown", 503), refusal("ExpiredToken", 400), refusal("KMS.DisabledException", 400),
     aiohttp.ClientConnectionError("reset"), TimeoutError()],
    ids=["denied", "slow down", "expired", "kms", "reset", "timeout"],
)  # fmt: skip
async def test_what_is_refused_now_is_tried_again_and_is_no_dead_letter(stage: Stage, refused: Exception) -> None:
    await stage.put("k", b"one\n")
    async with odd(stage, refused, refused) as (project, _):
        await stage.until_empty(project, 1)
    ids, dead = stage.received()
    assert (list(ids.values()), dead) == (["one"], [])
    assert (project.readers[0].failed, project.forwarders[0].counts.objects) == (2, {"later": 2, "forwarded": 1})


async def test_an_archived_object_is_a_dead_letter_until_it_is_restored(stage: Stage) -> None:
    await stage.put("k", b"one\n")
    async with odd(stage, refusal("InvalidObjectState", 403)) as (project, _):
        await stage.until_empty(project, 1)
        await stage.send(stage.notification("k"))
        await stage.until_empty(project, 2)
    ids, dead = stage.received()
    assert (list(ids.values()), [letter.code for letter in dead]) == (["one"], ["archived"])


async def test_an_object_that_goes_while_it_is_read_leaves_what_was_read_and_a_dead_letter(stage: Stage) -> None:
    data = b"".join(b"line %d\n" % n for n in range(200_000))
    await stage.put("k", data)
    async with odd(stage, 1_500_000, refusal("NoSuchKey", 404)) as (project, _):
        await stage.until_empty(project, 1)
    ids, dead = stage.received()
    assert list(ids.values()) == [f"line {n}" for n in range(len(ids))]
    assert len(ids) > 50_000
    assert [letter.code for letter in dead] == ["gone"]


async def test_an_object_that_is_replaced_while_it_is_read_is_read_anew(stage: Stage) -> None:
    await stage.put("k", b"".join(b"line %d\n" % n for n in range(200_000)))
    async with odd(stage, 1_500_000, refusal("PreconditionFailed", 412)) as (project, _):
        await stage.until_empty(project, 1)
    assert project.readers[0].failed == 1
    assert len(stage.received()[0]) == 200_000


async def test_told_to_stop_the_forwarder_gives_back_what_it_cannot_finish(stage: Stage) -> None:
    await put_all(stage)
    stalled = stage.double.faults.stall("PutRecords", 1000)
    async with stage.forwarding(Forward(drain_seconds=0.3)) as project:
        await until(lambda: stalled.hits > 0, 30)
        project.producer.trouble = "stalled"
    stage.double.faults.clear()
    async with stage.forwarding() as project:  # at once: nothing waits for a visibility to run out
        await asyncio.wait_for(stage.until_empty(project, 2), 10)
    assert len(stage.received()[0]) == 8000


def forwarder_process(stage: Stage, folder: Path) -> Any:
    rules = stage.rules().model_dump(mode="json", exclude_none=True)
    (folder / "forward.yml").write_text(json.dumps(rules))
    (folder / "siem.yml").write_text(
        json.dumps({"admin": {"port": 0}, "forward": {"visibility_seconds": 15, "record_bytes": 65536, "requests_in_flight": 1}})
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = (sys.executable, "-m", "service", "forward", "--config", str(folder / "siem.yml"))
    return asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.PIPE)


async def documents(stage: Stage, folder: Path) -> dict[tuple[str, str], str]:
    """(index, _id) → document of everything on the stream, by way of the collector, the router and the pipelines."""
    outlet = MemoryOutlet()
    records = len(stage.kinesis_records())
    async with collecting(streams(stage.double, {"name": "audit", "mode": "polling"}), folder / "leases.sqlite", outlet):
        await until(lambda: sum(len({record.sequence for record in batch.records}) for batch in outlet.batches) >= records)
    loaded = load_pipelines(Path(__file__).parents[2] / "pipelines", None)
    router, compiled = build_router(loaded), {}
    found: dict[tuple[str, str], str] = {}
    for batch in outlet.batches:
        routed = router.route(batch)
        assert not routed.dead
        for dataset, pieces in routed.by_dataset.items():
            if dataset not in compiled:
                compiled[dataset] = compile_pipeline(loaded[dataset], Enrichers.load([], None, None))
            for piece in pieces:
                carried = compiled[dataset].carry(piece, 0)
                assert not carried.dead
                for text in carried.pieces:
                    action, document = text.split("\n")[:2]
                    create = json.loads(action)["create"]
                    found.setdefault((create["_index"], create["_id"]), document)
    return found


async def test_killed_in_the_middle_and_started_again_nothing_is_lost_or_doubled(stage: Stage, tmp_path: Path) -> None:
    """The whole way: a process is killed when part of the objects is on the stream, another one does all of it again."""
    await slow_stream(stage, 500_000)
    count = await put_all(stage, 30_000)
    process = await forwarder_process(stage, tmp_path)
    await until(lambda: len(stage.kinesis_records()) >= 1, 60)
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert 0 < len(stage.received()[0]) < count
    process = await forwarder_process(stage, tmp_path)
    async with asyncio.timeout(90):
        while len(stage.received()[0]) < count or await left(stage):
            await asyncio.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    assert len(stage.received()[0]) == count
    found = await documents(stage, tmp_path)
    assert len(found) == count
    indices = {index for index, _ in found}
    assert indices == {"siem-aws.cloudtrail-shop-prod-2026.11.21", "siem-aws.vpcflow-shop-prod-2026.11.21"}
    document = json.loads(next(text for (index, _), text in found.items() if "vpcflow" in index))
    assert document["aws"]["s3"] == {"bucket": {"name": stage.bucket}, "object": {"key": FLOWS}}
    assert document["cloud"]["account"]["id"] == "111122223333"


async def left(stage: Stage) -> bool:
    wanted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = (await stage.sqs.get_queue_attributes(QueueUrl=stage.queue, AttributeNames=wanted))["Attributes"]
    return any(value != "0" for value in attributes.values())


async def test_a_queue_that_is_away_is_asked_again(stage: Stage) -> None:
    await stage.put("k", b"one\n")
    async with stage.forwarding() as project:
        reader = project.readers[0]
        real = reader._client

        class Away:
            async def receive_message(self, **_: Any) -> Any:
                raise refusal("AWS.SimpleQueueService.NonExistentQueue", 400)

        reader._client = Away()
        await until(lambda: reader.trouble == "AWS.SimpleQueueService.NonExistentQueue", 30)
        reader._client = real
        await stage.send(stage.notification("k"))
        await stage.until_empty(project, 1)
    assert_quiet(project)


def assert_quiet(project: ProjectForward) -> None:
    assert project.trouble() == ""


class Broken:
    """An SQS client that fails in a way nobody foresaw."""

    def __init__(self, client: Any) -> None:
        self.client = client

    async def receive_message(self, **_: Any) -> Any:
        raise ZeroDivisionError

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)


async def break_reading(stage: Stage) -> None:
    async with stage.forwarding(Forward(drain_seconds=0.2)) as project:
        await until(lambda: project.readers[0].working == 1, 30)
        project.producer.trouble = "stalled"
        project.readers[0]._client = Broken(project.readers[0]._client)
        await asyncio.sleep(2)


async def test_a_reader_that_breaks_says_so_and_gives_back_what_it_holds(stage: Stage) -> None:
    """The process must end then: one that goes on without reading would look alive."""
    await stage.put("k", b"one\n")
    await stage.send(stage.notification("k"))
    stage.double.faults.stall("PutRecords", 1000)
    with pytest.raises(ZeroDivisionError):
        await break_reading(stage)
    stage.double.faults.clear()
    async with stage.forwarding() as project:
        await asyncio.wait_for(stage.until_empty(project, 1), 10)


async def test_a_fault_of_ours_leaves_the_message_and_the_others_alone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await stage.put("k", b"one\n")
    await stage.put("other", b"two\n")
    async with stage.forwarding() as project:
        forwarder = project.forwarders[0]
        real, failing = forwarder._read, [True, True]

        def breaks(thing: Any, *rest: Any) -> None:
            if thing.name.key == "k" and failing:
                failing.pop()
                raise ZeroDivisionError
            real(thing, *rest)

        monkeypatch.setattr(forwarder, "_read", breaks)
        await stage.send(stage.notification("k"))
        await stage.send(stage.notification("other"))
        await stage.until_empty(project, 2)
    assert sorted(stage.received()[0].values()) == ["one", "two"]
    assert project.readers[0].failed == 2
