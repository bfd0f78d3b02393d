"""Objects of S3, opened for a thread that reads them while the event loop fetches what comes next."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from concurrent.futures import CancelledError, Future
from typing import Any, NamedTuple, TypeVar

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError

from service.clock import Clock
from service.decode.forwarded import Flaw
from service.errors import Backpressure, SiemError
from service.forward.bounds import MIB
from service.forward.notice import Notice
from service.forward.thing import Named

T = TypeVar("T")

AHEAD = MIB
"""Bytes fetched at once."""
ATTEMPTS = 8
"""Of fetching a piece, before the notification goes back to the queue."""
_LONGEST_WAIT = 8.0
_GONE = frozenset(["NoSuchKey", "NoSuchVersion", "NoSuchBucket", "404", "MethodNotAllowed", "405"])
"""405: the version is a delete marker."""
_TRANSPORT = (aiohttp.ClientError, BotoCoreError, OSError, TimeoutError)


class Lost(SiemError):
    """The object will not become readable by itself: a dead letter says so."""

    def __init__(self, code: Flaw, reason: str) -> None:
        """Remember code and reason."""
        super().__init__(f"{code}: {reason}")
        self.code: Flaw = code
        self.reason = reason


class Refused(Backpressure):
    """Reading is refused or fails; the notification must come again. ``asks`` an operator: rights, keys, configuration."""

    def __init__(self, code: str, reason: str, *, asks: bool = False) -> None:
        """Remember the far side's own word."""
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.asks = asks


class Tools(NamedTuple):
    """What an open object works with."""

    loop: asyncio.AbstractEventLoop
    clock: Clock
    rng: random.Random


class S3Object:
    """One version of an object. ``read`` and ``read_at`` are for another thread than the loop's."""

    def __init__(self, client: Any, name: Named, size: int, wanted: dict[str, str], body: Any, tools: Tools) -> None:
        """Go on with ``body``; ``wanted`` asks for just this version."""
        self.name = name
        self.size = size
        self._client = client
        self._wanted = wanted
        self.etag = wanted["IfMatch"].strip('"')
        self._body = body
        self._tools = tools
        self._fetched = 0
        self._next: Future[bytes] | None = None
        self._held, self._at = b"", 0
        self._others: list[S3Object] = []
        self.closed = False

    def read(self, size: int) -> bytes:
        """The next bytes. Raises Backpressure when they cannot be had, Lost when they never will."""
        if self._at >= len(self._held):
            if self._next is None:
                self._next = self._ask(self._piece())
            self._held, self._at = _result(self._next), 0
            self._next = self._ask(self._piece()) if self._held else None
        data = self._held[self._at : self._at + size]
        self._at += len(data)
        return data

    def read_at(self, start: int, size: int) -> bytes:
        """Bytes from anywhere."""
        if size <= 0 or start >= self.size:
            return b""
        return _result(self._ask(self._range(start, min(start + size, self.size))))

    def again(self) -> S3Object:
        """The same object, to be read once more from its begin."""
        other = S3Object(self._client, self.name, self.size, self._wanted, None, self._tools)
        self._others.append(other)
        return other

    def close(self) -> None:
        """Fetch nothing more; a thread that still reads gets Backpressure. For the loop's thread."""
        self.closed = True
        if self._next is not None:
            self._next.cancel()
        if self._body is not None:
            self._body.close()
        for other in self._others:
            other.close()

    def _ask(self, fetching: Coroutine[Any, Any, T]) -> Future[T]:
        if self.closed:
            fetching.close()
            raise _stopping()
        return asyncio.run_coroutine_threadsafe(fetching, self._tools.loop)

    async def _piece(self) -> bytes:
        """The next bytes of the body; a connection that breaks is taken up where it broke."""
        attempts = 0
        while self._fetched < self.size:
            try:
                if self._body is None:
                    self._body = await self._open(self._fetched, self.size)
                data: bytes = await self._body.read(AHEAD)
                if data:
                    self._fetched += len(data)
                    return data
                fault: Exception = OSError(f"the connection ended after {self._fetched} of {self.size} bytes")
            except _TRANSPORT as error:
                fault = error
            if self._body is not None:
                self._body.close()
                self._body = None
            attempts = await self._waited(attempts, fault)
        return b""

    async def _range(self, start: int, end: int) -> bytes:
        attempts = 0
        while True:
            try:
                body = await self._open(start, end)
                data: bytes = await body.read()
            except _TRANSPORT as error:
                attempts = await self._waited(attempts, error)
                continue
            if len(data) == end - start:
                return data
            attempts = await self._waited(attempts, OSError(f"{len(data)} of {end - start} bytes"))

    async def _open(self, start: int, end: int) -> Any:
        try:
            reply = await self._client.get_object(**self._wanted, Range=f"bytes={start}-{end - 1}")
        except ClientError as fault:
            raise sorted_out(fault) from fault
        return reply["Body"]

    async def _waited(self, attempts: int, fault: Exception) -> int:
        if attempts + 1 >= ATTEMPTS:
            raise Refused("Transport", f"{type(fault).__name__}: {fault}") from fault
        await self._tools.clock.sleep(self._tools.rng.uniform(0.0, min(_LONGEST_WAIT, 0.1 * 2.0**attempts)))
        return attempts + 1


def _result(future: Future[T]) -> T:
    try:
        return future.result()
    except CancelledError:
        raise _stopping() from None


def _stopping() -> Refused:
    return Refused("stopping", "the forwarder is stopping")


async def open_object(client: Any, notice: Notice, clock: Clock, rng: random.Random) -> S3Object:
    """Open the object as it is now, the version that is announced if the bucket keeps versions.

    Raises Lost when it is not there to be read, Refused when it cannot be read for the moment.
    """
    asked = {"Bucket": notice.bucket, "Key": notice.key, **({"VersionId": notice.version} if notice.version else {})}
    try:
        reply = await client.get_object(**asked)
    except ClientError as fault:
        raise sorted_out(fault) from fault
    except _TRANSPORT as fault:
        raise Refused("Transport", f"{type(fault).__name__}: {fault}") from fault
    etag = reply["ETag"]
    version = reply.get("VersionId")
    versioned = version not in (None, "", "null")
    name = Named(
        notice.bucket, notice.key, version if versioned else etag.strip('"'), int(reply["LastModified"].timestamp() * 1000)
    )
    wanted = {**asked, "IfMatch": etag, **({"VersionId": version} if versioned else {})}
    return S3Object(
        client, name, int(reply["ContentLength"]), wanted, reply["Body"], Tools(asyncio.get_running_loop(), clock, rng)
    )


def sorted_out(fault: ClientError) -> SiemError:
    """What an answer of S3 means for the object."""
    error = fault.response.get("Error", {})
    code, text = str(error.get("Code", "")), str(error.get("Message", ""))
    status = fault.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _GONE or status == 404:
        return Lost("gone", f"{code}: {text}")
    if code == "InvalidObjectState":
        return Lost("archived", f"{code}: {text}: restore the object, then its notification comes")
    if code in ("PreconditionFailed", "412", "InvalidRange", "416"):
        return Refused(code, "the object was replaced while it was read")
    return Refused(code or f"HTTP{status}", text, asks=400 <= status < 500 and status not in (408, 429) and code != "SlowDown")
