"""HTTP/1.1 as far as AWS clients speak it: keep-alive, Content-Length bodies in, chunked event streams out."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from http import HTTPStatus

from service.local.kinesis.api import CONTENT_TYPE, EVENT_STREAM_TYPE, Answer, Api
from service.local.kinesis.faults import Kind
from service.local.kinesis.subscription import Subscription

MAX_BODY = 32 << 20
MAX_HEAD = 64 << 10
_END_OF_HEAD = b"\r\n\r\n"
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class Http1:
    """One connection's worth of HTTP/1.1, fed with bytes; writes its answers to ``transport``."""

    def __init__(self, api: Api, transport: asyncio.Transport) -> None:
        self._api = api
        self._transport = transport
        self._buffer = bytearray()
        self._head: tuple[dict[str, str], int, int] | None = None
        self._push: asyncio.Task[None] | None = None
        self._stalled = False
        self._writable = asyncio.Event()
        self._writable.set()

    def feed(self, data: bytes) -> None:
        """Take received bytes; answers every request that is complete."""
        self._buffer += data
        while not self._stalled and self._push is None:
            if self._head is None and not self._read_head():
                return
            if self._head is None:
                return
            headers, begin, end = self._head
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[begin:end])
            del self._buffer[:end]
            self._head = None
            self._answer(headers, body)

    def _read_head(self) -> bool:
        at = self._buffer.find(_END_OF_HEAD)
        if at < 0:
            if len(self._buffer) > MAX_HEAD:
                self._refuse(431)
            return False
        request, *lines = self._buffer[:at].decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        headers[":method"] = request.partition(" ")[0]
        if "transfer-encoding" in headers:
            self._refuse(411)
            return False
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MAX_BODY:
            self._refuse(413)
            return False
        if headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._head = headers, at + len(_END_OF_HEAD), at + len(_END_OF_HEAD) + int(length)
        return True

    def _refuse(self, status: int) -> None:
        self._transport.write(_response(Answer(status, b"")))
        self._transport.close()
        self._stalled = True

    def _answer(self, headers: dict[str, str], body: bytes) -> None:
        if headers[":method"] == "GET":
            self._transport.write(_response(Answer(200, b'{"status":"running"}')))
            return
        answer = self._api.answer(headers.get("x-amz-target", ""), body)
        if isinstance(answer, Subscription):
            self._push = asyncio.get_running_loop().create_task(self._stream(answer))
        elif answer.fault is Kind.STALL:
            self._stalled = True
        elif answer.fault is Kind.DROP:
            response = _response(answer)
            self._transport.write(response[: len(response) - max(1, len(answer.body) // 2)])
            self._transport.close()
            self._stalled = True
        else:
            self._transport.write(_response(answer))

    async def _stream(self, subscription: Subscription) -> None:
        self._transport.write(
            f"HTTP/1.1 200 OK\r\ncontent-type: {EVENT_STREAM_TYPE}\r\ntransfer-encoding: chunked\r\n\r\n".encode()
        )
        try:
            async with aclosing(self._api.subscriptions.push(subscription)) as frames:
                async for frame in frames:
                    if frame:
                        self._transport.write(b"%x\r\n%b\r\n" % (len(frame), frame))
                    await self._writable.wait()
            self._transport.write(b"0\r\n\r\n")
        finally:
            self._api.subscriptions.ended(subscription)
        self._push = None
        self.feed(b"")

    def pause(self) -> None:
        """The client reads too slowly: push nothing for now."""
        self._writable.clear()

    def resume(self) -> None:
        """The client caught up."""
        self._writable.set()

    def lost(self) -> None:
        """The connection is gone."""
        if self._push is not None:
            self._push.cancel()


def _response(answer: Answer) -> bytes:
    lines = [
        f"HTTP/1.1 {answer.status} {_REASONS.get(answer.status, '')}",
        f"content-type: {CONTENT_TYPE}",
        f"content-length: {len(answer.body)}",
        *(f"{name}: {value}" for name, value in answer.headers),
    ]
    return "\r\n".join(lines).encode() + _END_OF_HEAD + answer.body
