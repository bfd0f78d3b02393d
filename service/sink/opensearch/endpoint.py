"""One request over the wire, and nothing else: bytes out, items in, every way to fail as one type."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import aiohttp
import orjson
from isal import igzip
from opensearchpy import AsyncOpenSearch
from opensearchpy import exceptions as oe

from service.errors import Backpressure
from service.sink.opensearch.body import Body

# Only what the verdicts need: at 3,000 documents a request the full reply costs more than the request.
_FILTER = "items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by"
_VERSIONED = f"{_FILTER},items.*._seq_no,items.*._primary_term"
_HEADERS = {"content-type": "application/x-ndjson"}
_GZIP_HEADERS = {**_HEADERS, "content-encoding": "gzip"}


class RequestFailed(Backpressure):
    """A whole request failed: ``status`` of the answer, or None when there was none that can be believed.

    ``broke``: the connection ended while the request was under way. The documents may have been indexed all the same.
    """

    def __init__(self, status: int | None, code: str, *, broke: bool = False) -> None:
        """Remember what happened; ``code`` never holds anything of a document."""
        self.status = status
        self.code = code
        self.broke = broke
        super().__init__(code if status is None else f"{status} {code}")


class Endpoint:
    """``_bulk`` and ``_mget`` of one cluster."""

    def __init__(self, client: AsyncOpenSearch, *, timeout: float = 60.0, compress: bool = False) -> None:
        """Post through ``client``; an answer is awaited for ``timeout`` seconds."""
        self._client = client
        self._timeout = timeout
        self._compress = compress
        # The server gives up on a missing primary before we give up on it: its answer says which documents wait.
        self._server_timeout = f"{max(1, int(timeout * 0.5))}s"

    async def bulk(self, body: bytes, documents: int) -> list[dict[str, Any]]:
        """The items of the reply, one for each of ``documents``; after RequestFailed anything may have happened."""
        return await self._bulk(body, documents, _FILTER)

    async def index(self, body: bytes, documents: int) -> list[dict[str, Any]]:
        """Like ``bulk``; the items also say ``_seq_no`` and ``_primary_term``, for writing again by compare and swap."""
        return await self._bulk(body, documents, _VERSIONED)

    async def get(self, wanted: Sequence[tuple[str, str]]) -> list[tuple[dict[str, Any], int, int] | None]:
        """For each (index, id): the document as it is now, its sequence number and primary term; None: not there.

        Raises RequestFailed when one of them cannot be told.
        """
        asked = [{"_index": index, "_id": each} for index, each in wanted]
        reply = await self._ask("/_mget", {}, {"content-type": "application/json"}, orjson.dumps({"docs": asked}))
        docs = reply.get("docs")
        if not isinstance(docs, list) or len(docs) != len(wanted):
            raise RequestFailed(None, "not_a_mget_reply")
        return [_document(doc) for doc in docs]

    async def _bulk(self, body: bytes, documents: int, said: str) -> list[dict[str, Any]]:
        headers = _HEADERS
        if self._compress:
            body = await asyncio.to_thread(igzip.compress, body, 1)
            headers = _GZIP_HEADERS
        # The transport takes "timeout" out of the parameters unless the request's own is given.
        params = {"filter_path": said, "timeout": self._server_timeout}
        reply = await self._ask("/_bulk", params, headers, body)
        if not isinstance(items := reply.get("items"), list):
            raise RequestFailed(None, "not_a_bulk_reply")
        if len(items) != documents:
            raise RequestFailed(None, "item_count")
        return items

    async def _ask(self, path: str, params: dict[str, str], headers: dict[str, str], body: bytes) -> dict[str, Any]:
        sliced = body if isinstance(body, Body) else Body(body)
        try:
            reply = await self._client.transport.perform_request(
                "POST", path, params=params, headers=headers, body=sliced, timeout=self._timeout
            )
        except oe.ConnectionTimeout as slow:
            raise RequestFailed(None, "timeout") from slow
        except oe.SSLError as unsafe:
            raise RequestFailed(None, "tls") from unsafe
        except oe.ConnectionError as broken:
            refused = isinstance(broken.info, aiohttp.ClientConnectorError)
            raise RequestFailed(None, "connection", broke=not refused) from broken
        except oe.TransportError as answered:
            status = answered.status_code if isinstance(answered.status_code, int) else None
            raise RequestFailed(status, _code_of(answered)) from answered
        except (oe.SerializationError, orjson.JSONDecodeError, UnicodeDecodeError) as garbled:
            raise RequestFailed(None, "not_json") from garbled
        if not isinstance(reply, dict):
            raise RequestFailed(None, f"not_a_{path.strip('/_')}_reply")
        return reply


def _document(doc: dict[str, Any]) -> tuple[dict[str, Any], int, int] | None:
    """One document of an ``_mget`` reply."""
    if doc.get("found"):
        return doc["_source"], doc["_seq_no"], doc["_primary_term"]
    code = (doc.get("error") or {}).get("type")
    if code not in {None, "index_not_found_exception"}:
        raise RequestFailed(None, str(code))
    return None


def _code_of(answered: oe.TransportError) -> str:
    """The error's type, when the body named one in the usual way; a proxy's page is only a status."""
    error = answered.error
    if isinstance(error, str) and error.isidentifier() and len(error) < 80:
        return error
    return f"status_{answered.status_code}"
