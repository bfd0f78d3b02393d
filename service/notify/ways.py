"""Ways out, one for each kind of channel. All of them say nothing of the address they use: it is a secret."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Mapping
from typing import Any, Protocol

import aiohttp
import orjson
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError

from service.alerts.channels import Address, Channel, Sns, Sqs
from service.errors import SiemError

SECONDS = 20.0
"""How long one attempt may take."""


class NotTold(SiemError):
    """The other side did not take it; ``str`` says why, without any address."""


class Way(Protocol):
    """How a channel is reached."""

    async def tell(self, title: str, body: str, alert: Mapping[str, Any]) -> None:
        """Return once the other side has it; raises NotTold."""
        ...


def way_of(channel: Channel) -> Way:
    """The way of a channel; raises NotTold when its address is missing or means nothing."""
    if channel.apprise is not None:
        return AppriseWay(channel.apprise)
    if channel.webhook is not None:
        return WebhookWay(channel.webhook)
    if channel.sns is not None:
        return SnsWay(channel.sns)
    if channel.sqs is not None:
        return SqsWay(channel.sqs)
    raise NotTold("the channel has no way out")


def _address(address: Address) -> str:
    found = address.read()
    if not found:
        raise NotTold(f"the environment variable {address.url_env} is not set")
    return found


class AppriseWay:
    """Whatever Apprise can reach."""

    def __init__(self, address: Address) -> None:
        """Raises NotTold for an address that Apprise does not know."""
        import apprise  # a hundred services: only who names one waits for them

        # It names addresses in its log lines.
        logging.getLogger("apprise").setLevel(logging.CRITICAL)
        self._kinds = apprise.NotifyType
        self._apprise = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False))
        if not self._apprise.add(_address(address)):
            raise NotTold("Apprise does not know this form of address")

    async def tell(self, title: str, body: str, alert: Mapping[str, Any]) -> None:
        """See Way."""
        severity = alert.get("alert", {}).get("severity")
        kind = self._kinds.FAILURE if severity in ("critical", "high") else self._kinds.WARNING
        try:
            async with asyncio.timeout(SECONDS):
                told = await asyncio.to_thread(self._apprise.notify, body=body, title=title, notify_type=kind)
        except TimeoutError:
            raise NotTold("no answer in time") from None
        except Exception as error:  # noqa: BLE001 - plugins of a hundred services raise what they like; its text may hold the address
            raise NotTold(type(error).__name__) from None
        if not told:
            raise NotTold("the service did not take it")


class WebhookWay:
    """JSON by POST."""

    def __init__(self, address: Address) -> None:
        """Raises NotTold when the address is missing or no web address."""
        self._url = _address(address)
        self._key = address.key()
        if not self._url.startswith(("https://", "http://")):
            raise NotTold("a webhook is an https:// address")

    async def tell(self, title: str, body: str, alert: Mapping[str, Any]) -> None:
        """See Way."""
        data = orjson.dumps({"title": title, "text": body, "alert": alert})
        headers = {"Content-Type": "application/json", "User-Agent": "kinesiem"}
        if self._key:
            headers["X-Siem-Signature"] = "sha256=" + hmac.new(self._key.encode(), data, hashlib.sha256).hexdigest()
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS)) as session,
                session.post(self._url, data=data, headers=headers, allow_redirects=False) as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise NotTold(type(error).__name__) from None
        if not 200 <= status < 300:
            raise NotTold(f"answered {status}")


class SnsWay:
    """An SNS topic."""

    def __init__(self, topic: Sns) -> None:
        """Credentials are the machine's."""
        self._topic = topic

    async def tell(self, title: str, body: str, alert: Mapping[str, Any]) -> None:
        """See Way; severity, rule, project and environment are attributes."""
        values = {
            "severity": alert.get("alert", {}).get("severity"),
            "rule": alert.get("rule", {}).get("id"),
            "project": alert.get("project", {}).get("id"),
            "environment": alert.get("project", {}).get("environment"),
        }
        attributes: dict[str, Any] = {
            key: {"DataType": "String", "StringValue": str(value)} for key, value in values.items() if value
        }
        subject = title.encode("ascii", "replace").decode()[:100]
        try:
            async with (
                asyncio.timeout(SECONDS),
                get_session().create_client("sns", region_name=self._topic.region, endpoint_url=self._topic.endpoint) as client,
            ):
                await client.publish(TopicArn=self._topic.topic, Subject=subject, Message=body, MessageAttributes=attributes)
        except (ClientError, BotoCoreError, TimeoutError) as error:
            raise NotTold(_said(error)) from None


class SqsWay:
    """An SQS queue."""

    def __init__(self, queue: Sqs) -> None:
        """Credentials are the machine's."""
        self._queue = queue

    async def tell(self, title: str, body: str, alert: Mapping[str, Any]) -> None:
        """See Way."""
        text = orjson.dumps({"title": title, "text": body, "alert": alert}).decode()
        try:
            async with (
                asyncio.timeout(SECONDS),
                get_session().create_client("sqs", region_name=self._queue.region, endpoint_url=self._queue.endpoint) as client,
            ):
                await client.send_message(QueueUrl=self._queue.queue, MessageBody=text)
        except (ClientError, BotoCoreError, TimeoutError) as error:
            raise NotTold(_said(error)) from None


def _said(error: Exception) -> str:
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "refused"))
    return type(error).__name__
