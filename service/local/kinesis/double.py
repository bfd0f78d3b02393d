"""The double as a server: one loopback port for HTTP/1.1 and HTTP/2, to be stopped and started again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Self

from service.clock import Clock, SystemClock
from service.local.kinesis.account import Account
from service.local.kinesis.api import Api
from service.local.kinesis.faults import Faults
from service.local.kinesis.http1 import Http1
from service.local.kinesis.http2 import Http2
from service.local.kinesis.limits import Limits

_HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class KinesisDouble:
    """A Kinesis on ``url`` while the context is open.

    ``account`` is its content (create streams and put records there without HTTP), ``faults`` what it shall do wrong.
    No quotas count unless ``limits`` says so; ``port`` 0 picks a free one. ``journal`` is a file to keep the streams in:
    another double that is given it holds the same, even if this one was killed.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        limits: Limits | None = None,
        clock: Clock | None = None,
        account_id: str = "000000000000",
        region: str = "eu-central-1",
        journal: Path | None = None,
    ) -> None:
        self.account = Account(account_id, region, limits or Limits.none(), clock or SystemClock())
        if journal is not None:
            self.account.keep_in(journal)
        self.faults = Faults()
        self._api = Api(self.account, self.faults)
        self._port = port
        self._host = host
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    @property
    def url(self) -> str:
        """Endpoint for clients."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen; the port stays the same over stops and starts."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self._api, self._connections), "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close every connection and the port; the streams stay as they are."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._connections):
            connection.abort()
        await self._server.wait_closed()
        self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()


class _Connection(asyncio.Protocol):
    """Hears which HTTP the client speaks, then leaves it to that."""

    def __init__(self, api: Api, connections: set[_Connection]) -> None:
        self._api = api
        self._connections = connections
        self._first = b""
        self._speaker: Http1 | Http2 | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a TCP server gives nothing else
        self._transport = transport
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._speaker is None:
            self._first += data
            head = self._first[: len(_HTTP2_PREFACE)]
            if head == _HTTP2_PREFACE:
                self._speaker = Http2(self._api, self._transport)
            elif _HTTP2_PREFACE.startswith(head):
                return
            else:
                self._speaker = Http1(self._api, self._transport)
            data, self._first = self._first, b""
        self._speaker.feed(data)

    def pause_writing(self) -> None:
        if self._speaker is not None:
            self._speaker.pause()

    def resume_writing(self) -> None:
        if self._speaker is not None:
            self._speaker.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._connections.discard(self)
        if self._speaker is not None:
            self._speaker.lost()

    def abort(self) -> None:
        self._transport.abort()
