"""A collector as a process of its own, for tests that kill it: appends what it got to a file, one line a record."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from service.clock import SystemClock
from service.event import RecordBatch
from service.local.kinesis import KinesisDouble
from service.source.kinesis.collector import Collector
from service.source.kinesis.coordinator import LeaseTimes
from service.source.kinesis.sqlite_leases import SqliteLeases
from tests.source.running import MODES, QUICK, streams


class FileOutlet:
    """Durable once it is in the file, which takes a moment."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def send(self, batch: RecordBatch) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def write() -> None:
            os.write(self._file, b"".join(record.data + b"\n" for record in batch.records))
            future.set_result(None)

        asyncio.get_running_loop().call_later(0.02, write)
        return future


async def main(url: str, mode: str, folder: Path) -> None:
    config = streams(cast("KinesisDouble", SimpleNamespace(url=url)), **MODES[mode])
    options = replace(QUICK, times=LeaseTimes(failover=1.5, handoff=4.0))
    outlet = FileOutlet(folder / f"{os.getpid()}.got")
    collector = Collector(config, SqliteLeases(folder / "leases"), outlet, SystemClock(), options=options)
    await collector.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
