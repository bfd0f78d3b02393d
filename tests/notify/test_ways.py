"""Each way out against the real other side: a web server, Apprise's own client, SNS and SQS."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiobotocore.session import get_session
from aiohttp import web
from moto.server import ThreadedMotoServer

from service.alerts.channels import Channel
from service.notify.ways import NotTold, way_of

ALERT: dict[str, Any] = {
    "alert": {"severity": "high"},
    "rule": {"id": "r-1"},
    "project": {"id": "shop", "environment": "prod"},
}


@dataclass(slots=True)
class Site:
    """A web server on loopback that keeps what it is sent."""

    url: str = ""
    status: int = 200
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        self.requests.append((dict(request.headers), await request.read()))
        headers = {"Location": f"{self.url}/elsewhere"} if self.status == 302 else {}
        return web.Response(status=self.status, headers=headers)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    found = Site()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


def channel(**said: Any) -> Channel:
    return Channel.model_validate(said)


async def test_a_webhook_gets_the_alert_signed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_KEY", "sesame-open")
    way = way_of(channel(webhook={"url": f"{site.url}/hook", "key_env": "HOOK_KEY"}))
    await way.tell("title", "body", ALERT)
    ((headers, body),) = site.requests
    assert json.loads(body) == {"title": "title", "text": "body", "alert": ALERT}
    assert headers["X-Siem-Signature"] == "sha256=" + hmac.new(b"sesame-open", body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("status", [302, 400, 403, 429, 500])
async def test_a_refusal_is_none_of_ours_and_no_redirect_is_followed(site: Site, status: int) -> None:
    site.status = status
    with pytest.raises(NotTold, match=f"answered {status}"):
        await way_of(channel(webhook={"url": f"{site.url}/token-abcdef"})).tell("t", "b", ALERT)
    assert len(site.requests) == 1


async def test_nobody_there_is_said_without_the_address() -> None:
    with pytest.raises(NotTold) as refused:
        await way_of(channel(webhook={"url": "http://127.0.0.1:1/token-abcdef"})).tell("t", "b", ALERT)
    assert "token" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # a plugin of Apprise's imports it
async def test_apprise_reaches_what_it_has_an_address_form_for(site: Site) -> None:
    address = site.url.replace("http://", "json://") + "/queue"
    await way_of(channel(apprise={"url": address})).tell("title", "body", ALERT)
    ((_, body),) = site.requests
    told = json.loads(body)
    assert (told["title"], told["message"], told["type"]) == ("title", "body", "failure")
    site.status = 500
    with pytest.raises(NotTold):
        await way_of(channel(apprise={"url": address})).tell("title", "body", ALERT)


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")
def test_an_address_that_means_nothing_is_said_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotTold) as refused:
        way_of(channel(apprise={"url": "nonsense-secret-abcdef"}))
    assert "abcdef" not in str(refused.value)
    monkeypatch.delenv("NOT_SET", raising=False)
    with pytest.raises(NotTold, match="NOT_SET is not set"):
        way_of(channel(webhook={"url_env": "NOT_SET"}))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


async def test_sns_carries_what_subscriptions_filter_by_and_sqs_the_whole_alert(aws: str) -> None:
    session = get_session()
    async with (
        session.create_client("sqs", region_name="eu-west-1", endpoint_url=aws) as sqs,
        session.create_client("sns", region_name="eu-west-1", endpoint_url=aws) as sns,
    ):
        queue = (await sqs.create_queue(QueueName="alerts"))["QueueUrl"]
        topic = (await sns.create_topic(Name="alerts"))["TopicArn"]
        arn = (await sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"]))["Attributes"]["QueueArn"]
        policy = json.dumps({"severity": ["high"]})
        await sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"FilterPolicy": policy})
        await way_of(channel(sns={"topic": topic, "endpoint": aws})).tell("[high] ü", "body", ALERT)
        await way_of(channel(sqs={"queue": queue, "region": "eu-west-1", "endpoint": aws})).tell("title", "body", ALERT)
        bodies = []
        for _ in range(2):
            reply = await sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=1)
            bodies.append(json.loads(reply["Messages"][0]["Body"]))
            await sqs.delete_message(QueueUrl=queue, ReceiptHandle=reply["Messages"][0]["ReceiptHandle"])
    by_topic = next(each for each in bodies if each.get("Type") == "Notification")
    assert (by_topic["Subject"], by_topic["Message"]) == ("[high] ?", "body")
    assert by_topic["MessageAttributes"]["rule"]["Value"] == "r-1"
    assert {"title": "title", "text": "body", "alert": ALERT} in bodies
    missing = channel(sqs={"queue": f"{aws}/123456789012/none", "region": "eu-west-1", "endpoint": aws})
    with pytest.raises(NotTold):
        await way_of(missing).tell("t", "b", ALERT)
