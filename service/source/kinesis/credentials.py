"""Whose credentials a project's streams are read with: the process's own, or those of a role, refreshed in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from aiobotocore.credentials import AioAssumeRoleCredentialFetcher, AioDeferredRefreshableCredentials
from aiobotocore.session import AioSession
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError

from service.source.kinesis.fault import KinesisFault

_SESSION_SECONDS = 3600
# botocore refreshes when 15 minutes of life remain: a session of 900 s would always count as expired.


class Credentials(Protocol):
    """Gives valid credentials at any time."""

    async def current(self) -> ReadOnlyCredentials:
        """Credentials for the next request; raises KinesisFault while there are none."""
        ...

    def renew(self) -> None:
        """Forget what is cached: the far side called it expired."""
        ...


class ProcessCredentials:
    """Environment, profile, container or instance role: whatever botocore finds."""

    def __init__(self, session: AioSession) -> None:
        """Look nothing up yet."""
        self._session = session

    async def current(self) -> ReadOnlyCredentials:
        """The session's credentials, refreshed by botocore where they end."""
        try:
            found = await self._session.get_credentials()
            if found is None:
                raise KinesisFault("AccessDenied", "no AWS credentials found in environment, profile or instance role")
            return await found.get_frozen_credentials()
        except (BotoCoreError, ClientError, OSError) as fault:
            raise KinesisFault("CredentialsUnavailable", str(fault)) from fault

    def renew(self) -> None:
        """Let the session look its credentials up again."""
        self._session._credentials = None  # type: ignore[attr-defined]  # noqa: SLF001 -- the only way to make it look again


class RoleCredentials:
    """A role of another account, assumed with the process's own credentials and an ExternalId."""

    def __init__(
        self,
        session: AioSession,
        role_arn: str,
        *,
        external_id: str | None,
        session_name: str,
        region: str,
        sts_endpoint_url: str | None = None,
    ) -> None:
        """Assume nothing yet."""
        self._session = session
        self._role_arn = role_arn
        self._region = region
        self._endpoint = sts_endpoint_url
        self._extra: dict[str, Any] = {"RoleSessionName": session_name, "DurationSeconds": _SESSION_SECONDS}
        if external_id is not None:
            self._extra["ExternalId"] = external_id
        self._assumed: AioDeferredRefreshableCredentials | None = None

    async def refreshed(self) -> AioDeferredRefreshableCredentials:
        """The role's credentials as a session takes them: assumed at first use, refreshed before they end."""
        if self._assumed is None:
            source = await self._session.get_credentials()
            if source is None:
                raise KinesisFault("AccessDenied", f"no AWS credentials to assume {self._role_arn} with")
            fetcher = AioAssumeRoleCredentialFetcher(
                client_creator=self._client_creator(), source_credentials=source, role_arn=self._role_arn,
                extra_args=self._extra,
            )  # fmt: skip
            self._assumed = AioDeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
        return self._assumed

    async def current(self) -> ReadOnlyCredentials:
        """The role's credentials; assumed at first use, refreshed before they end."""
        try:
            assumed = await self.refreshed()
            return await assumed.get_frozen_credentials()
        except ClientError as fault:
            code = fault.response.get("Error", {}).get("Code", "")
            raise KinesisFault(code or "CredentialsUnavailable", f"{self._role_arn}: {fault}", "AssumeRole") from fault
        except (BotoCoreError, OSError) as fault:
            raise KinesisFault("CredentialsUnavailable", f"{self._role_arn}: {fault}", "AssumeRole") from fault

    def renew(self) -> None:
        """Assume the role again at the next use."""
        self._assumed = None

    def _client_creator(self) -> Callable[..., Any]:
        def create(service: str, **keys: Any) -> Any:
            session: Any = self._session
            return session.create_client(service, region_name=self._region, endpoint_url=self._endpoint, **keys)

        return create
