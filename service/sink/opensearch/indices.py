"""Indices come into being from their template only: without one OpenSearch would guess a mapping for good."""

from __future__ import annotations

import asyncio
from typing import Protocol

import structlog
from opensearchpy import AsyncOpenSearch
from opensearchpy import exceptions as oe

from service.naming import is_safe, template_name

log = structlog.get_logger("sink")


class IndexKeeper(Protocol):
    """Who creates an index that is missing."""

    async def ensure(self, index: str, dataset: str) -> bool:
        """True when the index is there now; False when it must not or cannot be created yet. Never raises."""
        ...


class TemplateKeeper:
    """Creates an index when the cluster has its dataset's template (``siem apply`` puts it there)."""

    def __init__(self, client: AsyncOpenSearch) -> None:
        """Ask and create through ``client``."""
        self._client = client
        self._turn = asyncio.Lock()

    async def ensure(self, index: str, dataset: str) -> bool:
        """Create ``index`` from its template, one at a time."""
        if not is_safe(index):
            log.error("index_name_refused", dataset=dataset)
            return False
        async with self._turn:
            try:
                if not await self._client.indices.exists_index_template(name=template_name(dataset)):
                    log.warning("template_missing", dataset=dataset, hint="run siem apply")
                    return False
                await self._client.indices.create(index=index)
            except oe.RequestError as refused:
                return bool(refused.error == "resource_already_exists_exception")
            except oe.OpenSearchException as failed:
                log.warning("index_not_created", index=index, error=type(failed).__name__)
                return False
        return True
