"""SubscribeToShard: records pushed as they come, for five minutes, one subscriber a consumer and shard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from math import inf
from typing import Any

import orjson

from service.local.kinesis import event_stream
from service.local.kinesis.account import Account
from service.local.kinesis.consumer_calls import find_by_arn
from service.local.kinesis.faults import Fault, Faults, Kind
from service.local.kinesis.record_calls import position
from service.local.kinesis.refusal import in_use
from service.local.kinesis.request import Request
from service.local.kinesis.shard import Read, Shard
from service.local.kinesis.stream_calls import child_shards

PUSH_BYTES = 1 << 20
PUSH_RECORDS = 10_000


@dataclass(eq=False, slots=True)
class Subscription:
    """One running push of a shard to a consumer."""

    consumer_arn: str
    shard: Shard
    after: int
    began: float
    stolen: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a later subscriber took over."""


class Subscriptions:
    """Who is being pushed what; decides takeovers."""

    def __init__(self, account: Account, faults: Faults) -> None:
        self._account = account
        self._faults = faults
        self._running: dict[tuple[str, str], Subscription] = {}

    def open(self, request: Request) -> Subscription:
        """Begin a subscription; raises Refusal for a bad request or within 5 s of the last success."""
        stream, consumer = find_by_arn(self._account, request.text("ConsumerARN"))
        shard = stream.shard(request.text("ShardId"))
        start = request.inner("StartingPosition")
        after = position(shard, start.text("Type"), start.optional_text("SequenceNumber"), start.time_ms("Timestamp"))
        now = self._account.clock.monotonic()
        key = (consumer.arn, shard.shard_id)
        earlier = self._running.get(key)
        if earlier is not None:
            if now - earlier.began < self._account.limits.takeover_seconds:
                raise in_use(f"Another active subscription exists for this consumer: {consumer.arn}, {shard.shard_id}.")
            earlier.stolen.set()
        subscription = self._running[key] = Subscription(consumer.arn, shard, after, now)
        return subscription

    def ended(self, subscription: Subscription) -> None:
        """Forget a subscription whose connection is gone; AWS keeps refusing newcomers for its first five seconds."""
        key = (subscription.consumer_arn, subscription.shard.shard_id)
        age = self._account.clock.monotonic() - subscription.began
        if self._running.get(key) is subscription and age >= self._account.limits.takeover_seconds:
            del self._running[key]

    async def push(self, subscription: Subscription) -> AsyncGenerator[bytes, None]:
        """Frames until the shard ends, the subscription's life is over, or it is stolen."""
        yield event_stream.initial_response()
        held, apart = b"", 0.0
        async for frame, fault in self._events(subscription):
            if fault is not None and fault.kind is Kind.REVERSE and not held:
                held, apart = frame, fault.apart
            elif held and apart and (fault is None or fault.kind is Kind.REVERSE):
                yield frame
                if apart == inf:
                    return
                await self._account.clock.sleep(apart)
                yield held
                held = b""
            elif fault is None or fault.kind is Kind.REVERSE:  # the one that waits comes after this one
                yield frame + held
                held = b""
            elif fault.kind is Kind.DUPLICATE:
                yield frame + frame
            elif fault.kind is Kind.CORRUPT:
                yield frame[:-5] + bytes([frame[-5] ^ 1]) + frame[-4:]
            elif fault.kind is Kind.HALF_OPEN:
                await subscription.stolen.wait()
                return
            elif fault.kind is Kind.EXCEPTION and fault.refusal is not None:
                yield event_stream.exception(fault.refusal.code, orjson.dumps({"message": fault.refusal.message}))
                return
            else:
                return
        yield held

    async def _events(self, subscription: Subscription) -> AsyncIterator[tuple[bytes, Fault | None]]:
        account, shard = self._account, subscription.shard
        clock, limits = account.clock, account.limits
        ends = subscription.began + limits.subscription_seconds
        first = True
        while (left := ends - clock.monotonic()) > 0:
            read = shard.read(subscription.after, PUSH_RECORDS, PUSH_BYTES)
            if not (read.records or first or shard.is_exhausted(read.after)) and await self._quiet(subscription, left):
                continue
            if subscription.stolen.is_set():
                message = orjson.dumps({"message": "Another subscription took over."})
                yield event_stream.exception("ResourceInUseException", message), None
                return
            first = False
            subscription.after = read.after
            done = shard.is_exhausted(read.after)
            fault = self._faults.hit("SubscribeToShard", shard.shard_id, on_request=False) if read.records else None
            yield event_stream.event("SubscribeToShardEvent", self._payload(shard, read)), fault
            if done:
                return
            wait = shard.charge_fan_out(subscription.consumer_arn, read.size)
            if wait > 0:
                await clock.sleep(wait)

    async def _quiet(self, subscription: Subscription, left: float) -> bool:
        """Wait for records; True when some came, False when a heartbeat is due or the subscription was stolen."""
        heartbeat = asyncio.ensure_future(self._account.clock.sleep(min(left, self._account.limits.heartbeat_seconds)))
        changed = subscription.shard.changed()
        stolen = asyncio.ensure_future(subscription.stolen.wait())
        waits: list[asyncio.Future[Any]] = [heartbeat, changed, stolen]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return changed.done() and not stolen.done()
        finally:
            for wait in waits:
                wait.cancel()

    @staticmethod
    def _payload(shard: Shard, read: Read) -> bytes:
        if shard.is_exhausted(read.after):
            tail = b'null,"ChildShards":' + orjson.dumps(child_shards(shard))
        else:
            tail = b'"%b"' % shard.continuation(read.after).encode()
        return b'{"Records":[%b],"MillisBehindLatest":%d,"ContinuationSequenceNumber":%b}' % (
            b",".join(read.records),
            read.behind_ms,
            tail,
        )
