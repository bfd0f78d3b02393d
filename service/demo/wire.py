"""Raw events → the Kinesis records that AWS would make of them: subscription filters, EventBridge targets, files line by line."""

from __future__ import annotations

import json
import zlib
from random import Random

from service.demo.projects import DemoProject, iso, uuid

_GROUPS = {
    "aws.cloudtrail": ("/cloudtrail/management", "{account}_CloudTrail_{region}"),
    "aws.vpcflow": ("/vpcflow/{vpc}", "eni-0a1b2c3d4e5f60718-all"),
    "aws.route53_resolver": ("/route53/resolver-queries", "{vpc}"),
    "aws.eks_audit": ("/aws/eks/{name}/cluster", "kube-apiserver-audit-0123456789abcdef"),
    "system.auth": ("/var/log/secure", "{name}"),
    "aws.cloudwatch": ("/app/{name}/orders", "container/web/0123"),
}
"""Dataset → log group and stream that its subscription filter watches."""


def record_of(rng: Random, project: DemoProject, dataset: str, events: list[str], now_ms: int) -> bytes:
    """One Kinesis record that carries the events the way this log travels. GuardDuty and ALB have transports of their own."""
    if dataset == "aws.guardduty":
        return envelope(rng, project, events[0], now_ms)
    if dataset == "aws.alb":
        return "\n".join(events).encode()
    group, stream = (each.format(account=project.account, region=project.region, vpc=project.vpc, name=project.name)
                     for each in _GROUPS[dataset])  # fmt: skip
    return subscription(rng, project, group, stream, events, now_ms)


def subscription(rng: Random, project: DemoProject, group: str, stream: str, events: list[str], now_ms: int) -> bytes:
    """What a CloudWatch Logs subscription filter delivers: gzip of a DATA_MESSAGE."""
    message = {
        "messageType": "DATA_MESSAGE", "owner": project.account, "logGroup": group, "logStream": stream,
        "subscriptionFilters": ["siem"],
        "logEvents": [
            {"id": f"{rng.getrandbits(180):056d}"[-56:], "timestamp": now_ms, "message": event} for event in events
        ],
    }  # fmt: skip
    packer = zlib.compressobj(wbits=31)
    return packer.compress(json.dumps(message, separators=(",", ":")).encode()) + packer.flush()


def envelope(rng: Random, project: DemoProject, detail: str, now_ms: int) -> bytes:
    """What an EventBridge rule delivers."""
    made = {
        "version": "0", "id": uuid(rng), "detail-type": "GuardDuty Finding", "source": "aws.guardduty", "account": project.account,
        "time": iso(now_ms), "region": project.region, "resources": [], "detail": json.loads(detail),
    }  # fmt: skip
    return json.dumps(made, separators=(",", ":")).encode()


def broken(rng: Random, project: DemoProject, now_ms: int) -> bytes:
    """A record that nobody can use, as a producer gone wrong makes them: exactly one dead letter."""
    whole = subscription(rng, project, "/app/broken", "x", ["never to be read"], now_ms)
    return rng.choice((whole[:-12], b'{"eventVersion":"1.11","userIdentity":{"type":"IAMUs', b"\xff\xfe\x00 not text"))
