"""One project goes mad in every way it can; what another sends arrives all the same, all of it, soon."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from random import Random

import pytest

from service.demo.api_calls import api_call
from service.demo.projects import PROJECTS
from service.demo.wire import subscription
from tests.replay.deployment import Deployment

pytestmark = [pytest.mark.stack, pytest.mark.timeout(500)]

SHOP = PROJECTS[0]
PATIENCE = 120.0
"""Seconds within which the quiet project's events must be in the index. A bound, not a speed: two cores full of poison and other
tests took 7, 46 and 31; alone and on an idle machine it is about one."""


def poison(rng: Random) -> list[bytes]:
    """Bombs, rubbish, huge records, what breaks schemas and parsers: all of it costs work, none of it is of use."""
    bomb = gzip.compress(b"0" * (96 << 20))
    now = 1_795_200_000_000
    calls = [json.loads(api_call(rng, SHOP, now)) for _ in range(30)]
    return [
        *[bomb] * 4,
        *[gzip.compress(gzip.compress(gzip.compress(b"x" * 100_000)))] * 20,
        *[rng.randbytes(1 << 20)] * 4,
        *[b'{"eventVersion":"1.11","eventID":"x","awsRegion":"' + b"[" * 500_000] * 4,
        *[
            json.dumps(call | {"eventTime": {"a": [1]}, "userIdentity": [[[["x"]]]], "sourceIPAddress": 10**40}).encode()
            for call in calls
        ],
        *[json.dumps(call | {f"key{n}": "v" for n in range(2000)}).encode() for call in calls],
        *[subscription(rng, SHOP, "/cloudtrail/x", "x", ["{" for _ in range(2000)], now) for _ in range(10)],
    ]


async def test_a_mad_project_neither_stops_nor_delays_another(deployment: Deployment) -> None:
    """Poison and ten thousand tiny records first; then, behind them, what the quiet project sends."""
    streams = deployment.config.parent / "streams.yml"
    mad = f"m{deployment.project[1:]}"
    deployment.kinesis.account.create("mad", 2)
    deployment.kinesis.account.create("gone", 1)
    text = streams.read_text()
    url = deployment.kinesis.url
    streams.write_text(
        text
        + f"""  - {{ id: {mad}, environment: prod, accounts: ["444455556666"], region: eu-west-1, endpoint_url: "{url}",
      streams: [{{ name: mad, most_mb_per_second: 4 }}, {{ name: gone }}, {{ name: never-made }}] }}
"""
    )
    rng = Random(7)
    for data in poison(rng):
        deployment.put("mad", data)
    for number in range(10_000):
        deployment.put("mad", b'{"n":%d}' % number)
    arn = "arn:aws:kinesis:eu-central-1:000000000000:stream/gone"
    deployment.kinesis.faults.fail("GetRecords", 10_000, key=arn, code="AccessDeniedException", status=400)
    try:
        await deployment.service.start()
        await deployment.service.ready()
        seen = 0
        slowest = 0.0
        for _ in range(3):
            events = deployment.put_traffic("logs", 10)
            began = time.monotonic()
            seen += events
            await deployment.holds(seen, PATIENCE)
            slowest = max(slowest, time.monotonic() - began)
            await asyncio.sleep(1)
        deployment.kinesis.account.delete("gone")
        seen += deployment.put_traffic("logs", 10)
        await deployment.holds(seen, PATIENCE)
        assert len(await deployment.service.worker_pids()) == 1
        said = {line["event"] for line in deployment.service.lines()}
        assert not said & {"worker_crashed", "worker_silent", "dataset_stopped"}
        assert slowest < PATIENCE
    finally:
        await deployment.client.indices.delete(index=f"siem-*-{mad}-*", params={"ignore_unavailable": "true"})
