"""HTTP/2 with prior knowledge, as dedicated subscriptions use it: many streams on one connection, flow-controlled."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError

from service.local.kinesis.api import CONTENT_TYPE, EVENT_STREAM_TYPE, Answer, Api
from service.local.kinesis.faults import Kind
from service.local.kinesis.http1 import MAX_BODY
from service.local.kinesis.subscription import Subscription

WINDOW = 8 << 20


@dataclass(slots=True)
class _Exchange:
    headers: dict[str, str]
    body: bytearray = field(default_factory=bytearray)
    room: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Http2:
    """One connection's worth of HTTP/2, fed with bytes; writes its answers to ``transport``."""

    def __init__(self, api: Api, transport: asyncio.Transport) -> None:
        self._api = api
        self._transport = transport
        self._h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self._exchanges: dict[int, _Exchange] = {}
        self._writable = asyncio.Event()
        self._writable.set()
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(WINDOW)
        self._flush()

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def feed(self, data: bytes) -> None:
        """Take received bytes; answers every request that is complete."""
        try:
            for event in self._h2.receive_data(data):
                self._on(event)
        except ProtocolError:
            self._flush()
            self._transport.close()
            return
        self._flush()

    def _on(self, event: Event) -> None:
        match event:
            case RequestReceived(stream_id=int(stream), headers=list(headers)):
                self._exchanges[stream] = _Exchange({str(name): str(value) for name, value in headers})
            case DataReceived(stream_id=int(stream), data=bytes(data), flow_controlled_length=int(length)):
                self._h2.acknowledge_received_data(length, stream)
                exchange = self._exchanges.get(stream)
                if exchange is not None and len(exchange.body) <= MAX_BODY:
                    exchange.body += data
            case StreamEnded(stream_id=int(stream)):
                exchange = self._exchanges[stream]
                exchange.task = asyncio.get_running_loop().create_task(self._answer(stream, exchange))
            case WindowUpdated() | RemoteSettingsChanged():
                for exchange in self._exchanges.values():
                    exchange.room.set()
            case StreamReset(stream_id=int(stream)):
                exchange = self._exchanges.pop(stream, None)
                if exchange is not None and exchange.task is not None:
                    exchange.task.cancel()
            case ConnectionTerminated():
                self._transport.close()
            case _:
                pass

    async def _answer(self, stream: int, exchange: _Exchange) -> None:
        answer = self._api.answer(exchange.headers.get("x-amz-target", ""), bytes(exchange.body))
        if isinstance(answer, Subscription):
            await self._stream(stream, exchange, answer)
        elif answer.fault is Kind.STALL:
            return
        else:
            await self._send_whole(stream, exchange, answer)
        self._exchanges.pop(stream, None)

    async def _send_whole(self, stream: int, exchange: _Exchange, answer: Answer) -> None:
        headers = [(":status", str(answer.status)), ("content-type", CONTENT_TYPE), *answer.headers]
        self._h2.send_headers(stream, [*headers, ("content-length", str(len(answer.body)))])
        if answer.fault is Kind.DROP:
            await self._send(stream, exchange, answer.body[: len(answer.body) // 2])
            self._transport.close()
            return
        await self._send(stream, exchange, answer.body)
        self._h2.end_stream(stream)
        self._flush()

    async def _stream(self, stream: int, exchange: _Exchange, subscription: Subscription) -> None:
        self._h2.send_headers(stream, [(":status", "200"), ("content-type", EVENT_STREAM_TYPE)])
        self._flush()
        try:
            async with aclosing(self._api.subscriptions.push(subscription)) as frames:
                async for frame in frames:
                    await self._send(stream, exchange, frame)
            self._h2.end_stream(stream)
            self._flush()
        finally:
            self._api.subscriptions.ended(subscription)

    async def _send(self, stream: int, exchange: _Exchange, data: bytes) -> None:
        at = 0
        while at < len(data):
            await self._writable.wait()
            room = min(self._h2.local_flow_control_window(stream), self._h2.max_outbound_frame_size)
            if room <= 0:
                exchange.room.clear()
                await exchange.room.wait()
                continue
            self._h2.send_data(stream, data[at : at + room])
            at += room
            self._flush()

    def pause(self) -> None:
        """The client reads too slowly: push nothing for now."""
        self._writable.clear()

    def resume(self) -> None:
        """The client caught up."""
        self._writable.set()

    def lost(self) -> None:
        """The connection is gone."""
        for exchange in self._exchanges.values():
            if exchange.task is not None:
                exchange.task.cancel()
