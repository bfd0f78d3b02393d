"""`siem replay`: what works today is indexed once under the id it would have had; the rest stays, counted."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator

import msgspec
import pytest
from click.testing import CliRunner, Result

from service.__main__ import main
from service.clock import SystemClock
from service.event import DeadLetter, Slice
from service.settings import OpenSearch
from service.sink.dead_letter import IndexDeadLetters
from service.sink.letter import letter_of
from service.sink.opensearch.client import connect
from service.sink.opensearch.endpoint import Endpoint
from service.sink.opensearch.indices import TemplateKeeper
from tests.hits import hits_of

pytestmark = pytest.mark.stack

EVENT = {
    "eventVersion": "1.09", "userIdentity": {"type": "Root", "accountId": "111122223333", "principalId": "111122223333"},
    "eventTime": "2026-11-20T10:00:00Z", "eventSource": "iam.amazonaws.com", "eventName": "ListUsers",
    "awsRegion": "us-east-1", "sourceIPAddress": "192.0.2.7", "userAgent": "aws-cli/2", "eventType": "AwsApiCall",
    "eventCategory": "Management", "managementEvent": True, "readOnly": True, "recipientAccountId": "111122223333",
}  # fmt: skip


class Cluster:
    """The command line and the index behind it, for one project."""

    def __init__(self, url: str, project: str) -> None:
        self.url = url
        self.project = project
        self._environment = {"SIEM_OPENSEARCH_URLS": url}

    def siem(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, list(arguments), env=self._environment, catch_exceptions=False)

    def replay(self, *arguments: str) -> tuple[int, dict[str, int]]:
        result = self.siem("replay", "--json", "--project", self.project, *arguments)
        return result.exit_code, json.loads(result.stdout)["letters"]

    def send(self, *letters: DeadLetter) -> None:
        async def sending() -> None:
            client = connect(OpenSearch(urls=[self.url]))
            try:
                await IndexDeadLetters(Endpoint(client), TemplateKeeper(client), SystemClock().now_ms).send(letters)
            finally:
                await client.close()

        asyncio.run(sending())

    def count(self, dataset: str) -> int:
        async def counting() -> int:
            client = connect(OpenSearch(urls=[self.url]))
            try:
                return len(await hits_of(client, f"siem-{dataset}-{self.project}-*"))
            finally:
                await client.close()

        return asyncio.run(counting())

    def delete(self) -> None:
        async def deleting() -> None:
            client = connect(OpenSearch(urls=[self.url]))
            try:
                await client.indices.delete(index=f"siem-*-{self.project}-*")
            finally:
                await client.close()

        asyncio.run(deleting())


@pytest.fixture
def cluster(templates: str, unique: str) -> Iterator[Cluster]:
    cluster = Cluster(templates, unique)
    yield cluster
    cluster.delete()


def slice_of(project: str, sequence: str, *events: str) -> Slice:
    return Slice(project, "prod", "logs", "shardId-0", sequence, 0, 1_795_200_000_000, list(events), first=2)


def test_what_works_today_is_indexed_once(cluster: Cluster) -> None:
    piece = slice_of(cluster.project, "1", *(json.dumps({**EVENT, "eventID": f"id-{n}"}) for n in range(3)))
    cluster.send(
        *(letter_of(piece, at, stage="parse", code="bug", reason="fixed since", dataset="aws.cloudtrail") for at in range(3))
    )
    assert cluster.replay("--dry-run") == (0, {"would be indexed": 3})
    assert cluster.count("aws.cloudtrail") == 0
    assert cluster.replay("--code", "another") == (0, {})
    assert cluster.replay("--code", "bug", "--since", "2026-11-01", "--dataset", "aws.cloudtrail") == (0, {"indexed": 3})
    assert cluster.count("aws.cloudtrail") == 3
    assert cluster.replay() == (0, {})
    assert cluster.replay("--again") == (0, {"already_there": 3})
    assert cluster.count("aws.cloudtrail") == 3


def test_a_whole_record_is_decoded_and_routed_again(cluster: Cluster) -> None:
    data = gzip.compress(json.dumps({"Records": [{**EVENT, "eventID": f"r-{n}"} for n in range(2)]}).encode())
    cluster.send(
        DeadLetter(
            project=cluster.project, environment="prod", stream="logs", shard="shardId-0", sequence="7", subsequence=0, index=-1,
            arrival_ms=1_795_200_000_000, stage="decode", code="too_large", reason="limit was lower", data=data,
        )
    )  # fmt: skip
    assert cluster.replay() == (0, {"indexed": 1})
    assert cluster.count("aws.cloudtrail") == 2


def test_what_is_still_unusable_stays_and_is_tried_five_times_at_most(cluster: Cluster) -> None:
    piece = slice_of(cluster.project, "9", '{"broken":')
    cluster.send(letter_of(piece, 0, stage="parse", code="not_json", reason="cut off", dataset="aws.cloudtrail"))
    for _ in range(5):
        assert cluster.replay() == (1, {"dead": 1})
    assert cluster.replay() == (0, {})
    assert cluster.count("dead-letters") == 1


def test_alerts_that_no_channel_took_are_no_events_to_replay(cluster: Cluster) -> None:
    piece = slice_of(cluster.project, "7", json.dumps({"event": {"kind": "signal"}, "rule": {"id": "r-1"}}))
    cluster.send(
        msgspec.structs.replace(
            letter_of(piece, 0, stage="notify", code="not_told", reason="channel oncall: 500", dataset="alerts"), context=None
        ),
        letter_of(piece, 0, stage="parse", code="bug", reason="fixed since", dataset="aws.cloudwatch"),
    )
    assert cluster.replay("--again") == (0, {"indexed": 1})
    assert cluster.count("alerts") == 0
    refused = cluster.siem("replay", "--stage", "notify")
    assert refused.exit_code == 2
    assert "siem alerts list" in refused.stderr
