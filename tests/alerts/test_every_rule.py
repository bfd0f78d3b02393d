"""Every rule that ships, seen firing through the whole path: from a record in Kinesis to the alert in OpenSearch."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from service.content import find_content
from service.detect.ruleset import RuleSet, load_rules, rule_files
from service.detect.samples import LISTS, NO_MATCH, dataset_named, folder_of, samples_of
from service.pipeline.load import load_pipelines
from service.samples import FACTS
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


async def raised(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """Rule id → one of its alerts."""
    index = f"siem-alerts-{deployment.project}-*"
    await deployment.client.indices.refresh(index=index, params={"ignore_unavailable": "true"})
    reply = await deployment.client.search(index=index, body={"size": 5000}, params={"ignore_unavailable": "true"})
    return {hit["_source"]["rule"]["id"]: hit["_source"] for hit in reply["hits"]["hits"]}


async def matched(deployment: Deployment) -> set[str]:
    """Ids of rules that matched at least one event, by the service's own metrics."""
    async with aiohttp.ClientSession() as session, session.get(f"{deployment.service.url}metrics") as answer:
        text = await answer.text()
    lines = [line for line in text.splitlines() if line.startswith("siem_rule_matches_total{")]
    return {line.partition('rule="')[2].partition('"')[0] for line in lines}


async def test_every_rule_fires_through_the_whole_path(deployment: Deployment) -> None:
    found = rules()
    assert not found.faults
    folder = deployment.config.parent
    (folder / "alerts.yml").write_text("storm: { alerts: 1000 }\n")
    with deployment.config.open("a") as out:
        out.write(f"detect: {{ alerts: alerts.yml }}\nenrich: {{ lists: {lists(folder)} }}\n")
    first_seen = {rule.id for rule in found.rules if "first_seen" in rule.about.custom}
    counted = {rule.id for rule in found.rules if rule.about.counted_only}
    alone = {rule.id for rule in found.rules} - found.joins.silent - first_seen - counted
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
    seen = await matched(deployment)
    while not first_seen <= seen and loop.time() < deadline:  # workers report once in a while
        await asyncio.sleep(1)
        seen = await matched(deployment)
    assert sorted(titles[each] for each in first_seen - seen) == []
