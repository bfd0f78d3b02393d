"""The forward role: megabytes a CPU-second step by step, and a whole process with an object as large as wanted.

Megabytes are of the log inside the object, uncompressed, 10^6 bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import gzip
import json
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
from aiobotocore.session import get_session
from aiohttp import web
from moto.server import ThreadedMotoServer

from bench import corpus
from bench.measure import cpu_seconds, resident_mb, timed
from service.decode import split
from service.forward.blocks import Block, Feed
from service.forward.bounds import Bounds
from service.forward.contents import contents
from service.forward.frames import Frames
from service.forward.thing import Named
from service.forward.unpack import unpacked
from service.local.kinesis import KinesisDouble
from service.source.kinesis.aggregate import Aggregate

REGION = "eu-central-1"
BUCKET, KEY = "bench-logs", "AWSLogs/111122223333/vpcflowlogs/eu-central-1/2026/01/02/flows.log.gz"
MEMBER_LINES = 400_000
_WRITTEN = corpus.NOW_MS // 1000
_NAME = Named(BUCKET, KEY, "1", _WRITTEN * 1000)
_KEPT_MS = 1000
"""What the double keeps of its streams: everything would not fit into memory."""


class InMemory:
    """An object in memory."""

    name = _NAME

    def __init__(self, data: bytes) -> None:
        self.data, self.size, self.at = data, len(data), 0

    def read(self, size: int) -> bytes:
        data = self.data[self.at : self.at + size]
        self.at += len(data)
        return data

    def again(self) -> InMemory:
        return InMemory(self.data)

    def read_at(self, start: int, size: int) -> bytes:
        return self.data[start : start + size]


def files(lines: int) -> dict[str, bytes]:
    """Logs as AWS delivers them, uncompressed."""
    trail = corpus.events("aws.cloudtrail", lines // 10)
    flows = corpus.events("aws.vpcflow", lines)
    header = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
    return {
        "VPC flow, text": "\n".join([header, *flows]).encode(),
        "CloudTrail, Records": ('{"Records":[' + ",".join(trail) + "]}").encode(),
        "CloudTrail, lines": "\n".join(trail).encode(),
    }


def steps(lines: int, runs: int) -> list[dict[str, Any]]:
    """Each step over a file of so many flow records, on one core."""
    found = []
    for name, plain in files(lines).items():
        packed = gzip.compress(plain, 6)
        frames = _frames(packed)
        events = [event for frame in frames for run in split(frame).runs for event in run.events]
        works = {
            "gunzip": lambda packed=packed: _unpack(packed),
            "gunzip, walk": lambda packed=packed: sum(1 for _ in contents(InMemory(packed), Bounds())),
            "gunzip, walk, frame": lambda packed=packed: _frames(packed),
            "all, aggregate": lambda packed=packed: _aggregates(_frames(packed)),
            "decode at the other end": lambda frames=frames: [split(frame) for frame in frames],
        }
        for step, work in works.items():
            timing = timed(work, len(plain), runs=runs)
            rate = {"mb_per_cpu_second": round(1 / timing.cpu_us), "best": round(1 / timing.best_us)}
            rate["events_per_cpu_second"] = round(len(events) / (timing.cpu_us * len(plain) / 1e6))
            found.append({"name": f"{name}: {step}", **rate, "ratio": round(len(plain) / sum(map(len, frames)), 1)})
    return found


def _unpack(packed: bytes) -> None:
    thing = InMemory(packed)
    feed = Feed(unpacked(thing, thing.again, Bounds()), Bounds().chunk)
    while feed.more():
        feed.at = len(feed.data)


def _frames(packed: bytes) -> list[bytes]:
    frames = Frames(_NAME, Bounds())
    return [
        frame for part, item in contents(InMemory(packed), Bounds()) if isinstance(item, Block) for frame in frames.of(part, item)
    ]


def _aggregates(frames: list[bytes]) -> int:
    size, filling = 0, Aggregate("key", 1 << 20)
    for frame in frames:
        if not filling.fits(frame):
            size += len(filling.seal())
            filling = Aggregate("key", 1 << 20)
        filling.add(frame)
    return size + len(filling.seal())


class Bucket:
    """S3 as far as an object is read: one gzip file whose members are the same again and again."""

    def __init__(self, member: bytes, times: int) -> None:
        self.member, self.times = member, times
        self.size = len(member) * times

    def bytes_from(self, start: int, end: int) -> Iterator[bytes]:
        while start < end:
            offset = start % len(self.member)
            piece = self.member[offset : offset + min(1 << 18, end - start)]
            start += len(piece)
            yield piece

    async def get(self, request: web.Request) -> web.StreamResponse:
        start, end, status = 0, self.size, 200
        if (asked := request.headers.get("Range")) is not None:
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, end, status = int(first), int(last) + 1, 206
        headers = {
            "Content-Length": str(end - start), "ETag": '"1"', "Last-Modified": email.utils.formatdate(_WRITTEN, usegmt=True),
        }  # fmt: skip
        response = web.StreamResponse(status=status, headers=headers)
        await response.prepare(request)
        for piece in self.bytes_from(start, end):
            await response.write(piece)
        return response


@contextlib.asynccontextmanager
async def served(bucket: Bucket) -> AsyncIterator[str]:
    """The bucket at a loopback URL."""
    app = web.Application()
    app.router.add_get("/{tail:.*}", bucket.get)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def whole(gigabytes: float, folder: Path) -> dict[str, Any]:
    """``siem forward`` over one object of that many uncompressed gigabytes; its CPU time and memory."""
    plain = files(MEMBER_LINES)["VPC flow, text"].partition(b"\n")[2] + b"\n"
    times = max(1, round(gigabytes * 1e9 / len(plain)))
    bucket = Bucket(gzip.compress(plain, 6), times)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    sqs_url = "http://{}:{}".format(*moto.get_host_and_port())
    try:
        async with served(bucket) as s3_url, KinesisDouble() as double:
            double.account.create("bench", 4)
            trimming = asyncio.create_task(_trim(double))
            queue = await _queue(sqs_url)
            port = random.randrange(20_000, 30_000)
            config = _write_settings(folder, port, double.url, s3_url, sqs_url, queue)
            found = await _run(config, port, plain.count(b"\n") * times)
            trimming.cancel()
    finally:
        moto.stop()
    megabytes = len(plain) * times / 1e6
    return {
        "events_per_cpu_second": round(found["units"] / found["cpu"]),
        "name": f"siem forward, one object of {megabytes / 1000:.1f} GB ({bucket.size / 1e9:.2f} GB gzip)",
        "mb_per_cpu_second": round(megabytes / found["cpu"]), "mb_per_second": round(megabytes / found["wall"]),
        "start_mb": found["start"], "tenth_mb": found["tenth"], "peak_mb": found["peak"], "units": found["units"],
    }  # fmt: skip


async def _trim(double: KinesisDouble) -> None:
    while True:
        await asyncio.sleep(0.5)
        for shard in double.account.streams["bench"].shards.values():
            shard.trim(double.account.clock.now_ms() - _KEPT_MS)


async def _queue(url: str) -> str:
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "testing")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "testing")
    session: Any = get_session()
    async with session.create_client("sqs", region_name=REGION, endpoint_url=url) as sqs:
        queue: str = (await sqs.create_queue(QueueName="bench"))["QueueUrl"]
        record = {
            "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": "2026-01-02T00:00:00Z",
            "s3": {"bucket": {"name": BUCKET}, "object": {"key": KEY}},
        }  # fmt: skip
        await sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"Records": [record]}))
    return queue


def _write_settings(folder: Path, port: int, kinesis: str, s3: str, sqs: str, queue: str) -> Path:
    project = {
        "id": "bench", "environment": "test", "region": REGION, "stream": "bench", "endpoint_url": kinesis, "s3_endpoint_url": s3,
        "sqs_endpoint_url": sqs, "queues": [{"url": queue, "buckets": [BUCKET]}],
    }  # fmt: skip
    (folder / "forward.yml").write_text(json.dumps({"projects": [project]}))
    file = folder / "siem.yml"
    file.write_text(json.dumps({"admin": {"port": port}, "forward": {"rules": "forward.yml"}, "logging": {"level": "warning"}}))
    return file


async def _run(config: Path, port: int, units: int) -> dict[str, float]:
    """Run the process until it has forwarded so many units."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "service", "forward", "--config", str(config))
    began, start, tenth, done, used = time.perf_counter(), 0.0, 0.0, 0, 0.0
    try:
        async with aiohttp.ClientSession() as session:
            while done < units:
                await asyncio.sleep(0.5)
                done = await _units(session, port)
                if not done:
                    began, used, start = time.perf_counter(), cpu_seconds(process.pid), resident_mb(process.pid)
                elif not tenth and done > units / 10:
                    tenth = resident_mb(process.pid)
        wall, cpu = time.perf_counter() - began, cpu_seconds(process.pid) - used
        peak = resident_mb(process.pid, "VmHWM")
    finally:
        process.terminate()
        await process.wait()
    return {"wall": wall, "cpu": cpu, "start": round(start), "tenth": round(tenth), "peak": round(peak), "units": done}


async def _units(session: aiohttp.ClientSession, port: int) -> int:
    with contextlib.suppress(aiohttp.ClientError):
        async with session.get(f"http://127.0.0.1:{port}/metrics") as reply:
            for line in (await reply.text()).splitlines():
                if line.startswith("siem_forward_units_total{"):
                    return round(float(line.rpartition(" ")[2]))
    return 0
