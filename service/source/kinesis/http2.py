"""Subscriptions over HTTP/2: many on one connection, each with its own flow control.

A subscription whose reader is slow stops alone: its stream's window stays shut while the connection's is opened at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable
from typing import cast

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from service.source.kinesis.fault import TRANSPORT, KinesisFault
from service.source.kinesis.transport import Unsupported

STREAM_WINDOW = 1024 * 1024
"""Bytes a subscription may push before they are read; also what each may cost in memory."""
_CONNECTION_WINDOW = 64 * 1024 * 1024
_FRAME_SIZE = 256 * 1024
_SUBSCRIPTIONS_A_CONNECTION = 32


def broken(reason: str) -> KinesisFault:
    """The fault of a connection that failed."""
    return KinesisFault(TRANSPORT, reason, "SubscribeToShard")


class Http2Download:
    """One stream of a connection."""

    def __init__(self, connection: Http2Connection, stream_id: int) -> None:
        """Wait for the head."""
        self.status = 0
        self._connection = connection
        self._id = stream_id
        self._parts: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._ended = False
        self._fault: KinesisFault | None = None

    async def head(self) -> None:
        """Return once the status is known; raises KinesisFault."""
        while not self.status:
            if self._fault is not None:
                raise self._fault
            if self._ended:
                raise broken("the answer ended before it began")
            await self._wait()

    async def next(self) -> bytes:
        """More bytes; b"" at the end."""
        while not self._parts:
            if self._fault is not None:
                raise self._fault
            if self._ended:
                return b""
            await self._wait()
        data = b"".join(self._parts)
        self._parts.clear()
        self._connection.consumed(self._id, len(data))
        return data

    async def close(self) -> None:
        """Reset the stream if it still runs."""
        self.fail(broken("closed"))
        self._connection.reset(self._id)

    def begin(self, status: int) -> None:
        """The head arrived."""
        self.status = status
        self._news.set()

    def push(self, data: bytes) -> None:
        """Bytes arrived."""
        self._parts.append(data)
        self._news.set()

    def end(self) -> None:
        """The answer is complete."""
        self._ended = True
        self._news.set()

    def fail(self, fault: KinesisFault) -> None:
        """The answer will never be complete."""
        if not self._ended and self._fault is None:
            self._fault = fault
            self._news.set()

    async def _wait(self) -> None:
        self._news.clear()
        await self._news.wait()


class Http2Connection(asyncio.Protocol):
    """One connection; ``ready`` resolves when the far side showed that it speaks HTTP/2."""

    def __init__(self, scheme: str, authority: str) -> None:
        """Remember whom we talk to."""
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed = False
        self._scheme = scheme
        self._authority = authority
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self._transport: asyncio.Transport | None = None
        self._downloads: dict[int, Http2Download] = {}

    @property
    def has_room(self) -> bool:
        """Whether one more subscription fits."""
        most = min(self._h2.remote_settings.max_concurrent_streams, _SUBSCRIPTIONS_A_CONNECTION)
        return not self.closed and len(self._downloads) < most

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open the conversation."""
        # uvloop's transports are asyncio's in all but their class.
        self._transport = cast("asyncio.Transport", transport)
        self._h2.local_settings = h2.settings.Settings(
            client=True,
            initial_values={
                h2.settings.SettingCodes.ENABLE_PUSH: 0,
                h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
                h2.settings.SettingCodes.MAX_FRAME_SIZE: _FRAME_SIZE,
                h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: 65536,
            },
        )
        self._h2.max_inbound_frame_size = _FRAME_SIZE  # h2 itself would only follow when the setting is acknowledged
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(_CONNECTION_WINDOW)
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Sort what arrived to the downloads."""
        try:
            events = self._h2.receive_data(data)
        except h2.exceptions.ProtocolError as fault:
            self._lose(f"not HTTP/2: {fault}")
            return
        for event in events:
            self._on(event)
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is still open."""
        self._lose(repr(exc) if exc else "connection closed")

    def post(self, headers: dict[str, str], body: bytes) -> Http2Download:
        """Send a request (its body fits into the first window); raises KinesisFault."""
        try:
            stream_id = self._h2.get_next_available_stream_id()
            named = [(name.lower(), value) for name, value in headers.items() if name.lower() != "host"]
            pseudo = [(":method", "POST"), (":scheme", self._scheme), (":authority", self._authority), (":path", "/")]
            self._h2.send_headers(stream_id, [*pseudo, *named, ("content-length", str(len(body)))])
            self._h2.send_data(stream_id, body, end_stream=True)
        except h2.exceptions.H2Error as fault:
            raise broken(f"HTTP/2: {fault!r}") from fault
        download = self._downloads[stream_id] = Http2Download(self, stream_id)
        self._flush()
        return download

    def consumed(self, stream_id: int, size: int) -> None:
        """Let the far side push as much again, if it still can: what arrived last is often read after the stream's end."""
        # h2 forgets an ended stream when the next one is opened, and knows it by a KeyError only.
        with contextlib.suppress(h2.exceptions.H2Error, KeyError):
            self._h2.increment_flow_control_window(size, stream_id)
            self._flush()

    def reset(self, stream_id: int) -> None:
        """End one stream from our side."""
        if self._downloads.pop(stream_id, None) is not None:
            with contextlib.suppress(h2.exceptions.H2Error):
                self._h2.reset_stream(stream_id, h2.errors.ErrorCodes.CANCEL)
                self._flush()

    def close(self) -> None:
        """End the connection."""
        self._lose("closed")

    def _on(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.RemoteSettingsChanged():
                if not self.ready.done():
                    self.ready.set_result(None)
            case h2.events.ResponseReceived(stream_id=int(stream_id), headers=headers):
                if (download := self._downloads.get(stream_id)) is not None:
                    download.begin(_status(headers or []))
            case h2.events.DataReceived(stream_id=int(stream_id), data=bytes(data), flow_controlled_length=int(size)):
                self._on_data(stream_id, data, size)
            case h2.events.StreamEnded(stream_id=int(stream_id)):
                if (download := self._downloads.pop(stream_id, None)) is not None:
                    download.end()
            case h2.events.StreamReset(stream_id=int(stream_id), error_code=code):
                if (download := self._downloads.pop(stream_id, None)) is not None:
                    download.fail(broken(f"stream reset, error {code!r}"))
            case h2.events.ConnectionTerminated(error_code=code):
                self._lose(f"connection terminated, error {code!r}")
            case _:
                pass

    def _on_data(self, stream_id: int, data: bytes, size: int) -> None:
        if size:
            self._h2.increment_flow_control_window(size)
        if (download := self._downloads.get(stream_id)) is not None:
            if data:
                download.push(data)
            if size > len(data):
                self.consumed(stream_id, size - len(data))  # padding is nobody's to read

    def _lose(self, reason: str) -> None:
        self.closed = True
        fault = broken(reason)
        if not self.ready.done():
            self.ready.set_exception(Unsupported("NoHTTP2", reason, "SubscribeToShard"))
        for download in self._downloads.values():
            download.fail(fault)
        self._downloads.clear()
        if self._transport is not None:
            self._transport.close()

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)


def _status(headers: Iterable[tuple[object, object]]) -> int:
    named = {str(name): str(value) for name, value in headers}
    return int(named.get(":status", "0"))
