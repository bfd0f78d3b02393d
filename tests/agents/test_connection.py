"""Every way to log in: what our clients and Faust's are given is the same."""

from __future__ import annotations

import asyncio
import base64
import ssl
import subprocess
import sys
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

from service.agents.app import credentials
from service.agents.connection import MskToken, close_on_broken_writes, security_arguments
from service.settings import Kafka

WAYS = [
    Kafka(),
    Kafka(security="tls"),
    Kafka(security="sasl_plaintext", sasl_mechanism="PLAIN", username="siem", password="s3cret"),
    Kafka(security="sasl_tls", sasl_mechanism="SCRAM-SHA-512", username="siem", password="s3cret"),
    Kafka(security="sasl_tls", sasl_mechanism="AWS_MSK_IAM", region="eu-central-1"),
]


@pytest.mark.parametrize("kafka", WAYS, ids=lambda kafka: f"{kafka.security}-{kafka.sasl_mechanism}")
def test_faust_logs_in_as_our_own_clients_do(kafka: Kafka) -> None:
    ours, fausts = security_arguments(kafka), dict(credentials_to_aiokafka_auth(credentials(kafka)))
    assert ours.keys() == fausts.keys()
    assert {key: value for key, value in ours.items() if isinstance(value, str)} == {
        key: value for key, value in fausts.items() if isinstance(value, str)
    }


@pytest.mark.parametrize("kafka", [way for way in WAYS if way.security.endswith("tls")])
def test_tls_verifies_who_answers_and_refuses_old_versions(kafka: Kafka) -> None:
    context = security_arguments(kafka)["ssl_context"]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


async def test_an_msk_token_is_a_presigned_request_for_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "verysecret")
    token = await MskToken("eu-central-1").token()
    url = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    asked = parse_qs(urlsplit(url).query)
    assert urlsplit(url).hostname == "kafka.eu-central-1.amazonaws.com"
    assert asked["Action"] == ["kafka-cluster:Connect"]
    assert asked["X-Amz-Credential"][0].endswith("/eu-central-1/kafka-cluster/aws4_request")
    assert asked["X-Amz-Expires"] == ["900"]
    assert "verysecret" not in url


def test_the_supervisor_stays_small_it_never_imports_faust_or_the_pipeline() -> None:
    code = "import sys, service.cli.run; print(*sorted(m for m in sys.modules if m.split('.')[0] in ('faust', 'opensearchpy')))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


def test_a_write_to_a_closed_connection_is_a_broken_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """uvloop raises what aiokafka does not expect there; the task that fetches died of it."""
    monkeypatch.setattr(AIOKafkaConnection, "send", AIOKafkaConnection.send)
    close_on_broken_writes()
    header = SimpleNamespace(encode=lambda: b"header")
    ready = SimpleNamespace(build_request_header=lambda **_: header, encode=lambda: b"body")
    request = SimpleNamespace(prepare=lambda _versions: ready)

    async def write_after_the_end() -> None:
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            connection = AIOKafkaConnection("127.0.0.1", port)
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.transport.abort()
            connection._writer = writer
            while not writer.transport.is_closing():
                await asyncio.sleep(0)
            await asyncio.sleep(0.05)  # the handle itself closes in a later turn of the loop
            with pytest.raises(KafkaConnectionError, match="closed"):
                connection.send(request)
            assert not connection.connected()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(write_after_the_end())
