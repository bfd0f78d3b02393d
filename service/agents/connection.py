"""How to reach Kafka: one place turns the settings into what aiokafka and Faust want."""

from __future__ import annotations

import base64
import ssl
from typing import Any

from aiokafka.abc import AbstractTokenProvider
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.session import Session
from faust.auth import OAuthCredentials, SASLCredentials, SSLCredentials
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth
from faust.types.auth import CredentialsT

from service.settings import Kafka

TOKEN_SECONDS = 900


class MskToken(AbstractTokenProvider):  # type: ignore[misc]
    """Logs in to MSK with the machine's AWS credentials: a presigned request, base64 without padding."""

    def __init__(self, region: str) -> None:
        """Sign for the cluster's region."""
        self._region = region
        self._session = Session()

    async def token(self) -> str:
        """Sign afresh; credentials come from botocore's chain, which renews them."""
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


def credentials(kafka: Kafka) -> CredentialsT | None:
    """Return Faust's credentials for these settings; None for plain text."""
    context = tls_context(kafka)
    if kafka.security.startswith("sasl"):
        if kafka.sasl_mechanism == "AWS_MSK_IAM":
            return OAuthCredentials(oauth_cb=MskToken(kafka.region or "us-east-1"), ssl_context=context)
        return SASLCredentials(
            username=kafka.username,
            password=kafka.password.get_secret_value(),
            ssl_context=context,
            mechanism=kafka.sasl_mechanism,
        )
    return SSLCredentials(context) if context else None


def client_arguments(kafka: Kafka) -> dict[str, Any]:
    """Return the arguments every aiokafka client takes: servers, security, credentials."""
    return {"bootstrap_servers": kafka.servers, **credentials_to_aiokafka_auth(credentials(kafka))}
