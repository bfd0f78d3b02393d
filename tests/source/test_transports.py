"""Both ways to hold subscriptions open, against servers that behave and servers that do not."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from service.local.kinesis import KinesisDouble
from service.source.kinesis.fault import KinesisFault
from service.source.kinesis.http2 import STREAM_WINDOW
from service.source.kinesis.http2_transport import Http2Transport
from service.source.kinesis.transport import Download, Http1Transport, Unsupported, whole
from tests.source.conftest import MemoryOutlet
from tests.source.running import SWIFT, collecting, put, streams, until

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    running = await asyncio.start_server(handler, "127.0.0.1", 0, ssl=tls)
    port = running.sockets[0].getsockname()[1]
    yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    running.close()


async def only_http1(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    writer.close()


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


async def test_a_server_without_http2_is_recognised() -> None:
    transport = Http2Transport()
    async with server(only_http1) as url:
        with pytest.raises(Unsupported):
            await transport.post(url, {}, b"{}")
    await transport.close()


async def test_nobody_listening_is_a_passing_fault() -> None:
    transport = Http2Transport()
    with pytest.raises(KinesisFault) as caught:
        await transport.post("http://127.0.0.1:9", {}, b"{}")
    assert not isinstance(caught.value, Unsupported)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def contexts(certificate: Path, *protocols: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(certificate)
    ours.set_alpn_protocols(list(protocols))
    return ours, ssl.create_default_context(cafile=str(certificate))


async def test_over_tls_http2_is_negotiated(certificate: Path) -> None:
    async with KinesisDouble() as double:
        double.account.create("logs", 1)
        host, port = double.url.removeprefix("http://").split(":")

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            inner_reader, inner_writer = await asyncio.open_connection(host, int(port))
            await asyncio.gather(forward(reader, inner_writer), forward(inner_reader, writer), return_exceptions=True)

        theirs, ours = contexts(certificate, "h2", "http/1.1")
        transport = Http2Transport(ours)
        async with server(relay, theirs) as url:
            headers = {"X-Amz-Target": "Kinesis_20131202.ListStreams"}
            download = await transport.post(url, headers, b"{}")
            assert download.status == 200
            assert b'"logs"' in await whole(download)
            await transport.close()


async def test_a_server_that_chooses_http1_over_tls_is_recognised(certificate: Path) -> None:
    theirs, ours = contexts(certificate, "http/1.1")
    transport = Http2Transport(ours)
    async with server(only_http1, theirs) as url:
        with pytest.raises(Unsupported, match="h2"):
            await transport.post(url, {}, b"{}")


async def test_a_certificate_nobody_vouches_for_is_refused(certificate: Path) -> None:
    theirs, _ = contexts(certificate, "h2")
    async with server(only_http1, theirs) as url:
        with pytest.raises(KinesisFault, match="CERTIFICATE_VERIFY_FAILED"):
            await Http2Transport().post(url, {}, b"{}")


@pytest.mark.parametrize("way", ["http1", "http2"])
async def test_forty_subscriptions_run_at_once_and_a_refusal_is_readable(way: str) -> None:
    async with KinesisDouble(limits=SWIFT) as double, aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        stream = double.account.create("logs", 40)
        consumer = stream.register("siem").arn
        transport = Http1Transport(http) if way == "http1" else Http2Transport()
        headers = {"X-Amz-Target": "Kinesis_20131202.SubscribeToShard"}
        downloads = [
            await transport.post(
                double.url,
                headers,
                b'{"ConsumerARN":"%b","ShardId":"%b","StartingPosition":{"Type":"TRIM_HORIZON"}}'
                % (consumer.encode(), shard.encode()),
            )
            for shard in stream.shards
        ]
        assert {download.status for download in downloads} == {200}
        first = await asyncio.gather(*(download.next() for download in downloads))
        assert all(first)
        refused = await transport.post(double.url, headers, b"{}")
        assert refused.status == 400
        assert b"__type" in await whole(refused)
        for download in downloads:
            await download.close()
            await download.close()
        await transport.close()


async def test_a_slow_reader_is_not_pushed_more_than_its_window_and_stops_nobody_else() -> None:
    async with KinesisDouble(limits=SWIFT) as double:
        stream = double.account.create("logs", 2)
        consumer = stream.register("siem").arn
        slow, quick = stream.shards.values()
        for _ in range(30):
            slow.put(b"x" * 500_000, "k")
            quick.put(b"x" * 500_000, "k")
        transport = Http2Transport()
        headers = {"X-Amz-Target": "Kinesis_20131202.SubscribeToShard"}

        async def subscribe(shard: str):  # type: ignore[no-untyped-def]
            body = b'{"ConsumerARN":"%b","ShardId":"%b","StartingPosition":{"Type":"TRIM_HORIZON"}}'
            return await transport.post(double.url, headers, body % (consumer.encode(), shard.encode()))

        stuck, running = await subscribe(slow.shard_id), await subscribe(quick.shard_id)
        seen = 0
        while seen < 20_000_000:
            seen += len(await asyncio.wait_for(running.next(), 5))
        assert sum(map(len, stuck._parts)) <= STREAM_WINDOW
        seen = 0
        while seen < 20_000_000:
            seen += len(await asyncio.wait_for(stuck.next(), 5))
        await transport.close()


async def test_what_arrived_is_readable_after_its_end_and_after_other_requests() -> None:
    async with KinesisDouble() as double:
        double.account.create("logs", 1)
        transport = Http2Transport()
        headers = {"X-Amz-Target": "Kinesis_20131202.ListStreams"}
        first = await transport.post(double.url, headers, b"{}")
        second = await transport.post(double.url, headers, b"{}")
        assert b'"logs"' in await whole(second)
        await transport.post(double.url, headers, b"{}")
        assert b'"logs"' in await whole(first)
        await transport.close()


async def to_the_end(download: Download) -> None:
    while await download.next():
        pass


async def test_a_broken_connection_fails_every_subscription_on_it() -> None:
    async with KinesisDouble() as double:
        stream = double.account.create("logs", 3)
        consumer = stream.register("siem").arn
        transport = Http2Transport()
        body = '{{"ConsumerARN":"{}","ShardId":"{}","StartingPosition":{{"Type":"LATEST"}}}}'
        headers = {"X-Amz-Target": "Kinesis_20131202.SubscribeToShard"}
        downloads = [await transport.post(double.url, headers, body.format(consumer, shard).encode()) for shard in stream.shards]
        for download in downloads:
            await download.next()
        await double.stop()
        for download in downloads:
            with pytest.raises(KinesisFault):
                await asyncio.wait_for(to_the_end(download), 5)
        await transport.close()


async def test_auto_takes_http1_where_http2_is_not_spoken(tmp_path: Path, outlet: MemoryOutlet) -> None:
    """A relay that hides HTTP/2 of the double, as an old proxy would."""
    async with KinesisDouble(limits=SWIFT) as double:
        sent = put(double.account.create("logs", 2), 50)
        host, port = double.url.removeprefix("http://").split(":")

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            first = await reader.read(65536)
            if first.startswith(b"PRI"):
                writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                writer.close()
                return
            inner_reader, inner_writer = await asyncio.open_connection(host, int(port))
            inner_writer.write(first)
            await asyncio.gather(forward(reader, inner_writer), forward(inner_reader, writer), return_exceptions=True)

        async with server(relay) as url:
            config = streams(double, consumer="siem")
            project = config.projects[0].model_copy(update={"endpoint_url": url})
            config = config.model_copy(update={"projects": [project]})
            async with collecting(config, tmp_path / "leases", outlet) as collector:
                await until(lambda: set(outlet.data) == sent)
                assert collector.status().streams[0].mode == "fan_out/http1"
