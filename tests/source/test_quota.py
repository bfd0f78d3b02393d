"""A stream's quota: what is beyond waits in the stream, nothing is lost, the lease is kept, nobody else waits."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from service.local.kinesis import KinesisDouble
from tests.source.conftest import MemoryOutlet
from tests.source.running import MODES, SWIFT, collecting, put, streams, until


@pytest.mark.parametrize("mode", MODES)
async def test_a_stream_with_a_quota_is_read_no_faster_and_another_at_full_speed(
    mode: str, tmp_path: Path, outlet: MemoryOutlet
) -> None:
    async with KinesisDouble(limits=SWIFT) as double:
        noisy = put(double.account.create("noisy", 2), 2400, "noise", 1000)
        quiet = put(double.account.create("quiet", 1), 300, "quiet", 1000)
        config = streams(double, {"name": "noisy", "most_mb_per_second": 0.4, **MODES[mode]}, {"name": "quiet", **MODES[mode]})
        began = time.monotonic()
        async with collecting(config, tmp_path / "leases", outlet) as collector:
            await until(lambda: quiet <= set(outlet.data))
            assert len(noisy & set(outlet.data)) < len(noisy)
            double.account.stream("noisy").shard_for("late").put(b"late", "late")
            await until(lambda: len(outlet.data) > len(noisy) + len(quiet), 40)
            took = time.monotonic() - began
            status = collector.status()
        assert set(outlet.data) == noisy | quiet | {b"late"}
        assert len(outlet.data) == len(noisy) + len(quiet) + 1
        assert took > 1.0, (
            "2.4 MB at 0.4 MB a second; what lies in the first replies, a megabyte of each shard at most, passes at once"
        )
        waited = {shard.stream: shard.quota_seconds for shard in status.shards}
        assert waited["noisy"] > 0
        assert waited["quiet"] == 0
