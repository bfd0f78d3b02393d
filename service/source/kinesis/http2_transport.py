"""Opening HTTP/2 connections and choosing one with room for a subscription."""

from __future__ import annotations

import asyncio
import ssl
from urllib.parse import urlsplit

from service.source.kinesis.http2 import Http2Connection, broken
from service.source.kinesis.transport import Download, Unsupported

_CONNECT_SECONDS = 10.0


class Http2Transport:
    """Subscriptions over as few connections as possible. Without TLS, HTTP/2 is spoken without asking first."""

    name = "http2"

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        """``tls``: another context than the machine's own certificate authorities."""
        self._tls = tls
        self._connections: list[Http2Connection] = []
        self._opening = asyncio.Lock()

    async def post(self, endpoint: str, headers: dict[str, str], body: bytes) -> Download:
        """Send on a connection with room; raises Unsupported where the far side has no HTTP/2."""
        connection = await self._connection(endpoint)
        download = connection.post(headers, body)
        try:
            await asyncio.wait_for(download.head(), 2 * _CONNECT_SECONDS)
        except TimeoutError:
            await download.close()
            raise broken("no answer") from None
        except BaseException:
            await download.close()
            raise
        return download

    async def close(self) -> None:
        """Close all connections."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()

    async def _connection(self, endpoint: str) -> Http2Connection:
        async with self._opening:
            self._connections = [connection for connection in self._connections if not connection.closed]
            for connection in self._connections:
                if connection.has_room:
                    return connection
            opened = await self._open(endpoint)
            self._connections.append(opened)
            return opened

    async def _open(self, endpoint: str) -> Http2Connection:
        parts = urlsplit(endpoint)
        secure = parts.scheme == "https"
        host, port = parts.hostname or "", parts.port or (443 if secure else 80)
        tls: ssl.SSLContext | None = None
        if secure:
            tls = self._tls or ssl.create_default_context()
            tls.set_alpn_protocols(["h2", "http/1.1"])
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                transport, connection = await loop.create_connection(
                    lambda: Http2Connection(parts.scheme, parts.netloc), host, port, ssl=tls
                )
                chosen = transport.get_extra_info("ssl_object")
                if chosen is not None and chosen.selected_alpn_protocol() != "h2":
                    raise Unsupported("NoHTTP2", "the endpoint did not choose h2", "SubscribeToShard")
                await connection.ready
        except TimeoutError:
            raise broken("connecting took too long") from None
        except OSError as fault:
            raise broken(repr(fault)) from fault
        return connection
