"""The double's subscriptions: their life, takeover, heartbeats, and the faults that can befall them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from zlib import crc32

import pytest

from service.local.kinesis import KinesisDouble, Limits, TurningClock
from service.local.kinesis.request import Request
from service.local.kinesis.shard import Shard
from service.local.kinesis.subscription import Subscription

SHARD = "shardId-000000000000"


class Pushing:
    """A double with one shard and one registered consumer, subscribed to without HTTP."""

    def __init__(self, double: KinesisDouble, clock: TurningClock) -> None:
        self.double = double
        self.clock = clock
        self.subscriptions = double._api.subscriptions
        stream = double.account.create("logs", 1)
        self.shard: Shard = stream.shard(SHARD)
        self.consumer = stream.register("siem").arn

    def subscribe(self) -> Subscription:
        position = {"Type": "TRIM_HORIZON"}
        return self.subscriptions.open(Request({"ConsumerARN": self.consumer, "ShardId": SHARD, "StartingPosition": position}))

    async def frames(self, subscription: Subscription) -> AsyncIterator[bytes]:
        async for frame in self.subscriptions.push(subscription):
            yield frame


@asynccontextmanager
async def pushing(limits: Limits | None = None) -> AsyncIterator[Pushing]:
    clock = TurningClock(frozen=True)
    yield Pushing(KinesisDouble(limits=limits, clock=clock), clock)


def is_intact(frame: bytes) -> bool:
    return int.from_bytes(frame[-4:], "big") == crc32(frame[:-4])


async def test_a_subscription_ends_after_five_minutes_and_sends_heartbeats_until_then() -> None:
    async with pushing() as at:
        received: list[bytes] = []

        async def consume() -> None:
            async for frame in at.frames(at.subscribe()):
                received.append(frame)

        task = asyncio.create_task(consume())
        for _ in range(60):
            await asyncio.sleep(0.001)
            assert not task.done()
            at.clock.advance(5.0)
        await asyncio.wait_for(task, 5)
        assert len(received) > 50
        assert all(b'"Records":[]' in frame for frame in received[1:] if frame)


async def test_a_subscriber_after_five_seconds_takes_over_and_the_earlier_one_is_told() -> None:
    async with pushing() as at:
        first = at.frames(at.subscribe())
        await anext(first)
        await anext(first)
        at.clock.advance(5.1)
        at.subscribe()
        told = b"".join([frame async for frame in first])
        assert b"ResourceInUseException" in told


async def test_pushed_bytes_are_paced_at_two_megabytes_a_second() -> None:
    async with pushing(Limits(write_bytes=0, write_records=0)) as at:
        for _ in range(6):
            at.shard.put(bytes(1 << 20), "k")
        frames = at.frames(at.subscribe())
        for _ in range(4):  # the initial response, two within the quota, the one that overdraws it
            await anext(frames)
        overdrawn = asyncio.ensure_future(anext(frames))
        await asyncio.sleep(0.05)
        assert not overdrawn.done()
        at.clock.advance(0.6)
        assert is_intact(await asyncio.wait_for(overdrawn, 5))


async def test_every_frame_carries_its_checksums_and_a_corrupted_one_does_not() -> None:
    async with pushing() as at:
        at.shard.put(b"a", "k")
        frames = at.frames(at.subscribe())
        assert is_intact(await anext(frames))
        assert is_intact(await anext(frames))
        at.double.faults.corrupt_event()
        at.shard.put(b"b", "k")
        assert not is_intact(await anext(frames))


async def test_a_half_open_subscription_pushes_nothing_more_and_stays_open() -> None:
    async with pushing() as at:
        at.double.faults.half_open()
        at.shard.put(b"a", "k")
        frames = at.frames(at.subscribe())
        await anext(frames)
        pending = asyncio.ensure_future(anext(frames))
        for _ in range(20):
            at.clock.advance(5)
            await asyncio.sleep(0)
        assert not pending.done()
        at.subscribe()
        with pytest.raises(StopAsyncIteration):
            await pending


async def test_events_can_be_duplicated_reversed_and_ended() -> None:
    async with pushing() as at:
        frames = at.frames(at.subscribe())
        await anext(frames)
        await anext(frames)
        at.double.faults.duplicate_event()
        at.shard.put(b"twice", "k")
        assert (await anext(frames)).count(b"dHdpY2U=") == 2
        at.double.faults.reverse_events()
        at.shard.put(b"one", "k")
        pending = asyncio.ensure_future(anext(frames))
        await asyncio.sleep(0.05)
        assert not at.double.faults.planned
        at.shard.put(b"two", "k")
        late = await pending
        while b"b25l" not in late:
            late += await anext(frames)
        assert late.index(b"dHdv") < late.index(b"b25l")
        at.double.faults.end_subscription()
        at.shard.put(b"unsent", "k")
        assert b"".join([frame async for frame in frames]) == b""
