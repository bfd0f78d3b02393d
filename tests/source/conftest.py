"""A stand-in for Kafka that makes batches durable when told to, and streams of the Kinesis double."""

from __future__ import annotations

import asyncio

import pytest

from service.event import RecordBatch


class MemoryOutlet:
    """Keeps every batch; ``hold`` makes them wait for ``let_go``."""

    def __init__(self) -> None:
        self.batches: list[RecordBatch] = []
        self.held: list[asyncio.Future[None]] = []
        self.hold = False
        self.failures = 0

    async def send(self, batch: RecordBatch) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.failures:
            self.failures -= 1
            future.set_exception(ConnectionError("broker away"))
            return future
        self.batches.append(batch)
        if self.hold:
            self.held.append(future)
        else:
            future.set_result(None)
        return future

    def let_go(self) -> None:
        self.hold = False
        held, self.held = self.held, []
        for future in held:
            if not future.done():
                future.set_result(None)

    @property
    def data(self) -> list[bytes]:
        return [record.data for batch in self.batches for record in batch.records]


@pytest.fixture
def outlet() -> MemoryOutlet:
    return MemoryOutlet()


@pytest.fixture(autouse=True)
def aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
