"""The Lambda function: what cannot be forwarded is given back message by message, and nothing outlives its time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from service.errors import Backpressure
from service.forward import on_lambda
from tests.forward.stage import REGION, Stage


class Context:
    def __init__(self, seconds: float = 60) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@pytest.fixture(autouse=True)
def fresh(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("FORWARD_STREAM", "audit")
    monkeypatch.setenv("FORWARD_BUCKETS", f"{stage.name}-*,other")
    monkeypatch.setenv("FORWARD_KINESIS_ENDPOINT_URL", stage.double.url)
    monkeypatch.setenv("FORWARD_S3_ENDPOINT_URL", stage.url)
    yield
    for warm in on_lambda._kept:
        warm.close()
    on_lambda._kept.clear()


def event(*bodies: str) -> dict[str, Any]:
    return {
        "Records": [
            {"messageId": f"m{n}", "body": body, "eventSource": "aws:sqs", "attributes": {"SentTimestamp": "1795255200000"}}
            for n, body in enumerate(bodies)
        ]
    }


async def invoke(what: dict[str, Any], seconds: float = 60) -> list[str]:
    """Ids of the messages that come again."""
    reply = await asyncio.to_thread(on_lambda.handler, what, Context(seconds))
    assert list(reply) == ["batchItemFailures"]
    return [each["itemIdentifier"] for each in reply["batchItemFailures"]]


async def test_a_batch_is_forwarded_again_and_again_through_the_same_connections(stage: Stage) -> None:
    for number in range(3):
        await stage.put(f"{number}.log", b"line of %d\n" % number)
    for _ in range(2):
        assert (
            await invoke(event(*(stage.notification(f"{n}.log") for n in range(3)), json.dumps({"Event": "s3:TestEvent"}))) == []
        )
    ids, dead = stage.received()
    assert (sorted(ids.values()), dead) == ([f"line of {n}" for n in range(3)], [])
    assert len(stage.records()) == 6
    assert len(on_lambda._kept) == 1


async def test_only_what_was_refused_comes_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await stage.put("good", b"one\n")
    monkeypatch.setattr("service.forward.objects.sorted_out", lambda fault: Backpressure("refused"))
    assert await invoke(event(stage.notification("good"), stage.notification("denied"), "nonsense", "{")) == ["m1"]
    ids, dead = stage.received()
    assert list(ids.values()) == ["one"]
    assert {letter.code for letter in dead} == {"not_a_notification"}
    assert len({letter.origin for letter in dead}) == 2


async def test_what_time_was_not_enough_for_comes_again_and_is_forwarded_then(stage: Stage) -> None:
    await stage.put("k", b"one\n")
    stage.double.faults.stall("PutRecords", 1000)
    assert await invoke(event(stage.notification("k"), stage.notification("k")), on_lambda._MARGIN + 1) == ["m0", "m1"]
    stage.double.faults.clear()
    assert await invoke(event(stage.notification("k"))) == []
    assert list(stage.received()[0].values()) == ["one"]


async def test_a_fault_of_ours_gives_the_message_back(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await stage.put("k", b"one\n")

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("service.forward.forwarder.contents", broken)
    assert await invoke(event(stage.notification("k"))) == ["m0"]


async def test_an_empty_batch_is_none(stage: Stage) -> None:
    assert await invoke({}) == []


async def test_an_environment_that_says_nonsense_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARD_STREAM", "no stream!")
    with pytest.raises(ValueError, match="stream"):
        await invoke(event("{}"))
