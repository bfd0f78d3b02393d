"""What OpenSearch refuses or does not answer, said in our own words."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from opensearchpy import exceptions as oe

from service.errors import Backpressure


@contextlib.asynccontextmanager
async def asking() -> AsyncIterator[None]:
    """Raise Backpressure for whatever the client raises in the body, and for answers in which something is missing.

    An answer that OpenSearch itself cannot have given comes from what stands between, and passes.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as strange:
        raise Backpressure(f"OpenSearch: an answer that is none of its own ({type(strange).__name__})") from strange
    except oe.TransportError as failed:
        raise Backpressure(f"OpenSearch: {failed.status_code} {failed.error}"[:200]) from failed
    except oe.OpenSearchException as failed:
        raise Backpressure(f"OpenSearch: {type(failed).__name__}") from failed
