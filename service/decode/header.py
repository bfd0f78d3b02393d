"""Header lines of columnar text: VPC flow logs in S3, W3C files with ``#Fields:``."""

from __future__ import annotations

import re

_DIRECTIVE = re.compile(r"#(Software|Version|Date|Fields|Remark|Start-Date|End-Date|GMT-Offset):[ \t]*(.*)", re.DOTALL)
_NAME = re.compile(r"[a-z][a-z0-9-]*")  # underscores, as Parquet has them, count as hyphens
_FLOW_COLUMNS = frozenset(
    [
        "version",
        "account-id",
        "interface-id",
        "srcaddr",
        "dstaddr",
        "srcport",
        "dstport",
        "protocol",
        "packets",
        "bytes",
        "start",
        "end",
        "action",
        "log-status",
        "vpc-id",
        "subnet-id",
        "instance-id",
        "tcp-flags",
        "type",
        "pkt-srcaddr",
        "pkt-dstaddr",
        "region",
        "az-id",
        "sublocation-type",
        "sublocation-id",
        "pkt-src-aws-service",
        "pkt-dst-aws-service",
        "flow-direction",
        "traffic-path",
        "ecs-cluster-arn",
        "ecs-cluster-name",
        "ecs-container-instance-arn",
        "ecs-container-instance-id",
        "ecs-container-id",
        "ecs-second-container-id",
        "ecs-service-name",
        "ecs-task-definition-arn",
        "ecs-task-arn",
        "ecs-task-id",
        "reject-reason",
        "resource-id",
        "resource-type",
        "tgw-id",
        "tgw-attachment-id",
        "tgw-src-vpc-account-id",
        "tgw-dst-vpc-account-id",
        "tgw-src-vpc-id",
        "tgw-dst-vpc-id",
        "tgw-src-subnet-id",
        "tgw-dst-subnet-id",
        "tgw-src-eni",
        "tgw-dst-eni",
        "tgw-src-az-id",
        "tgw-dst-az-id",
        "tgw-pair-attachment-id",
        "packets-lost-no-route",
        "packets-lost-blackhole",
        "packets-lost-mtu-exceeded",
        "packets-lost-ttl-expired",
        "encryption-status",
    ]
)
_WRAPPED = re.compile(r"(?:https?|h2|grpcs|wss?|tls)(?: [0-9.]{3})? \d{4}-\d\d-\d\dT[\d:.]{8,15}Z? (?:app|net)/\S+(?: \S+)? *")


def unwrapped(lines: list[str]) -> list[tuple[int, str]] | None:
    """Number and text of load balancer entries that somebody wrapped to fit a page, as AWS's guides do; None for all else."""
    if len(lines) < 2 or _WRAPPED.fullmatch(lines[0]) is None:
        return None
    entries: list[tuple[int, str]] = []
    for number, line in enumerate(lines):
        if _WRAPPED.fullmatch(line) is not None:
            entries.append((number, line.rstrip()))
        else:
            entries[-1] = (entries[-1][0], f"{entries[-1][1]} {line.strip()}")
    return entries


def directive(line: str) -> tuple[str, str] | None:
    """Name and value of a W3C directive (``#Fields: date time``), else None."""
    found = _DIRECTIVE.fullmatch(line)
    return (found[1], found[2].strip()) if found else None


def is_header(line: str) -> bool:
    """Whether the line names columns: distinct names, three or more of them columns of flow logs."""
    names = line.replace("_", "-").split()
    if len(names) < 3 or len(set(names)) < len(names) or not all(_NAME.fullmatch(name) for name in names):
        return False
    return len(_FLOW_COLUMNS.intersection(names)) >= min(4, len(names))
