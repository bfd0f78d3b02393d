"""A sink that accepts everything: answers ``_bulk`` like OpenSearch whose documents were all created, and stores nothing.

``python -m bench.loopback [--keep FILE]`` prints its port. ``GET /stats`` says what came; ``--keep`` writes the bulk bodies to
a file, each behind its length.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import BinaryIO

import uvloop

_ITEM = b'{"create":{"status":201}}'
_WRITTEN = b'{"index":{"status":200,"_seq_no":1,"_primary_term":1}}'
_ALERT = b'{"update":{"status":201}}'
_LEDGER = b'"_index":"siem-ledger-'
_BASELINES = b"/siem-baselines-"
"""Sheets of the ledger and what is usual have requests of their own and count as nothing; so do alerts, which are updates."""
_HEAD = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
_ABSENT = b'{"found":false}'


class Loopback:
    def __init__(self, keep: BinaryIO | None) -> None:
        self.documents = self.requests = self.size = 0
        self._keep = keep

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
                )
                body = await reader.readexactly(length) if length else b""
                answer = self.answer(head.split(b" ", 2), body)
                status = b"404 Not Found" if answer is _ABSENT else b"200 OK"
                writer.write(_HEAD % (status, len(answer)) + (b"" if head.startswith(b"HEAD") else answer))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def answer(self, line: list[bytes], body: bytes) -> bytes:
        if line[1].startswith(b"/stats"):
            return json.dumps({"documents": self.documents, "requests": self.requests, "bytes": self.size}).encode()
        if b"/_mget" in line[1]:
            asked = json.loads(body)
            return json.dumps({"docs": [{"found": False}] * len(asked.get("docs") or asked["ids"])}).encode()
        if line[0] == b"GET" and b"/_doc/" in line[1]:
            return _ABSENT
        if b"_bulk" not in line[1]:
            return b"{}"
        documents = body.count(b"\n") // 2
        if body.startswith(b'{"update"'):
            return b'{"errors":false,"items":[' + b",".join([_ALERT] * documents) + b"]}"
        if line[1].startswith(_BASELINES):
            return b'{"errors":false,"items":[' + b",".join([_ITEM] * documents) + b"]}"
        if _LEDGER in body[:200]:
            return b'{"errors":false,"items":[' + b",".join([_WRITTEN] * documents) + b"]}"
        self.documents += documents
        self.requests += 1
        self.size += len(body)
        if self._keep is not None:
            self._keep.write(len(body).to_bytes(8, "big") + body)
            self._keep.flush()
        return b'{"errors":false,"items":[' + b",".join([_ITEM] * documents) + b"]}"


def kept(path: Path) -> list[bytes]:
    """The bodies in a file that ``--keep`` wrote."""
    bodies, data, at = [], path.read_bytes(), 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 8], "big")
        bodies.append(data[at + 8 : at + 8 + length])
        at += 8 + length
    return bodies


async def main(keep: Path | None) -> None:
    with (keep or Path("/dev/null")).open("wb") as out:
        sink = Loopback(out if keep else None)
        server = await asyncio.start_server(sink.serve, "127.0.0.1", 0, limit=1 << 24)
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        async with server:
            await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", type=Path)
    uvloop.run(main(parser.parse_args().keep))
