"""Reading a shard by dedicated subscription (enhanced fan-out): 2 MB/s of its own, records pushed as they arrive."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Callable

import msgspec
import structlog

from service.clock import Clock
from service.source.kinesis.client import KinesisClient, StartAt, Stream
from service.source.kinesis.event_stream import BrokenStream, FrameReader, Message
from service.source.kinesis.fault import TRANSPORT, Backoff, KinesisFault, Remedy
from service.source.kinesis.push_order import PushOrder
from service.source.kinesis.reader import Chunk
from service.source.kinesis.transport import Download, Transport, Unsupported, whole
from service.source.kinesis.wire import Decoder, Refusal, SubscriptionEvent

log = structlog.get_logger(__name__)

_ACTION = "SubscribeToShard"
_SILENCE_SECONDS = 30.0
"""Kinesis sends an event every few seconds even when there are no records; after this silence the way is broken."""
_RESUBSCRIBE_SECONDS = 1.0
_TAKEOVER_SECONDS = 5.0
"""A subscription is safe from being taken over, also by ourselves, for this long."""
_ACTIVE_SECONDS = 120.0
_FRUITLESS = 4
"""Subscriptions in a row that brought no event at all, after which the transport is considered useless."""

_LINGER_SECONDS = 5.0
"""How long a subscription may stay open, silent, after it pushed the end of its shard."""
_ENDINGS = 3
"""Subscriptions that broke after the end of their shard, after which the end is believed."""

_event = Decoder(SubscriptionEvent)
_refusal = Decoder(Refusal)


class Registration:
    """The registered consumer of one stream: made if absent, awaited until active, looked up once."""

    def __init__(self, client: KinesisClient, stream: Stream, name: str, clock: Clock) -> None:
        """Ask nothing yet."""
        self._client = client
        self._stream = stream
        self._name = name
        self._clock = clock
        self._lock = asyncio.Lock()
        self._arn: str | None = None

    async def arn(self) -> str:
        """ARN of the active consumer; raises Unsupported when there cannot be one, KinesisFault when not now."""
        async with self._lock:
            if self._arn is None:
                self._arn = await self._find()
            return self._arn

    def forget(self) -> None:
        """Look again next time: the consumer is said to be gone."""
        self._arn = None

    async def _find(self) -> str:
        deadline = self._clock.monotonic() + _ACTIVE_SECONDS
        while True:
            try:
                consumer = await self._client.consumer(self._stream, self._name)
            except KinesisFault as fault:
                if fault.remedy is Remedy.LOOK_AGAIN:
                    await self._register()
                    continue
                raise _unless_impossible(fault) from fault
            if consumer.status == "ACTIVE":
                return consumer.arn
            if self._clock.monotonic() > deadline:
                raise KinesisFault("ConsumerNotActive", f"{self._name} stays {consumer.status}", "DescribeStreamConsumer")
            await self._clock.sleep(1.0)

    async def _register(self) -> None:
        try:
            await self._client.register(self._stream, self._name)
        except KinesisFault as fault:
            if fault.code == "ResourceInUseException":
                return  # another worker was quicker
            if fault.code == "LimitExceededException":
                raise Unsupported(fault.code, fault.message, fault.action) from fault
            raise _unless_impossible(fault) from fault
        log.info("consumer_registered", stream=self._stream.name, consumer=self._name)


class FanOutReader:
    """Subscribes to one shard over one transport. ``on_fault`` hears of every passing fault."""

    def __init__(
        self,
        client: KinesisClient,
        registration: Registration,
        transport: Transport,
        shard: str,
        clock: Clock,
        rng: random.Random,
        *,
        on_fault: Callable[[KinesisFault], None],
    ) -> None:
        """Subscribe to nothing yet."""
        self.mode = f"fan_out/{transport.name}"
        self._client = client
        self._registration = registration
        self._transport = transport
        self._shard = shard
        self._clock = clock
        self._backoff = Backoff(rng, first=0.5)
        self._on_fault = on_fault
        self._fruitless = 0

    async def read(self, start: StartAt) -> AsyncGenerator[Chunk, None]:
        """Chunks from ``start`` to the shard's end; raises Unsupported when subscribing does not work here at all."""
        order = PushOrder(start)
        self._fruitless = endings = 0
        while True:
            began = self._clock.monotonic()
            least = 0.0
            last: SubscriptionEvent | None = None
            order.subscribed()
            try:
                async with contextlib.aclosing(self._subscription(order.resume)) as events:
                    async for event in events:
                        self._fruitless = 0
                        self._backoff.reset()
                        if event.continuation_sequence_number is None:
                            last = event  # the shard's end; what it overtook comes before the subscription closes
                            endings += 1
                            continue
                        records = order.unseen(event.records)
                        follows = order.take(event)
                        yield Chunk(records, event.millis_behind_latest, final=False, follows=follows)
            except KinesisFault as fault:
                if last is not None and endings >= _ENDINGS:
                    yield _ending(last, order)
                    return
                self._on_fault(fault)
                if isinstance(fault, Unsupported):
                    raise
                if fault.remedy in (Remedy.ASK_OPERATOR, Remedy.LOOK_AGAIN):
                    self._registration.forget()
                    raise
                if fault.code == TRANSPORT and self._fruitless >= _FRUITLESS:
                    raise Unsupported("FanOutFruitless", fault.message, _ACTION) from fault
                least = _TAKEOVER_SECONDS if fault.code == "ResourceInUseException" else 0.0
                least = self._backoff.next(least=least)
            else:
                if last is not None:
                    yield _ending(last, order)
                    return
            wait = max(least, _RESUBSCRIBE_SECONDS - (self._clock.monotonic() - began))
            if wait > 0:
                await self._clock.sleep(wait)

    async def _subscription(self, position: StartAt) -> AsyncGenerator[SubscriptionEvent, None]:
        """Events of one subscription, which lives five minutes at most."""
        start = {"Type": position.kind, **position.members("SequenceNumber")}
        members = {"ConsumerARN": await self._registration.arn(), "ShardId": self._shard, "StartingPosition": start}
        body = msgspec.json.encode(members)
        headers = await self._client.signed(_ACTION, body)
        download = await self._transport.post(self._client.endpoint, headers, body)
        watch = _Watch(download, self._clock)
        try:
            if download.status != 200:
                raise self._client.refusal(_ACTION, download.status, await whole(download))
            self._fruitless += 1  # until an event comes; not reaching Kinesis at all says nothing about the transport
            frames = FrameReader()
            while data := await watch.next():
                for message in frames.feed(data):
                    if (event := self._read(message)) is not None:
                        if event.continuation_sequence_number is None:
                            watch.expect_end()
                        yield event
            if frames.incomplete:
                raise KinesisFault(TRANSPORT, "the subscription ended in the middle of an event", _ACTION)
        except BrokenStream as fault:
            raise KinesisFault(TRANSPORT, str(fault), _ACTION) from fault
        finally:
            await watch.close()

    def _read(self, message: Message) -> SubscriptionEvent | None:
        if message.kind == "event":
            if message.name != "SubscribeToShardEvent":
                return None  # initial-response, and whatever may come
            try:
                return _event(message.payload)
            except msgspec.DecodeError as fault:
                raise KinesisFault(TRANSPORT, f"unreadable event: {fault}", _ACTION) from fault
        try:
            text = _refusal(message.payload).text
        except msgspec.DecodeError:
            text = message.headers.get(":error-message", "")
        raise self._client.note(KinesisFault(message.name or "UnknownException", text, _ACTION))


