"""Objects find their dataset by their keys, as AWS lays them out, whatever is in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.decode.forwarded import Head, head_line
from service.event import Record, RecordBatch
from service.pipeline.load import load_pipelines
from service.route.router import Router, build_router

LOGS = "AWSLogs/111122223333"
ELB = f"p/{LOGS}/elasticloadbalancing/eu-central-1/2026/11/21"
KEYS = {
    f"{LOGS}/CloudTrail/eu-central-1/2026/11/21/111122223333_CloudTrail_eu-central-1_20261121T1000Z_x.json.gz": "aws.cloudtrail",
    "trail/AWSLogs/o-a1b2c3d4e5/111122223333/CloudTrail/us-east-1/2026/11/21/x.json.gz": "aws.cloudtrail",
    f"{LOGS}/CloudTrail-Insight/us-east-1/2026/11/21/x.json.gz": "aws.cloudtrail",
    f"{LOGS}/CloudTrail-NetworkActivity/us-east-1/2026/11/21/x.json.gz": "aws.cloudtrail",
    f"{LOGS}/CloudTrail-Digest/eu-central-1/2026/11/21/x.json.gz": "aws.cloudtrail_digest",
    f"{LOGS}/vpcflowlogs/eu-central-1/2026/11/21/111122223333_vpcflowlogs_eu-central-1_fl-1_x.log.gz": "aws.vpcflow",
    "AWSLogs/aws-account-id=111122223333/aws-service=vpcflowlogs/aws-region=eu-central-1/x.parquet": "aws.vpcflow",
    f"{ELB}/111122223333_elasticloadbalancing_eu-central-1_app.shop.1a2b_20261121T1000Z_192.0.2.1_x.log.gz": "aws.alb",
    f"{ELB}/conn_log.111122223333_elasticloadbalancing_eu-central-1_app.shop.1a2b_20261121T1000Z_x.log.gz": "aws.alb_connection",
    f"{ELB}/111122223333_elasticloadbalancing_eu-central-1_net.shop.1a2b_20261121T1000Z_x.log.gz": "aws.nlb",
    f"{ELB}/111122223333_elasticloadbalancing_eu-central-1_shop-old_20261121T1000Z_192.0.2.1_x.log": "aws.clb",
    f"{LOGS}/WAFLogs/eu-central-1/acl/2026/11/21/10/00/x.log.gz": "aws.waf",
    f"{LOGS}/Config/eu-central-1/2026/11/21/ConfigSnapshot/x.json.gz": "aws.config",
    f"{LOGS}/Config/eu-central-1/2026/11/21/ConfigHistory/x.json.gz": "aws.config",
    f"{LOGS}/GuardDuty/eu-central-1/2026/11/21/x.jsonl.gz": "aws.guardduty",
    f"{LOGS}/network-firewall/alert/eu-central-1/fw/2026/11/21/10/x.log.gz": "aws.networkfirewall",
    f"{LOGS}/network-firewall/tls/eu-central-1/fw/2026/11/21/10/x.log.gz": "aws.networkfirewall",
    f"{LOGS}/vpcdnsquerylogs/vpc-1/2026/11/21/x.log.gz": "aws.route53_resolver",
    f"{LOGS}/CloudFront/E1EXAMPLE12345.2026-11-21-10.x.gz": "aws.cloudfront",
    "cdn/E1EXAMPLE12345.2026-11-21-10.0a1b2c3d.gz": "aws.cloudfront",
    "aws/VPC_FLOW/2.0/region=eu-central-1/accountId=111122223333/eventDay=20261121/x.gz.parquet": "aws.securitylake",
    "ext/sensor/region=eu-central-1/accountId=111122223333/eventDay=20261121/x.parquet": "aws.securitylake",
    "s3/2026-11-21-10-00-00-0123456789ABCDEF": "aws.s3access",
    "s3/111122223333/eu-central-1/shop/2026/11/21/2026-11-21-10-00-00-0123456789ABCDEF": "aws.s3access",
}
UNKNOWN = [
    f"{ELB}/health_check_log.111122223333_elasticloadbalancing_eu-central-1_app.shop.1a2b_20261121T1000Z_x.log.gz",
    "reports/CloudTrail.log", "2026-11-21-10-00-00-0123456789abcdef.txt", "vpc.log",
]  # fmt: skip


@pytest.fixture(scope="module")
def router() -> Router:
    return build_router(load_pipelines(Path(__file__).parents[2] / "pipelines", None))


def claimed(router: Router, key: str, bucket: str = "logs") -> list[str]:
    head = Head(siem="forwarded/1", bucket=bucket, key=key, version="1", written=0, first=0, form="lines")
    batch = RecordBatch("shop", "prod", "audit", "shardId-0", [Record(head_line(head) + b"anything at all", "k", "1", 0, 5)])
    return list(router.route(batch).by_dataset)


@pytest.mark.parametrize(("key", "dataset"), KEYS.items(), ids=[f"{dataset}{n}" for n, dataset in enumerate(KEYS.values())])
def test_a_key_of_aws_decides(router: Router, key: str, dataset: str) -> None:
    assert claimed(router, key) == [dataset]


@pytest.mark.parametrize("key", UNKNOWN)
def test_any_other_key_leaves_it_to_the_content(router: Router, key: str) -> None:
    assert claimed(router, key) == []


def test_the_buckets_of_waf_have_its_name(router: Router) -> None:
    assert claimed(router, "any/key", "aws-waf-logs-shop") == ["aws.waf"]


def test_the_buckets_of_a_security_lake_have_its_name(router: Router) -> None:
    assert claimed(router, "any/key", "aws-security-data-lake-eu-central-1-0a1b2c") == ["aws.securitylake"]
