"""Clients for the projects of ``streams.yml``: one HTTP pool for all, credentials for each role."""

from __future__ import annotations

import contextlib
import re
from typing import Self

import aiohttp
from aiobotocore.session import AioSession, get_session

from service.source.kinesis.client import KinesisClient, endpoint_of
from service.source.kinesis.credentials import Credentials, ProcessCredentials, RoleCredentials
from service.source.kinesis.http2_transport import Http2Transport
from service.source.kinesis.transport import Http1Transport, Transport
from service.source.streams import ProjectEntry, Subscription


class Connections:
    """Everything that is connected to AWS; an async context manager."""

    def __init__(self, worker: str, session: AioSession | None = None) -> None:
        """``worker`` shows up as role session name in the projects' CloudTrail."""
        self._session = session or get_session()
        self._session_name = re.sub(r"[^\w+=,.@-]", "-", f"siem-{worker}", flags=re.ASCII)[:64]
        self._credentials: dict[tuple[str, ...], Credentials] = {}
        self._exit = contextlib.AsyncExitStack()
        self._http: aiohttp.ClientSession | None = None
        self.transports: list[Transport] = []
        """Ways to subscribe, best first."""

    async def __aenter__(self) -> Self:
        # Without a limit: the default pool would block the 101st subscription, botocore's even the 11th.
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=20)
        self._http = await self._exit.enter_async_context(
            aiohttp.ClientSession(connector=connector, auto_decompress=False, read_bufsize=1024 * 1024)
        )
        http2 = Http2Transport()
        self._exit.push_async_callback(http2.close)
        self.transports = [http2, Http1Transport(self._http)]
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._exit.aclose()

    def client(self, subscription: Subscription) -> KinesisClient:
        """A client with the rights of the subscription's project."""
        if self._http is None:
            raise RuntimeError("not connected")
        project, region = subscription.project, subscription.region
        endpoint = project.endpoint_url or endpoint_of(self._session, region)
        return KinesisClient(self._http, endpoint, region, self._rights(project))

    def _rights(self, project: ProjectEntry) -> Credentials:
        key = (project.role_arn or "", project.external_id or "", project.region, project.sts_endpoint_url or "")
        if key not in self._credentials:
            self._credentials[key] = (
                ProcessCredentials(self._session)
                if project.role_arn is None
                else RoleCredentials(
                    self._session,
                    project.role_arn,
                    external_id=project.external_id,
                    session_name=self._session_name,
                    region=project.region,
                    sts_endpoint_url=project.sts_endpoint_url,
                )
            )
        return self._credentials[key]
