"""Which call explains a silence: every entry of causes.yml, with a call that does and calls that do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from service.silence.causes import Causes, load_causes
from service.silence.rhythm import HOUR_MS
from service.silence.source import ALL, Evidence, Source
from service.spans import moment

LAST_MS = 1_795_046_400_000
MINUTE = 60_000
PIPELINES = Path(__file__).resolve().parents[2] / "pipelines"


@pytest.fixture(scope="module")
def causes() -> Causes:
    return load_causes()


def hit(
    action: str, provider: str, minutes: float = 1, parameters: dict[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    call = {"eventName": action, "eventSource": provider, "requestParameters": parameters or {}}
    event = {"action": action, "provider": provider, "outcome": "success", "original": json.dumps(call)}
    at = moment(LAST_MS + round(minutes * MINUTE))
    return {
        "_id": f"id-{action}-{minutes}",
        "_index": "siem-aws.cloudtrail-shop-prod-2026.11",
        "_source": {"@timestamp": at, "event": event, "user": {"name": "mallory"}, "source": {"ip": "198.51.100.23"}, **fields},
    }


def found(causes: Causes, dataset: str, *hits: dict[str, Any], patience_ms: int = HOUR_MS) -> Evidence | None:
    return causes.most_likely(Source("shop", "prod", "audit", dataset), LAST_MS, patience_ms, hits)


@pytest.mark.parametrize(
    ("action", "provider", "parameters", "dataset"),
    [
        ("StopLogging", "cloudtrail", {"name": "org"}, "aws.cloudtrail"),
        ("DeleteTrail", "cloudtrail", {"name": "org"}, "aws.cloudtrail"),
        ("UpdateTrail", "cloudtrail", {"name": "org", "cloudWatchLogsLogGroupArn": ""}, "aws.cloudtrail"),
        ("PutEventSelectors", "cloudtrail", {"trailName": "org"}, "aws.cloudtrail"),
        ("DeleteFlowLogs", "ec2", {"DeleteFlowLogsRequest": {"FlowLogId": {"content": "fl-1"}}}, "aws.vpcflow"),
        ("DeleteDetector", "guardduty", {"detectorId": "d"}, "aws.guardduty"),
        ("UpdateDetector", "guardduty", {"detectorId": "d", "enable": False}, "aws.guardduty"),
        ("DisableRule", "events", {"name": "to-siem"}, "aws.guardduty"),
        ("DeleteResolverQueryLogConfig", "route53resolver", {"resolverQueryLogConfigId": "rqlc-1"}, "aws.route53_resolver"),
        (
            "UpdateClusterConfig",
            "eks",
            {"logging": {"clusterLogging": [{"types": ["audit"], "enabled": False}]}},
            "aws.eks_audit",
        ),
        (
            "ModifyLoadBalancerAttributes",
            "elasticloadbalancing",
            {"attributes": [{"key": "access_logs.s3.enabled", "value": "false"}]},
            "aws.alb",
        ),
        ("DeleteSubscriptionFilter", "logs", {"logGroupName": "trail"}, "aws.cloudtrail"),
        ("DeleteSubscriptionFilter", "logs", {"logGroupName": "auth"}, "system.auth"),
        ("DeleteLogGroup", "logs", {"logGroupName": "auth"}, ALL),
        ("DeleteStream", "kinesis", {"streamName": "audit"}, ALL),
        ("DeregisterStreamConsumer", "kinesis", {"consumerName": "siem"}, "aws.vpcflow"),
        ("DisableKey", "kms", {"keyId": "k"}, "aws.cloudtrail"),
        ("ScheduleKeyDeletion", "kms", {"keyId": "k"}, ALL),
        ("PutBucketPolicy", "s3", {"bucketName": "logs"}, "aws.alb"),
        ("DetachRolePolicy", "iam", {"roleName": "to-kinesis"}, "system.auth"),
    ],
)
def test_a_call_explains_the_silence_it_causes(
    causes: Causes, action: str, provider: str, parameters: dict[str, Any], dataset: str
) -> None:
    evidence = found(causes, dataset, hit(action, f"{provider}.amazonaws.com", parameters=parameters))
    assert evidence is not None
    assert (evidence.action, evidence.user, evidence.address) == (action, "mallory", "198.51.100.23")


@pytest.mark.parametrize(
    ("action", "provider", "parameters", "dataset"),
    [
        ("StopLogging", "cloudtrail", {}, "aws.vpcflow"),
        ("StopLogging", "redshift", {}, "aws.cloudtrail"),
        ("DeleteFlowLogs", "ec2", {}, "aws.cloudtrail"),
        ("UpdateDetector", "guardduty", {"enable": True}, "aws.guardduty"),
        ("UpdateDetector", "guardduty", {"findingPublishingFrequency": "SIX_HOURS"}, "aws.guardduty"),
        ("UpdateClusterConfig", "eks", {"logging": {"clusterLogging": [{"types": ["api"], "enabled": True}]}}, "aws.eks_audit"),
        (
            "ModifyLoadBalancerAttributes",
            "elasticloadbalancing",
            {"attributes": [{"key": "idle_timeout", "value": "60"}]},
            "aws.alb",
        ),
        ("RunInstances", "ec2", {}, ALL),
    ],
)
def test_a_call_that_silences_something_else_or_nothing_explains_nothing(
    causes: Causes, action: str, provider: str, parameters: dict[str, Any], dataset: str
) -> None:
    assert found(causes, dataset, hit(action, f"{provider}.amazonaws.com", parameters=parameters)) is None


def test_a_call_that_failed_explains_nothing(causes: Causes) -> None:
    failed = hit("StopLogging", "cloudtrail.amazonaws.com")
    failed["_source"]["event"]["outcome"] = "failure"
    assert found(causes, "aws.cloudtrail", failed) is None


def test_what_is_most_telling_wins_over_what_is_nearest(causes: Causes) -> None:
    near, telling = hit("PutRolePolicy", "iam.amazonaws.com", 0), hit("StopLogging", "cloudtrail.amazonaws.com", -7)
    assert found(causes, "aws.cloudtrail", near, telling) == found(causes, "aws.cloudtrail", telling)


def test_a_call_long_after_the_last_arrival_loses_to_one_at_that_time(causes: Causes) -> None:
    late, timely = hit("StopLogging", "cloudtrail.amazonaws.com", 170), hit("DeleteSubscriptionFilter", "logs.amazonaws.com", 2)
    evidence = found(causes, "aws.cloudtrail", late, timely)
    assert evidence is not None
    assert evidence.action == "DeleteSubscriptionFilter"
    # For a nightly source ten hours after its run are as good as any.
    nightly = found(
        causes, "aws.cloudtrail", hit("StopLogging", "cloudtrail.amazonaws.com", 300), timely, patience_ms=30 * HOUR_MS
    )
    assert nightly is not None
    assert nightly.action == "StopLogging"


def test_odd_documents_are_passed_over(causes: Causes) -> None:
    odd = hit("UpdateDetector", "guardduty.amazonaws.com", parameters={"enable": False})
    odd["_source"]["event"]["original"] = "{not json"
    bare = {"_id": "x", "_index": "y", "_source": {"@timestamp": 5, "event": {"action": ["StopLogging"]}}}
    assert found(causes, "aws.guardduty", odd, bare) is None


def test_the_samples_of_the_attack_hold_the_call(causes: Causes) -> None:
    expected = json.loads((PIPELINES / "aws.cloudtrail/samples/attack.expected.json").read_text())
    documents = expected["documents"]
    evidence = causes.most_likely(Source("local", "none", "local", "aws.cloudtrail"), LAST_MS, HOUR_MS, documents)
    assert evidence is not None
    assert evidence.action in {"StopLogging", "DeleteTrail"}
