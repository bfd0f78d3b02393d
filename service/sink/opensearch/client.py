"""A client of OpenSearch as settings describe it; retries nothing behind our back, logs nothing of an event."""

from __future__ import annotations

import asyncio
import base64
import logging
from typing import Any

import orjson
from opensearchpy import AsyncHttpConnection, AsyncOpenSearch, AWSV4SignerAsyncAuth
from opensearchpy.serializer import JSONSerializer

from service.errors import Backpressure, ContentError, Place
from service.settings import OpenSearch


class _Json(JSONSerializer):
    """Replies of thousands of items: orjson."""

    def loads(self, s: str) -> Any:
        return orjson.loads(s)


class AwsKeys:
    """The machine's AWS credentials as botocore finds them, refreshed in time and never on the event loop."""

    def __init__(self, session: Any) -> None:
        """Take them from a botocore session; raises Backpressure when it has none."""
        found = session.get_credentials()
        if found is None:
            raise Backpressure("no AWS credentials to sign with: neither the environment, a profile nor the machine has any")
        self._credentials = found
        self._frozen = found.get_frozen_credentials()

    def get_frozen_credentials(self) -> Any:
        """What the signer signs with."""
        return self._frozen

    async def refresh(self) -> None:
        """Call every minute: botocore renews them in good time; a failure keeps the old ones."""
        self._frozen = await asyncio.to_thread(self._credentials.get_frozen_credentials)


def machine_keys(settings: OpenSearch) -> AwsKeys | None:
    """The AWS credentials that sigv4 signs with, None for other ways to log in; may ask the instance, so not on a loop."""
    if settings.auth != "sigv4":
        return None
    import botocore.session  # heavy, and only needed here

    return AwsKeys(botocore.session.get_session())


def basic_header(settings: OpenSearch) -> dict[str, str]:
    """The header of HTTP Basic; as a header, because aiohttp means to drop its own way."""
    pair = f"{settings.username}:{settings.password.get_secret_value()}".encode()
    return {"authorization": f"Basic {base64.b64encode(pair).decode()}"}


def connect(settings: OpenSearch, *, keys: AwsKeys | None = None) -> AsyncOpenSearch:
    """A client; call inside a running event loop and ``close`` it. ``keys`` are needed for sigv4.

    Raises ContentError when the settings do not say enough to log in.
    """
    for name in ("opensearch", "opensearchpy.trace"):
        # At DEBUG the library logs bodies, which are customers' events; its warnings repeat what the sink says itself.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    options: dict[str, Any] = {}
    match settings.auth:
        case "none":
            pass
        case "basic":
            options["headers"] = basic_header(settings)
        case "sigv4":
            if settings.region is None or keys is None:
                raise _unusable("opensearch_region", "sigv4 needs opensearch.region and AWS credentials")
            options["http_auth"] = AWSV4SignerAsyncAuth(keys, settings.region, settings.service)
        case "mtls":
            if settings.cert_file is None or settings.key_file is None:
                raise _unusable("opensearch_certificate", "mtls needs opensearch.cert_file and opensearch.key_file")
    secure = all(url.startswith("https://") for url in settings.urls)
    if not secure and any(url.startswith("https://") for url in settings.urls):
        raise _unusable("opensearch_mixed", "opensearch.urls mixes http and https")
    if secure:
        options |= {"use_ssl": True, "verify_certs": True}
        files = {"ca_certs": settings.ca_file, "client_cert": settings.cert_file, "client_key": settings.key_file}
        for option, path in files.items():
            if path is not None:
                options[option] = str(path)
    return AsyncOpenSearch(
        list(settings.urls),
        connection_class=AsyncHttpConnection,
        serializer=_Json(),
        # One retry policy, ours: it knows what was indexed already and how long the far side is away.
        max_retries=0,
        retry_on_timeout=False,
        retry_on_status=(),
        sniff_on_start=False,
        sniff_on_connection_fail=False,
        timeout=settings.request_timeout_seconds,
        pool_maxsize=settings.requests_in_flight + 4,
        **options,
    )


def _unusable(code: str, reason: str) -> ContentError:
    return ContentError(Place("siem.yml"), code, reason)
