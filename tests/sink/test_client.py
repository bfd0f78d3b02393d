"""How the sink logs in, and whom it refuses to talk to."""

from __future__ import annotations

import datetime as dt
import ipaddress
import logging
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from service.errors import ContentError
from service.settings import OpenSearch
from service.sink.opensearch.client import AwsKeys, connect
from service.sink.opensearch.endpoint import Endpoint, RequestFailed

BODY = b'{"create":{"_index":"siem-x","_id":"1"}}\n{"secret":"canary-7f3a"}\n'


@dataclass
class Heard:
    url: str = ""
    ca: Path = Path()
    headers: list[dict[str, str]] | None = None
    plain: int = 0


def certificate(folder: Path, host: str) -> tuple[Path, Path]:
    """A self-signed certificate for ``host``, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(start + dt.timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert, private = folder / f"{host}.pem", folder / f"{host}.key"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert, private


async def serve(heard: Heard, context: ssl.SSLContext | None) -> web.AppRunner:
    heard.headers = []

    async def bulk(request: web.Request) -> web.Response:
        assert heard.headers is not None
        heard.headers.append({name.lower(): value for name, value in request.headers.items()})
        await request.read()
        return web.json_response({"items": [{"create": {"status": 201}}]})

    app = web.Application()
    app.router.add_post("/_bulk", bulk)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    heard.url = f"{'https' if context else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    return runner


@pytest.fixture
async def plain() -> AsyncIterator[Heard]:
    heard = Heard()
    runner = await serve(heard, None)
    yield heard
    await runner.cleanup()


@pytest.fixture
async def secure(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Heard]:
    cert, key = certificate(tmp_path, getattr(request, "param", "127.0.0.1"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    heard = Heard(ca=cert)
    runner = await serve(heard, context)
    yield heard
    await runner.cleanup()


async def send(settings: OpenSearch, keys: AwsKeys | None = None) -> None:
    client = connect(settings, keys=keys)
    try:
        await Endpoint(client, timeout=5).bulk(BODY, 1)
    finally:
        await client.close()


async def test_basic_sends_the_password_and_no_log_shows_it(plain: Heard, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await send(OpenSearch(urls=[plain.url], auth="basic", username="siem", password=SecretStr("canary-pw")))
    assert plain.headers is not None
    assert plain.headers[0]["authorization"].startswith("Basic ")
    assert "canary" not in caplog.text


async def test_sigv4_signs_the_body_with_keys_that_are_refreshed(plain: Heard) -> None:
    frozen = SimpleNamespace(access_key="AKIDEXAMPLE", secret_key="secret", token="token")
    asked: list[str] = []

    def credentials() -> SimpleNamespace:
        asked.append("again")
        return frozen

    session = SimpleNamespace(get_credentials=lambda: SimpleNamespace(get_frozen_credentials=credentials))
    keys = AwsKeys(session)
    await send(OpenSearch(urls=[plain.url], auth="sigv4", region="eu-central-1"), keys)
    assert plain.headers is not None
    headers = plain.headers[0]
    assert "Credential=AKIDEXAMPLE/" in headers["authorization"]
    assert "/eu-central-1/es/aws4_request" in headers["authorization"]
    assert headers["x-amz-security-token"] == "token"
    await keys.refresh()
    assert len(asked) == 2


async def test_a_server_with_our_authority_is_trusted(secure: Heard) -> None:
    await send(OpenSearch(urls=[secure.url], ca_file=secure.ca))
    assert secure.headers


async def test_an_unknown_authority_is_refused(secure: Heard) -> None:
    with pytest.raises(RequestFailed) as failed:
        await send(OpenSearch(urls=[secure.url]))
    assert failed.value.status is None
    assert not secure.headers


@pytest.mark.parametrize("secure", ["127.0.0.9"], indirect=True)
async def test_a_certificate_for_another_host_is_refused(secure: Heard) -> None:
    with pytest.raises(RequestFailed):
        await send(OpenSearch(urls=[secure.url], ca_file=secure.ca))
    assert not secure.headers


async def test_a_plain_server_behind_an_https_address_is_refused(plain: Heard) -> None:
    with pytest.raises(RequestFailed):
        await send(OpenSearch(urls=[plain.url.replace("http:", "https:")]))
    assert not plain.headers


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        (OpenSearch(auth="sigv4"), "opensearch_region"),
        (OpenSearch(auth="mtls"), "opensearch_certificate"),
        (OpenSearch(urls=["https://a", "http://b"]), "opensearch_mixed"),
    ],
)
async def test_settings_that_say_too_little_are_refused_at_start(settings: OpenSearch, code: str) -> None:
    with pytest.raises(ContentError) as refused:
        connect(settings)
    assert refused.value.code == code


async def test_requests_can_be_compressed(plain: Heard) -> None:
    client = connect(OpenSearch(urls=[plain.url]))
    await Endpoint(client, timeout=5, compress=True).bulk(BODY, 1)
    await client.close()
    assert plain.headers is not None
    assert plain.headers[0]["content-encoding"] == "gzip"
