"""How to reach Kafka: one place turns the settings into what aiokafka wants. Without Faust, for whoever only asks."""

from __future__ import annotations

import base64
import functools
import ssl
from typing import Any

from aiokafka.abc import AbstractTokenProvider
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError, KafkaError

from service.settings import Kafka

TOKEN_SECONDS = 900


class MskToken(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka has no types
    """Logs in to MSK with the machine's AWS credentials: a presigned request, base64 without padding."""

    def __init__(self, region: str) -> None:
        """Sign for the cluster's region."""
        from botocore.session import Session  # slow to import, and seldom needed

        self._region = region
        self._session = Session()

    async def token(self) -> str:
        """Sign afresh; credentials come from botocore's chain, which renews them."""
        from botocore.auth import SigV4QueryAuth
        from botocore.awsrequest import AWSRequest

        credentials = self._session.get_credentials()
        if credentials is None:
            raise PermissionError("no AWS credentials to log in to MSK with")
        request = AWSRequest(
            method="GET",
            url=f"https://kafka.{self._region}.amazonaws.com/",
            params={"Action": "kafka-cluster:Connect"},
        )
        frozen = credentials.get_frozen_credentials()
        SigV4QueryAuth(frozen, "kafka-cluster", self._region, TOKEN_SECONDS).add_auth(request)
        url = f"{request.url}&User-Agent=kinesiem"
        return base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def tls_context(kafka: Kafka) -> ssl.SSLContext | None:
    """Return a verifying TLS context, or None when the settings say plain text."""
    if not kafka.security.endswith("tls"):
        return None
    context = ssl.create_default_context(cafile=str(kafka.ca_file) if kafka.ca_file else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if kafka.cert_file:
        context.load_cert_chain(str(kafka.cert_file), str(kafka.key_file) if kafka.key_file else None)
    return context


def client_arguments(kafka: Kafka) -> dict[str, Any]:
    """Return the arguments every aiokafka client takes: servers, security, credentials."""
    return {"bootstrap_servers": kafka.servers, **security_arguments(kafka)}


def security_arguments(kafka: Kafka) -> dict[str, Any]:
    """Return how to speak to the brokers and log in."""
    context = tls_context(kafka)
    if not kafka.security.startswith("sasl"):
        return {"security_protocol": "PLAINTEXT"} if context is None else {"security_protocol": "SSL", "ssl_context": context}
    login: dict[str, Any] = {
        "security_protocol": "SASL_PLAINTEXT" if context is None else "SASL_SSL",
        "ssl_context": context,
    }
    if kafka.sasl_mechanism == "AWS_MSK_IAM":
        provider = MskToken(kafka.region or "us-east-1")
        return login | {"sasl_mechanism": "OAUTHBEARER", "sasl_oauth_token_provider": provider}
    return login | {
        "sasl_mechanism": kafka.sasl_mechanism,
        "sasl_plain_username": kafka.username,
        "sasl_plain_password": kafka.password.get_secret_value(),
    }


def close_on_broken_writes() -> None:
    """Make every aiokafka client of this process take a write to a closed connection for a broken connection.

    uvloop raises RuntimeError there, where asyncio only warns; aiokafka expects OSError. Anything else ends the task that
    fetches, for good, and the process reads nothing more while its heartbeats go on.
    """
    send = AIOKafkaConnection.send

    @functools.wraps(send)
    def send_or_close(self: AIOKafkaConnection, *args: Any, **keywords: Any) -> Any:
        try:
            return send(self, *args, **keywords)
        except KafkaError:  # itself a RuntimeError
            raise
        except RuntimeError as error:
            self.close(reason=CloseReason.CONNECTION_BROKEN)
            raise KafkaConnectionError(f"Connection at {self.host}:{self.port} broken: {error}") from error

    AIOKafkaConnection.send = send_or_close
