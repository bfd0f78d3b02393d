"""Clients for queues, buckets and streams, each with the rights that ``forward.yml`` gives it."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Any, Self

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession, get_session

from service.source.forwarding import ForwardProject, ForwardQueue
from service.source.kinesis.client import KinesisClient
from service.source.kinesis.connections import Connections
from service.source.kinesis.credentials import RoleCredentials
from service.source.streams import ProjectEntry, StreamEntry, Subscription

_SESSION_NAME = "siem-forward"


class Clients:
    """Everything that is connected to AWS; an async context manager."""

    def __init__(self, at_once: int, session: AioSession | None = None) -> None:
        """``at_once``: objects of one queue that are read at the same time."""
        self._session = session or get_session()
        self._at_once = at_once
        self._kinesis = Connections(_SESSION_NAME.removeprefix("siem-"), self._session)
        self._exit = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._exit.enter_async_context(self._kinesis)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._exit.aclose()

    def kinesis(self, project: ForwardProject) -> KinesisClient:
        """A client for the project's stream."""
        named = StreamEntry(arn=project.stream) if project.stream.startswith("arn:") else StreamEntry(name=project.stream)
        entry = ProjectEntry(
            id=project.id,
            environment=project.environment,
            role_arn=project.role_arn,
            external_id=project.external_id,
            region=project.region,
            endpoint_url=project.endpoint_url,
            sts_endpoint_url=project.sts_endpoint_url,
            streams=[named],
        )
        return self._kinesis.client(Subscription(entry, named))

    async def s3(self, project: ForwardProject, queue: ForwardQueue) -> Any:
        """A client for the queue's buckets."""
        return await self._client("s3", project, queue, project.s3_endpoint_url)

    async def sqs(self, project: ForwardProject, queue: ForwardQueue) -> Any:
        """A client for the queue."""
        return await self._client("sqs", project, queue, project.sqs_endpoint_url)

    async def _client(self, service: str, project: ForwardProject, queue: ForwardQueue, endpoint: str | None) -> Any:
        session: Any = await self._rights(project, queue)
        config = AioConfig(
            max_pool_connections=2 * self._at_once + 4,
            connect_timeout=10,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": 3},
            # What is inside carries checksums of its own; those of S3 would cost more than taking the content apart.
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"} if endpoint else None,
        )
        made: Any = session.create_client(service, region_name=queue.place(project.region), endpoint_url=endpoint, config=config)
        return await self._exit.enter_async_context(made)

    async def _rights(self, project: ForwardProject, queue: ForwardQueue) -> AioSession:
        own = queue.role_arn is not None
        role, external_id = (queue.role_arn, queue.external_id) if own else (project.role_arn, project.external_id)
        if role is None:
            return self._session
        credentials = RoleCredentials(
            self._session, role, external_id=external_id, session_name=_SESSION_NAME, region=project.region,
            sts_endpoint_url=project.sts_endpoint_url,
        )  # fmt: skip
        session = get_session()
        session._credentials = await credentials.refreshed()  # type: ignore[attr-defined]  # noqa: SLF001 -- there is no other way in
        return session
