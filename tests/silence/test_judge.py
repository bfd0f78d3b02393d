"""The judge with a real OpenSearch and a clock turned by hand: one alert a silence, its cause, its end, across restarts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from opensearchpy import AsyncOpenSearch

from service.agents.judge import JUDGE_MS, SAVE_MS, Judge
from service.agents.lag import KafkaAwayError, PartitionLag
from service.alerts.notice import Notice
from service.build.templates import components, dataset_template, own_indices, own_template
from service.content import find_content
from service.errors import Backpressure
from service.pipeline.load import load_pipeline
from service.settings import OpenSearch
from service.silence.arrivals import Heard
from service.silence.causes import load_causes
from service.silence.passage import Passage
from service.silence.rhythm import BUCKET_MS, DAY_MS, HOUR_MS
from service.silence.rules import Mute, Override, SilenceRules
from service.silence.source import ALL
from service.sink.cadence import CadenceStore
from service.sink.opensearch.client import connect
from service.sink.opensearch.indices import TemplateKeeper
from service.spans import moment
from service.telemetry import metrics
from service.telemetry.meters import Meters
from tests.silence.turned import TurnedClock

pytestmark = pytest.mark.stack

NOW_MS = 1_795_608_000_000  # a Wednesday, noon UTC
MINUTE = 60_000
TRAIL, FLOW = "aws.cloudtrail", "aws.vpcflow"


@pytest.fixture
async def client(opensearch: str) -> AsyncIterator[AsyncOpenSearch]:
    client = connect(OpenSearch(urls=[opensearch]))
    content = find_content()
    for name, body in components(content).items():
        await client.cluster.put_component_template(name=name, body=body)
    for name in ("alerts", "cadence"):
        body = own_template(name, own_indices(content)[name], content)
        await client.indices.put_index_template(name=f"siem-{name}", body=body)
    trail = dataset_template(load_pipeline(content.pipelines / TRAIL))
    await client.indices.put_index_template(name=f"siem-{TRAIL}", body=trail)
    yield client
    await client.close()


class Deployment:
    """One deployment's judge, moved by hand; ``restart`` puts a new one in its place."""

    def __init__(self, client: AsyncOpenSearch, project: str) -> None:
        self.client = client
        self.project = project
        self.clock = TurnedClock(NOW_MS)
        self.meters = Meters()
        self.rules = SilenceRules()
        self.behind: dict[str, int] = {}
        self.kafka_away = False
        self.reading = True
        self.offset = 0
        self.notices: list[Notice] = []
        self.kafka_busy = False
        self.judge = self.restart()

    def restart(self) -> Judge:
        store = CadenceStore(self.client, TemplateKeeper(self.client), f"siem-cadence-{self.project}")
        passage = lambda: Passage("records", "raw.")  # noqa: E731 - a factory
        self.judge = Judge(store, self.look, passage, lambda: self.rules, load_causes(), self.notify, self.meters, self.clock)
        return self.judge

    async def notify(self, notice: Notice) -> None:
        if self.kafka_busy:
            raise Backpressure("kafka")
        self.notices.append(notice)

    async def look(self) -> list[PartitionLag]:
        if self.kafka_away:
            raise KafkaAwayError
        topics = ("records", f"raw.{TRAIL}", f"raw.{FLOW}")
        return [PartitionLag(topic, 0, 10 - self.behind.get(topic, 0), 10, 0) for topic in topics]

    async def beat(self, *heard: tuple[str, int], minutes: float = 1, buckets: set[int] | None = None) -> None:
        """Time goes by; a worker tells what it heard; the judge judges."""
        self.clock.at_ms += round(minutes * MINUTE)
        self.judge.follow(0, self.offset)
        self.offset += 1
        now_ms = self.clock.at_ms
        self.judge.read("w", now_ms, (self.project, "prod", "audit"), (now_ms, 1 if self.reading else 0, 1, ""))
        for dataset, at_ms in heard:
            self.judge.hear(Heard((self.project, "prod", "audit", dataset), at_ms, buckets or set()))
        assert self.judge.due()
        await self.judge.judge()

    async def learn(self, *datasets: str, weeks: int = 4) -> None:
        """Every source spoke all the time until now."""
        now = self.clock.at_ms
        buckets = set(range((now - weeks * 7 * DAY_MS) // BUCKET_MS, now // BUCKET_MS))
        await self.beat(*((dataset, now) for dataset in datasets), buckets=buckets)
        await self.beat()

    async def quiet(self, hours: float, *speaking: str) -> None:
        """Nothing arrives but of those that are speaking."""
        for _ in range(round(hours * 2)):
            await self.beat(*((dataset, self.clock.at_ms) for dataset in speaking), minutes=30)

    def state(self, dataset: str) -> str:
        return {line.dataset: line.state for line in self.judge.lines()}[dataset]

    def reason(self, dataset: str) -> str:
        return {line.dataset: line.reason for line in self.judge.lines()}[dataset]

    async def alerts(self) -> list[dict[str, Any]]:
        index = f"siem-alerts-{self.project}-prod-*"
        await self.client.indices.refresh(index=index)
        reply = await self.client.search(index=index, body={"size": 100, "sort": ["@timestamp"]})
        return [hit["_source"] for hit in reply["hits"]["hits"]]

    async def call(self, action: str, at_ms: int, *, project: str = "", **event: Any) -> str:
        """CloudTrail has this call of the project."""
        project = project or self.project
        identity = f"{action}-{at_ms}"
        document = {
            "@timestamp": moment(at_ms),
            "event": {"action": action, "outcome": "success", "provider": "cloudtrail.amazonaws.com", **event},
            "project": {"id": project, "environment": "prod"},
            "siem": {"stream": "another", "arrived": moment(at_ms + MINUTE)},
            "user": {"name": "mallory"},
            "source": {"ip": "198.51.100.23"},
            "cloud": {"account": {"id": "111122223333"}},
        }
        index = f"siem-{TRAIL}-{project}-prod-2026.11"
        await self.store(index, identity, document)
        return identity

    async def store(self, index: str, identity: str, document: dict[str, Any]) -> None:
        await TemplateKeeper(self.client).ensure(index, TRAIL)
        await self.client.index(index=index, id=identity, body=document, params={"refresh": "true"})


@pytest.fixture
async def deployment(client: AsyncOpenSearch, unique: str) -> AsyncIterator[Deployment]:
    yield Deployment(client, unique)
    await client.indices.delete(index=f"siem-*{unique}*")


async def test_a_source_that_stops_gets_one_alert_that_names_the_call(deployment: Deployment) -> None:
    await deployment.learn(TRAIL, FLOW)
    assert deployment.state(TRAIL) == "heard"
    last_ms = deployment.clock.at_ms
    await deployment.beat((TRAIL, last_ms), (FLOW, last_ms))
    evidence = await deployment.call("StopLogging", last_ms + MINUTE)
    await deployment.quiet(2.5, FLOW)
    assert deployment.state(TRAIL) == "silent"
    assert deployment.state(FLOW) == deployment.state(ALL) == "heard"
    [alert] = await deployment.alerts()
    assert alert["event"]["kind"] == "signal"
    assert alert["rule"]["name"] == "Source fell silent"
    assert alert["silence"]["dataset"] == [TRAIL]
    assert alert["silence"]["last_seen"] == moment(last_ms)
    assert alert["silence"]["cause"]["action"] == "StopLogging"
    assert alert["alert"]["evidence"] == {"id": [evidence], "index": [f"siem-{TRAIL}-{deployment.project}-prod-2026.11"]}
    assert "StopLogging by mallory" in alert["message"]
    labels = (deployment.project, "prod", "audit", TRAIL)
    deployment.judge.measure()
    assert deployment.meters.value(metrics.SOURCE_SILENT, labels) == 1
    assert deployment.meters.value(metrics.SOURCE_QUIET, labels) > HOUR_MS / 1000


async def test_restarts_and_a_second_judge_double_nothing(deployment: Deployment) -> None:
    await deployment.learn(TRAIL, FLOW)
    await deployment.quiet(2.5, FLOW)
    for _ in range(3):
        deployment.restart()
        await deployment.quiet(1, FLOW)
    assert deployment.state(TRAIL) == "silent"
    [alert] = await deployment.alerts()
    [notice] = deployment.notices
    assert json.loads(notice.alert) == alert


async def test_a_notice_that_kafka_does_not_take_is_sent_again(deployment: Deployment) -> None:
    await deployment.learn(TRAIL, FLOW)
    deployment.kafka_busy = True
    await deployment.quiet(2.5, FLOW)
    deployment.restart()
    await deployment.quiet(0.5, FLOW)
    assert len(await deployment.alerts()) == 1
    assert deployment.notices == []
    deployment.kafka_busy = False
    await deployment.quiet(1, FLOW)
    assert [notice.id[:8] for notice in deployment.notices] == ["silence-"]


async def test_what_was_silent_and_came_back_before_anybody_could_be_told_is_told(deployment: Deployment) -> None:
    await deployment.learn(TRAIL, FLOW)
    deployment.kafka_busy = True
    await deployment.quiet(2.5, FLOW)
    deployment.kafka_busy = False
    await deployment.beat((TRAIL, deployment.clock.at_ms))
    assert len(deployment.notices) == 1
    assert (await deployment.alerts())[0]["silence"]["state"] == "recovered"


async def test_what_was_learnt_survives_a_restart(deployment: Deployment) -> None:
    await deployment.learn(TRAIL, FLOW)
    await deployment.quiet(0.5, FLOW)
    deployment.restart()
    await deployment.quiet(2, FLOW)
    assert deployment.state(TRAIL) == "silent"


async def test_a_source_that_speaks_again_is_recovered_and_may_fall_silent_again(deployment: Deployment) -> None:
    await deployment.learn(TRAIL, FLOW)
    await deployment.quiet(2.5, FLOW)
    await deployment.beat((TRAIL, deployment.clock.at_ms))
    assert deployment.state(TRAIL) == "heard"
    [alert] = await deployment.alerts()
    assert alert["silence"]["state"] == "recovered"
    assert alert["alert"]["status"] == "new"
    await deployment.quiet(5, FLOW)
    assert [alert["silence"]["state"] for alert in await deployment.alerts()] == ["recovered", "silent"]


async def test_a_cause_that_arrives_late_is_added(deployment: Deployment) -> None:
    await deployment.learn(TRAIL, FLOW)
    last_ms = deployment.clock.at_ms
    await deployment.quiet(2.5, FLOW)
    assert "cause" not in (await deployment.alerts())[0]["silence"]
    await deployment.call("DeleteTrail", last_ms + MINUTE)
    await deployment.beat(minutes=10)
    [alert] = await deployment.alerts()
    assert alert["silence"]["cause"]["action"] == "DeleteTrail"
    assert alert["silence"]["dataset"] == [TRAIL]


async def test_another_projects_call_explains_nothing(deployment: Deployment) -> None:
    await deployment.learn(TRAIL, FLOW)
    # Its index matches the pattern of ours.
    await deployment.call("StopLogging", deployment.clock.at_ms, project=f"{deployment.project}-prod")
    await deployment.quiet(2.5, FLOW)
    assert "cause" not in (await deployment.alerts())[0]["silence"]


async def test_a_whole_stream_that_stops_is_one_alert(deployment: Deployment) -> None:
    await deployment.learn(TRAIL, FLOW)
    await deployment.quiet(6)
    [alert] = await deployment.alerts()
    assert alert["rule"]["name"] == "Stream fell silent"
    assert alert["silence"] | {"scope": "stream", "dataset": [TRAIL, FLOW]} == alert["silence"]
    assert deployment.state(ALL) == deployment.state(TRAIL) == deployment.state(FLOW) == "silent"
    assert deployment.reason(FLOW) == "the whole stream is silent"


@pytest.mark.parametrize("trouble", ["collector", "kafka", "routing", "dataset"])
async def test_our_own_lag_is_no_silence(deployment: Deployment, trouble: str) -> None:
    await deployment.learn(TRAIL, FLOW)
    if trouble == "collector":
        deployment.reading = False
    elif trouble == "kafka":
        deployment.kafka_away = True
    else:
        deployment.behind = {"records" if trouble == "routing" else f"raw.{TRAIL}": 3}
    await deployment.quiet(6)
    assert deployment.state(TRAIL) == "unknown"
    assert deployment.reason(TRAIL)
    if trouble != "dataset":
        assert await deployment.alerts() == []
        # What had waited arrives; nothing was missing.
        deployment.reading, deployment.kafka_away, deployment.behind = True, False, {}
        arrived = deployment.clock.at_ms
        buckets = set(range((arrived - 6 * HOUR_MS) // BUCKET_MS, arrived // BUCKET_MS))
        await deployment.beat((TRAIL, arrived), (FLOW, arrived), buckets=buckets)
        await deployment.beat()
        assert deployment.state(TRAIL) == "heard"
        assert await deployment.alerts() == []


async def test_what_is_indexed_has_the_last_word(deployment: Deployment) -> None:
    """A worker died before it could tell of an arrival; its event is indexed all the same."""
    await deployment.learn(TRAIL, FLOW)
    await deployment.quiet(0.5, FLOW)
    document = {
        "@timestamp": moment(deployment.clock.at_ms),
        "project": {"id": deployment.project, "environment": "prod"},
        "siem": {"stream": "audit", "arrived": moment(deployment.clock.at_ms)},
    }
    index = f"siem-{TRAIL}-{deployment.project}-prod-2026.11"
    await deployment.store(index, "1", document)
    await deployment.quiet(1, FLOW)
    assert deployment.state(TRAIL) == "heard"
    await deployment.quiet(2, FLOW)
    assert deployment.state(TRAIL) == "silent"


async def test_a_source_that_was_indexed_before_it_was_watched_has_a_history(deployment: Deployment) -> None:
    lines: list[str] = []
    index = f"siem-{TRAIL}-{deployment.project}-prod-2026.11"
    await TemplateKeeper(deployment.client).ensure(index, TRAIL)
    for number in range(20 * 24 * 4):
        at = moment(NOW_MS - number * 15 * MINUTE)
        lines.append(json.dumps({"create": {"_index": index, "_id": str(number)}}))
        project = {"id": deployment.project, "environment": "prod"}
        lines.append(json.dumps({"@timestamp": at, "project": project, "siem": {"stream": "audit", "arrived": at}}))
    await deployment.client.bulk(body="\n".join(lines) + "\n", params={"refresh": "true"})
    await deployment.beat((TRAIL, NOW_MS))
    assert deployment.state(TRAIL) == "heard"  # not: learning
    await deployment.quiet(3)
    assert deployment.state(TRAIL) == "silent"


async def test_a_muted_source_is_not_alerted_until_the_mute_ends(deployment: Deployment) -> None:
    until = moment(deployment.clock.at_ms + 6 * HOUR_MS)
    deployment.rules = SilenceRules(mutes=[Mute(dataset=TRAIL, until=until, reason="moved to another account")])
    await deployment.learn(TRAIL, FLOW)
    await deployment.quiet(4, FLOW)
    assert deployment.state(TRAIL) == "muted"
    assert "moved to another account" in deployment.reason(TRAIL)
    assert await deployment.alerts() == []
    await deployment.quiet(3, FLOW)
    assert deployment.state(TRAIL) == "silent"


async def test_a_limit_of_the_operators_holds_while_learning(deployment: Deployment) -> None:
    deployment.rules = SilenceRules(overrides=[Override(dataset=TRAIL, within="30m", severity="critical")])
    await deployment.beat((TRAIL, deployment.clock.at_ms), (FLOW, deployment.clock.at_ms))
    await deployment.quiet(1, FLOW)
    assert (deployment.state(TRAIL), deployment.state(FLOW)) == ("silent", "learning")
    [alert] = await deployment.alerts()
    assert alert["event"]["severity"] == 99


async def test_two_judges_at_once_lose_nothing_they_heard(deployment: Deployment) -> None:
    await deployment.learn(TRAIL)
    one = deployment.judge
    two = deployment.restart()
    await deployment.beat((TRAIL, deployment.clock.at_ms), minutes=SAVE_MS / MINUTE)
    deployment.judge = one
    one.follow(0, deployment.offset - 1)  # a worker that was cut off and does not know it yet
    await deployment.beat((FLOW, deployment.clock.at_ms), minutes=JUDGE_MS / MINUTE)
    deployment.judge = two
    await deployment.beat(minutes=SAVE_MS / MINUTE)
    deployment.restart()
    await deployment.beat()
    assert {line.dataset for line in deployment.judge.lines()} == {ALL, FLOW, TRAIL}


async def test_without_opensearch_nothing_is_judged_and_nothing_heard_is_lost(deployment: Deployment, tmp_path: Path) -> None:
    away = connect(OpenSearch(urls=["http://127.0.0.1:9"]))
    here, deployment.client = deployment.client, away
    deployment.restart()
    now = deployment.clock.at_ms
    buckets = set(range((now - 20 * DAY_MS) // BUCKET_MS, now // BUCKET_MS))
    await deployment.beat((TRAIL, now), buckets=buckets)
    assert deployment.judge.lines() == []
    deployment.judge._store._client = here
    deployment.judge._store._indices = TemplateKeeper(here)
    deployment.client = here
    await deployment.beat()
    await deployment.beat()
    assert deployment.state(TRAIL) == "heard"
    await away.close()
