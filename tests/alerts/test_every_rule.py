"""Every rule that ships, seen firing through the whole path: from a record in Kinesis to the alert in OpenSearch."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from service.alerts.principal import grouped_by
from service.alerts.written import alert_rules
from service.content import find_content
from service.detect.detector import Detector
from service.detect.ruleset import RuleSet, load_rules, rule_files
from service.detect.samples import LISTS, NO_MATCH, dataset_named, folder_of, samples_of
from service.enrich import Enrichers
from service.errors import ContentError
from service.offline.detect import look
from service.offline.play import Player
from service.pipeline.load import load_pipelines
from service.samples import FACTS, Facts
from service.settings import load_settings
from service.sink.baselines import Baselines, Sighting, baseline_index
from service.sink.opensearch.indices import TemplateKeeper
from tests.hits import hits_of
from tests.replay.conftest import deployment as deployment
from tests.replay.deployment import SHOP, Deployment

pytestmark = [pytest.mark.stack, pytest.mark.timeout(500)]

CONTENT = find_content()
GROUPS = {
    "aws.cloudtrail": ("/cloudtrail/management", "trail"),
    "aws.vpcflow": ("vpc-flow-logs", "eni-0a1b2c3d4e5f60718-all"),
    "aws.eks_audit": ("/aws/eks/shop/cluster", "kube-apiserver-audit-0123456789abcdef"),
    "aws.route53_resolver": ("/aws/route53resolver/queries", "vpc-0a1b2c3d"),
    "aws.waf": ("aws-waf-logs-shop", "eu-west-1_shop-edge_0"),
    "nginx.access": ("/shop/nginx/access.log", "i-0a1b2c3d4e5f60718"),
    "system.auth": ("/var/log/secure", "i-0a1b2c3d4e5f60718"),
    "windows.security": ("/shop/windows/security", "i-0a1b2c3d4e5f60718"),
}
"""Dataset → log group and stream, as subscriptions send them."""
LONG_AGO_MS = 1_760_000_000_000
"""October 2025; samples are of 2026."""


@pytest.fixture
def few() -> Path:
    """All of them."""
    return CONTENT.pipelines


def rules() -> RuleSet:
    loaded = load_pipelines(CONTENT.pipelines, None)
    return load_rules([CONTENT.detections], {name: each.catalogue for name, each in loaded.items()})


def samples(found: RuleSet) -> Iterator[tuple[str, list[str]]]:
    """Dataset and lines of every sample that must match."""
    wanted = {each.rule.about.place.file: dataset for dataset in GROUPS for each in found.resolved[dataset]}
    for path in rule_files(CONTENT.detections):
        if not folder_of(path).is_dir():
            continue
        for sample in samples_of(folder_of(path)):
            if sample.name.startswith(NO_MATCH) or sample.name.endswith(FACTS):
                continue
            yield dataset_named(sample) or wanted[str(path)], sample.read_text().splitlines()


def lists(folder: Path) -> str:
    """The threat lists of all samples in one file."""
    for path in sorted(CONTENT.detections.rglob(LISTS)):
        for name in ("listed.txt", "names.txt"):
            (folder / name).write_bytes((path.parent / name).read_bytes())
        (folder / "lists.yml").write_bytes(path.read_bytes())
    return "lists.yml"


def put(deployment: Deployment, dataset: str, lines: list[str]) -> None:
    group, stream = GROUPS[dataset]
    now = deployment.kinesis.account.clock.now_ms()
    events = [{"id": f"{deployment.rng.getrandbits(180):056d}", "timestamp": now, "message": line} for line in lines]
    deployment.put(
        "logs",
        json.dumps({
            "messageType": "DATA_MESSAGE", "owner": SHOP.account, "logGroup": group, "logStream": stream,
            "subscriptionFilters": ["siem"], "logEvents": events,
        }).encode(),
    )  # fmt: skip


async def has_a_past(deployment: Deployment, found: RuleSet) -> None:
    """Everybody in the samples of first-seen rules is known since long before them, with something else."""
    settings = load_settings(deployment.config, {})
    player = Player(
        load_pipelines(CONTENT.pipelines, None), Enrichers.load(settings.enrich.geoip, settings.enrich.lists, None), 0
    )
    faults: list[ContentError] = []
    by_id, detector = alert_rules(found, faults), Detector(found)
    assert not faults
    known: list[Sighting] = []
    for dataset, lines in samples(found):
        group, stream = GROUPS[dataset]
        facts = Facts(project=deployment.project, environment="prod", account=SHOP.account, log_group=group, log_stream=stream)
        for hit in look(player, detector, "\n".join(lines).encode(), dataset, facts).hits:
            if (first := by_id[hit.rule.id].first_seen) is not None and (who := grouped_by(hit.document, first.who)).strip():
                known.append(Sighting((deployment.project, "prod"), hit.rule.id, who, "usual", "before", LONG_AGO_MS, 0))
    keeper = TemplateKeeper(deployment.client)
    await Baselines(deployment.client, keeper, baseline_index(settings.kafka)).fresh(known)


async def raised(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """Rule id → one of its alerts."""
    hits = await hits_of(deployment.client, f"siem-alerts-{deployment.project}-*")
    return {hit["_source"]["rule"]["id"]: hit["_source"] for hit in hits}


async def test_every_rule_fires_through_the_whole_path(deployment: Deployment) -> None:
    found = rules()
    assert not found.faults
    folder = deployment.config.parent
    (folder / "alerts.yml").write_text("storm: { alerts: 1000 }\n")
    with deployment.config.open("a") as out:
        out.write(f"detect: {{ alerts: alerts.yml }}\nenrich: {{ lists: {lists(folder)}, geoip: [places.mmdb] }}\n")
    (folder / "places.mmdb").write_bytes((resources.files("service.demo") / "places.mmdb").read_bytes())
    await has_a_past(deployment, found)
    counted = {rule.id for rule in found.rules if rule.about.counted_only}
    alone = {rule.id for rule in found.rules} - found.joins.silent - counted
    wanted = alone | {identity for identity, each in found.joins.correlations.items() if not each.about.counted_only}
    wanted -= found.joins.silent
    titles = {rule.id: rule.title for rule in found.rules} | {i: each.about.title for i, each in found.joins.correlations.items()}
    await deployment.service.start()
    await deployment.service.ready()
    for dataset, lines in samples(found):
        put(deployment, dataset, lines)
    alerts: dict[str, dict[str, Any]] = {}
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 240
    while not wanted <= alerts.keys() and loop.time() < deadline:
        await asyncio.sleep(1)
        alerts = await raised(deployment)
    assert sorted(titles[each] for each in wanted - alerts.keys()) == []
    for identity in wanted:
        alert = alerts[identity]
        assert alert["alert"]["evidence"]["id"], titles[identity]
        assert alert["threat"]["framework"] == "MITRE ATT&CK", titles[identity]
