"""Ways to hold a subscription open: a signed POST whose answer never seems to end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import aiohttp

from service.source.kinesis.fault import TRANSPORT, KinesisFault

MOST_REFUSAL_BYTES = 64 * 1024


class Download(Protocol):
    """An answer that arrives."""

    @property
    def status(self) -> int:
        """HTTP status."""
        ...

    async def next(self) -> bytes:
        """More bytes; b"" at the end. Raises KinesisFault (Transport) when the connection breaks."""
        ...

    async def close(self) -> None:
        """Stop it; harmless after the end. Whoever waits in ``next`` gets a fault."""
        ...


class Transport(Protocol):
    """Opens downloads; ``name`` is http2 or http1."""

    name: str

    async def post(self, endpoint: str, headers: dict[str, str], body: bytes) -> Download:
        """Send a request and wait for the head of its answer; raises KinesisFault, or Unsupported."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class Unsupported(KinesisFault):
    """The far side does not do this at all: another way must be tried."""


@dataclass(slots=True)
class _Http1Download:
    reply: aiohttp.ClientResponse

    @property
    def status(self) -> int:
        return self.reply.status

    async def next(self) -> bytes:
        try:
            return await self.reply.content.readany()
        except (TimeoutError, aiohttp.ClientError, OSError) as fault:
            raise KinesisFault(TRANSPORT, repr(fault), "SubscribeToShard") from fault

    async def close(self) -> None:
        self.reply.close()


class Http1Transport:
    """One connection a subscription, by aiohttp."""

    name = "http1"

    def __init__(self, http: aiohttp.ClientSession) -> None:
        """``http`` must have an unlimited pool: every subscription keeps a connection for minutes."""
        self._http = http
        self._timeout = aiohttp.ClientTimeout(total=None, connect=10.0)

    async def post(self, endpoint: str, headers: dict[str, str], body: bytes) -> Download:
        """Send; returns with the head of the answer."""
        try:
            reply = await self._http.post(
                endpoint + "/", data=body, headers=headers, timeout=self._timeout, allow_redirects=False
            )
        except (TimeoutError, aiohttp.ClientError, OSError) as fault:
            raise KinesisFault(TRANSPORT, repr(fault), "SubscribeToShard") from fault
        return _Http1Download(reply)

    async def close(self) -> None:
        """The session belongs to the caller."""


async def whole(download: Download) -> bytes:
    """The rest of a short answer, bounded."""
    data = bytearray()
    while len(data) < MOST_REFUSAL_BYTES and (more := await download.next()):
        data += more
    return bytes(data)