class _Watch:
    """Ends a download that stays silent. Only waiting counts: a slow reader is no broken way."""

    def __init__(self, download: Download, clock: Clock) -> None:
        self._download = download
        self._clock = clock
        self._waiting_since: float | None = None
        self._silent = False
        self._ending = False
        self._task = asyncio.create_task(self._run())

    async def next(self) -> bytes:
        self._waiting_since = self._clock.monotonic()
        try:
            return await self._download.next()
        except KinesisFault:
            if self._silent and self._ending:
                return b""
            if self._silent:
                raise KinesisFault(TRANSPORT, f"no event for {_SILENCE_SECONDS:.0f} s", _ACTION) from None
            raise
        finally:
            self._waiting_since = None

    def expect_end(self) -> None:
        """From now on silence is as good as the end, and sooner."""
        self._ending = True

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._download.close()

    async def _run(self) -> None:
        while True:
            await self._clock.sleep(_SILENCE_SECONDS / 6)
            since = self._waiting_since
            most = _LINGER_SECONDS if self._ending else _SILENCE_SECONDS
            if since is not None and self._clock.monotonic() - since >= most:
                self._silent = True
                await self._download.close()
                return


def _ending(last: SubscriptionEvent, order: PushOrder) -> Chunk:
    return Chunk(order.unseen(last.records), last.millis_behind_latest, ended=True, children=last.child_shards or [])


def _unless_impossible(fault: KinesisFault) -> KinesisFault:
    if fault.remedy is Remedy.ASK_OPERATOR:
        return Unsupported(fault.code, fault.message, fault.action)
    return fault
