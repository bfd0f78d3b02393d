"""What OpenSearch refuses or does not answer, said in our own words."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from opensearchpy import exceptions as oe

from service.errors import Backpressure


@contextlib.asynccontextmanager
async def asking() -> AsyncIterator[None]:
    """Raise Backpressure for whatever the client raises in the body."""
    try:
        yield
    except oe.TransportError as failed:
        raise Backpressure(f"OpenSearch: {failed.status_code} {failed.error}"[:200]) from failed
    except oe.OpenSearchException as failed:
        raise Backpressure(f"OpenSearch: {type(failed).__name__}") from failed
