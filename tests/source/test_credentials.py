"""Whose rights are used: roles are assumed with their ExternalId, refreshed, and renewed when called expired."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from urllib.parse import parse_qs

import aiohttp
import pytest
from aiobotocore.session import get_session
from aiohttp import web

from service.source.kinesis.client import KinesisClient, endpoint_of
from service.source.kinesis.credentials import ProcessCredentials, RoleCredentials
from service.source.kinesis.fault import KinesisFault

ROLE = "arn:aws:iam::111122223333:role/siem"


class Sts:
    """Just AssumeRole, remembering what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.lifetime = 3600
        self.url = ""
        self.refuse = False

    async def answer(self, request: web.Request) -> web.Response:
        asked = {name: values[0] for name, values in parse_qs(await request.text()).items()}
        self.asked.append(asked)
        if self.refuse:
            body = (
                "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
            )
            return web.Response(status=403, text=body, content_type="text/xml")
        ends = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self.lifetime)
        number = len(self.asked)
        body = f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
        <AssumedRoleUser><Arn>arn:aws:sts::111122223333:assumed-role/siem/x</Arn><AssumedRoleId>A:x</AssumedRoleId></AssumedRoleUser>
        <Credentials><AccessKeyId>KEY{number}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
        <SessionToken>token{number}</SessionToken><Expiration>{ends.isoformat()}</Expiration></Credentials>
        </AssumeRoleResult></AssumeRoleResponse>"""
        return web.Response(text=body, content_type="text/xml")


@pytest.fixture
async def sts() -> AsyncIterator[Sts]:
    fake = Sts()
    app = web.Application()
    app.router.add_post("/", fake.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    fake.url = f"http://{host}:{port}"
    yield fake
    await runner.cleanup()


def role(sts: Sts, external_id: str | None = "shop-7f3a") -> RoleCredentials:
    return RoleCredentials(
        get_session(),
        ROLE,
        external_id=external_id,
        session_name="siem-test",
        region="eu-central-1",
        sts_endpoint_url=sts.url,
    )


async def test_a_role_is_assumed_once_with_its_external_id(sts: Sts) -> None:
    credentials = role(sts)
    keys = await asyncio.gather(*(credentials.current() for _ in range(5)))
    assert {key.access_key for key in keys} == {"KEY1"}
    (asked,) = sts.asked
    assert (asked["RoleArn"], asked["ExternalId"], asked["RoleSessionName"]) == (ROLE, "shop-7f3a", "siem-test")


async def test_without_an_external_id_none_is_sent(sts: Sts) -> None:
    await role(sts, None).current()
    assert "ExternalId" not in sts.asked[0]


async def test_credentials_near_their_end_are_refreshed(sts: Sts) -> None:
    sts.lifetime = 60
    credentials = role(sts)
    await credentials.current()
    assert (await credentials.current()).token != "token1"


async def test_credentials_that_were_called_expired_are_renewed(sts: Sts) -> None:
    credentials = role(sts)
    await credentials.current()
    credentials.renew()
    assert (await credentials.current()).token == "token2"


async def test_a_role_that_may_not_be_assumed_is_a_fault_for_the_operator_without_secrets(sts: Sts) -> None:
    sts.refuse = True
    with pytest.raises(KinesisFault) as caught:
        await role(sts).current()
    assert caught.value.code == "AccessDenied"
    assert ROLE in str(caught.value)
    assert "testing" not in str(caught.value)


async def test_an_sts_that_is_away_is_waited_for() -> None:
    away = Sts()
    away.url = "http://127.0.0.1:9"
    with pytest.raises(KinesisFault) as caught:
        await role(away).current()
    assert caught.value.remedy.value == "wait"


async def test_no_credentials_at_all_are_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(KinesisFault, match="no AWS credentials"):
        await ProcessCredentials(get_session()).current()


async def test_requests_are_signed_for_the_region_with_the_sessions_token(sts: Sts) -> None:
    async with aiohttp.ClientSession() as http:
        client = KinesisClient(http, "https://kinesis.eu-central-1.amazonaws.com", "eu-central-1", role(sts))
        headers = await client.signed("GetRecords", b"{}")
    assert "/eu-central-1/kinesis/aws4_request" in headers["Authorization"]
    assert headers["X-Amz-Security-Token"] == "token1"
    assert headers["X-Amz-Target"] == "Kinesis_20131202.GetRecords"


def test_endpoints_are_those_of_the_regions_partition() -> None:
    session = get_session()
    assert endpoint_of(session, "eu-central-1") == "https://kinesis.eu-central-1.amazonaws.com"
    assert endpoint_of(session, "cn-north-1") == "https://kinesis.cn-north-1.amazonaws.com.cn"
