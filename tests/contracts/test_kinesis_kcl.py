"""An independent client library (kcl-rs, a port of KCL 3) reads our double right: leases, resharding, fan-out, polling."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from service.local.download import cache_folder
from service.local.kinesis import KinesisDouble

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

HERE = Path(__file__).parent


async def environment() -> Path:
    """The Python of a virtual environment that holds kcl-rs; skips where it cannot be made."""
    if os.environ.get("SIEM_SLOW") != "1":
        pytest.skip("a second opinion from kcl-rs needs SIEM_SLOW=1 (make test-slow)")
    folder = cache_folder() / "kcl-rs-0.1.4"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        lock = str(HERE / "kcl.lock")
        for command in (
            [sys.executable, "-m", "venv", str(folder)],
            [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock],
        ):
            process = await asyncio.create_subprocess_exec(*command)
            if await process.wait():
                pytest.skip("kcl-rs cannot be installed here")
        (folder / "ready").touch()
    return python


@asynccontextmanager
async def consuming(double: KinesisDouble, dynamodb: str, application: str, mode: str) -> AsyncIterator[list[dict[str, Any]]]:
    """What a consumer in a process of its own says, growing while it runs."""
    endpoints = {
        "AWS_ENDPOINT_URL_KINESIS": double.url,
        "AWS_ENDPOINT_URL_DYNAMODB": dynamodb,
        "AWS_ENDPOINT_URL_CLOUDWATCH": "http://127.0.0.1:9",
    }
    process = await asyncio.create_subprocess_exec(
        str(await environment()),
        str(HERE / "kcl_consumer.py"),
        "logs",
        application,
        mode,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, **endpoints},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    said: list[dict[str, Any]] = []
    lines = process.stdout

    async def listen() -> None:
        async for line in lines:
            said.append(json.loads(line))

    listening = asyncio.create_task(listen())
    try:
        yield said
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 30)
        except TimeoutError:
            process.kill()
            await process.wait()
        await listening


async def until(said: list[dict[str, Any]], texts: int, seconds: float = 240) -> None:
    async with asyncio.timeout(seconds):
        while sum("text" in fact for fact in said) < texts:
            await asyncio.sleep(0.2)


@pytest.mark.parametrize("mode", ["POLLING", "FANOUT"])
async def test_kcl_reads_everything_once_and_in_order_over_a_split_and_a_merge(
    kinesis: KinesisDouble, dynamodb: str, unique: str, mode: str
) -> None:
    stream = kinesis.account.create("logs", 2)

    def put(first: int) -> None:
        for number in range(first, first + 40):
            key = f"key{number % 8}"
            stream.shard_for(key).put(f"{key}:{number}".encode(), key)

    async with consuming(kinesis, dynamodb, unique, mode) as said:
        put(0)
        await until(said, 40)
        parent = stream.open_shards[0]
        stream.split(parent.shard_id, (parent.hash_range[0] + parent.hash_range[1]) // 2)
        put(40)
        await until(said, 80)
        left, right = stream.open_shards[1:3]
        stream.merge(left.shard_id, right.shard_id)
        put(80)
        await until(said, 120)
        await asyncio.sleep(1)
    texts = [fact["text"] for fact in said if "text" in fact]
    assert sorted(texts, key=lambda text: int(text.partition(":")[2])) == [f"key{n % 8}:{n}" for n in range(120)]
    for key in {text.partition(":")[0] for text in texts}:
        numbers = [int(text.partition(":")[2]) for text in texts if text.startswith(f"{key}:")]
        assert numbers == sorted(numbers)
    assert {parent.shard_id, left.shard_id, right.shard_id} <= {fact["ended"] for fact in said if "ended" in fact}
