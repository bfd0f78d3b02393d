"""Bodies of requests that go out in slices: nobody between us and the wire ever holds a second copy of one."""

from __future__ import annotations

import aiohttp
from aiohttp.abc import AbstractStreamWriter

SLICE_BYTES = 256 * 1024
"""What is handed over at once; then aiohttp waits until the connection has taken most of it."""


class Body(bytes):
    """The bytes of a request's body, written ``SLICE_BYTES`` at a time.

    aiohttp writes ``bytes`` in one piece. OpenSSL then encrypts all of it into a buffer of the connection, which keeps
    its largest size for as long as the connection lives: 6 MB after one bulk body of 5 MB, on every connection of the
    pool, and as much again in a copy while it is sent. Signers and the client see ordinary bytes.
    """


@aiohttp.payload_type(Body)
class _Sliced(aiohttp.BytesPayload):
    """How aiohttp writes a Body."""

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self.write_with_length(writer, None)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        whole = memoryview(await self.as_bytes())[:content_length]
        for start in range(0, len(whole), SLICE_BYTES):
            await writer.write(whole[start : start + SLICE_BYTES])
