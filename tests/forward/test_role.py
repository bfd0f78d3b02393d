"""The role as a process: what it shows, how it ends, whose rights it uses."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from moto.sts.models import sts_backends

from service.clock import SystemClock
from service.errors import ContentErrors
from service.forward.role import bounds_of, connected, put_limits_of
from service.settings import Forward
from service.source.forwarding import ForwardProject, ForwardQueue, ForwardRules, Meant, load_forwarding
from tests.forward.stage import Stage

ROLE = "arn:aws:iam::111122223333:role/siem-forwarder"


def free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def process(folder: Path, rules: ForwardRules | str, **sections: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    text = rules if isinstance(rules, str) else json.dumps(rules.model_dump(mode="json", exclude_none=True))
    (folder / "forward.yml").write_text(text)
    (folder / "siem.yml").write_text(json.dumps(sections))
    command = (sys.executable, "-m", "service", "forward", "--config", str(folder / "siem.yml"))
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    pipe = asyncio.subprocess.PIPE
    started = await asyncio.create_subprocess_exec(*command, env=environment, stdout=pipe, stderr=pipe)
    try:
        yield started
    finally:
        with contextlib.suppress(ProcessLookupError):
            started.kill()
        await started.wait()


async def until_ready(session: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"{url}/health/ready") as reply:
                    if reply.status == 200:
                        return
            await asyncio.sleep(0.1)


async def test_it_shows_what_it_does_and_ends_in_good_order(stage: Stage, tmp_path: Path) -> None:
    await stage.put("k", b"one\ntwo\n")
    await stage.send(stage.notification("k"))
    await stage.send(stage.notification("gone"))
    port = free_port()
    async with process(tmp_path, stage.rules(), admin={"port": port}) as running, aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{port}"
        await until_ready(session, url)
        async with asyncio.timeout(30):
            while True:
                async with session.get(f"{url}/metrics") as reply:
                    numbers = dict(
                        line.rsplit(" ", 1) for line in (await reply.text()).splitlines() if line.startswith("siem_forward")
                    )
                if numbers.get('siem_forward_objects_total{environment="prod",fate="lost",project="shop"}') == "1.0":
                    break
                await asyncio.sleep(0.2)
        assert numbers['siem_forward_units_total{environment="prod",project="shop"}'] == "2.0"
        assert numbers['siem_forward_dead_letters_total{code="gone",environment="prod",project="shop"}'] == "1.0"
        assert numbers['siem_forward_held{environment="prod",project="shop"}'] == "0.0"
        async with session.get(f"{url}/status.json") as reply:
            status = await reply.json()
        assert (status["role"], status["state"]) == ("forward", "ok")
        assert [(row["stream"], row["state"]) for row in status["streams"]] == [("audit", "forwarding")]
        assert status["problems"][0]["event"] == "forward_dead_letter"
        running.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(running.wait(), 30) == 0
    assert sorted(stage.received()[0].values()) == ["one", "two"]


async def test_told_to_stop_before_it_began_it_ends_in_good_order(stage: Stage, tmp_path: Path) -> None:
    async with process(tmp_path, stage.rules(), admin={"port": 0}) as running:
        await asyncio.sleep(0.3)
        running.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(running.wait(), 30) == 0


@pytest.mark.parametrize(
    ("rules", "said"),
    [("projects: []", "at least 1 item"), ("projects: {}", "forward.yml:1"), ("", "projects")],
)
async def test_wrong_rules_are_refused_with_their_place(tmp_path: Path, rules: str, said: str) -> None:
    async with process(tmp_path, rules) as running:
        assert await asyncio.wait_for(running.wait(), 30) == 78
        assert running.stderr is not None
        assert said in (await running.stderr.read()).decode()


async def test_a_taken_port_ends_the_start(stage: Stage, tmp_path: Path) -> None:
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        async with process(tmp_path, stage.rules(), admin={"port": taken.getsockname()[1]}) as running:
            assert await asyncio.wait_for(running.wait(), 30) == 1


async def test_roles_are_assumed_with_their_external_ids(stage: Stage) -> None:
    await stage.put("k", b"one\n")
    await stage.send(stage.notification("k"))
    # moto shows each account its own queues: with the project's role this one would not be there.
    own = {"role_arn": "arn:aws:iam::123456789012:role/archive", "external_id": "archive-id"}
    rules = stage.rules(**own)
    project = rules.projects[0].model_copy(update={"role_arn": ROLE, "external_id": "shop-id"})
    async with connected(Forward(), ForwardRules(projects=[project]), SystemClock()) as (at_work,):
        stop = asyncio.Event()
        reading = asyncio.create_task(at_work.readers[0].run(stop, 5))
        await stage.until_empty(at_work, 1)
        stop.set()
        await reading
    assert list(stage.received()[0].values()) == ["one"]
    assumed = {
        (role.role_arn, role.external_id) for each in sts_backends.values() for b in each.values() for role in b.assumed_roles
    }
    assert assumed >= {(ROLE, "shop-id"), (own["role_arn"], "archive-id")}


def test_two_entries_of_one_queue_are_refused(tmp_path: Path) -> None:
    queue = ForwardQueue(url="https://sqs.eu-west-1.amazonaws.com/111122223333/q", buckets=["b-*"])
    project = ForwardProject(id="shop", environment="prod", stream="s", region="eu-central-1", queues=[queue, queue])
    file = tmp_path / "forward.yml"
    file.write_text(json.dumps(ForwardRules(projects=[project]).model_dump(mode="json", exclude_none=True)))
    with pytest.raises(ContentErrors) as refused:
        load_forwarding(file)
    assert [fault.code for fault in refused.value.faults] == ["duplicate_queue"]


@pytest.mark.parametrize(
    ("url", "region"),
    [("https://sqs.eu-west-1.amazonaws.com/111122223333/q", "eu-west-1"),
     ("https://eu-west-3.queue.amazonaws.com/1/q", "eu-west-3"), ("http://127.0.0.1:5000/1/q", "eu-central-1")],
)  # fmt: skip
def test_the_region_of_a_queue_stands_in_its_url(url: str, region: str) -> None:
    assert ForwardQueue(url=url, buckets=["b-*"]).place("eu-central-1") == region


def test_an_external_id_without_a_role_is_refused() -> None:
    with pytest.raises(ValueError, match="external_id"):
        ForwardQueue(url="https://sqs.eu-west-1.amazonaws.com/1/q", buckets=["b-*"], external_id="long-enough")


def test_what_is_meant() -> None:
    meant = Meant(["shop-*", "exact"], ["AWSLogs/*", "x/?.log"], ["*/ELBAccessLogTestFile"])
    assert [meant.bucket(name) for name in ("shop-logs", "exact", "exactly", "other", "")] == [True, True, False, False, False]
    keys = ("AWSLogs/1/a", "x/1.log", "x/12.log", "AWSLogs/1/ELBAccessLogTestFile", "AWSLogs/folder/", "other")
    assert [meant.key(key) for key in keys] == [True, True, False, False, False, False]


def test_bounds_follow_the_largest_record() -> None:
    small = Forward(record_bytes=64 * 1024)
    assert bounds_of(small).frame * 2 <= small.record_bytes
    assert put_limits_of(Forward(record_bytes=10 * 1024 * 1024)).request >= 10 * 1024 * 1024
