"""Indices come into being from their template only: without one OpenSearch would guess a mapping for good."""

from __future__ import annotations

import asyncio
from typing import Protocol

import structlog
from opensearchpy import AsyncOpenSearch
from opensearchpy import exceptions as oe

from service.clock import Clock, SystemClock
from service.naming import is_safe, template_name

log = structlog.get_logger("sink")


_TRUSTED_FOR = 60.0
"""Seconds after which a template is looked for again: somebody may have deleted it."""


class IndexKeeper(Protocol):
    """Who sees to it that an index has the mapping it should have."""

    async def ready(self, dataset: str) -> bool:
        """Whether documents of the dataset may be sent: its template is there. Never raises."""
        ...

    async def ensure(self, index: str, dataset: str) -> bool:
        """True when the index is there now; False when it must not or cannot be created yet. Never raises."""
        ...


class TemplateKeeper:
    """Creates an index when the cluster has its dataset's template (``siem apply`` puts it there)."""

    def __init__(self, client: AsyncOpenSearch, clock: Clock | None = None) -> None:
        """Ask and create through ``client``."""
        self._client = client
        self._clock = clock or SystemClock()
        self._turn = asyncio.Lock()
        self._seen: dict[str, float] = {}

    async def ready(self, dataset: str) -> bool:
        """Whether the template is there; once it was seen, a cluster that does not answer changes nothing.

        Where a cluster creates indices by itself, the first document would otherwise fix a guessed mapping.
        """
        seen = self._seen.get(dataset)
        if seen is not None and self._clock.monotonic() - seen < _TRUSTED_FOR:
            return True
        try:
            there = bool(await self._client.indices.exists_index_template(name=template_name(dataset)))
        except oe.AuthorizationException:
            # A role that may write but not look: trust whoever set it up.
            log.warning("template_not_checked", dataset=dataset)
            there = True
        except oe.OpenSearchException:
            return seen is not None
        if there:
            self._seen[dataset] = self._clock.monotonic()
        else:
            self._seen.pop(dataset, None)
            log.warning("template_missing", dataset=dataset, hint="run siem apply")
        return there

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
                # The client gives the error's type, or the whole body where it could not find it.
                return "resource_already_exists_exception" in str(refused.error)
            except oe.OpenSearchException as failed:
                log.warning("index_not_created", index=index, error=type(failed).__name__)
                return False
        return True
