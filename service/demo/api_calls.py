"""CloudTrail records, as every day brings them."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from service.demo.projects import SDKS, DemoProject, identifier, iso, uuid, visitor

_CALLS: tuple[tuple[str, str, bool, dict[str, Any] | None], ...] = (
    ("ec2.amazonaws.com", "DescribeInstances", True, {"instancesSet": {}, "filterSet": {}}),
    ("s3.amazonaws.com", "GetObject", True, {"bucketName": "shop-assets", "key": "img/logo.png"}),
    ("s3.amazonaws.com", "PutObject", False, {"bucketName": "shop-invoices", "key": "2026/11/invoice.pdf"}),
    ("sts.amazonaws.com", "AssumeRole", True, {"roleSessionName": "worker", "durationSeconds": 3600}),
    ("dynamodb.amazonaws.com", "DescribeTable", True, {"tableName": "orders"}),
    ("kms.amazonaws.com", "Decrypt", True, {"encryptionAlgorithm": "SYMMETRIC_DEFAULT"}),
    ("lambda.amazonaws.com", "Invoke", False, {"functionName": "resize-images"}),
    ("logs.amazonaws.com", "CreateLogStream", False, {"logGroupName": "/aws/lambda/resize-images"}),
    ("ecr.amazonaws.com", "BatchGetImage", True, {"repositoryName": "web"}),
    ("secretsmanager.amazonaws.com", "GetSecretValue", True, {"secretId": "prod/db"}),
    ("elasticloadbalancing.amazonaws.com", "DescribeTargetHealth", True, None),
    ("iam.amazonaws.com", "ListRoles", True, None),
)


_INSTANCES = 60
"""Machines that work under one role: their sessions come again and again."""


def identity(rng: Random, project: DemoProject, now_ms: int) -> dict[str, Any]:
    """Somebody of the project: mostly roles at work, sometimes a person."""
    account = project.account
    if rng.random() < 0.2:
        name = rng.choice(project.people)
        return {
            "type": "IAMUser", "principalId": f"AIDA{name.upper():0<16.16}", "arn": f"arn:aws:iam::{account}:user/{name}",
            "accountId": account, "accessKeyId": "AKIAIOSFODNN7EXAMPLE", "userName": name,
        }  # fmt: skip
    role = rng.choice(project.roles)
    session = f"i-0{identifier(Random(f'{project.name} {role} {rng.randrange(_INSTANCES)}'), 16)}"
    return {
        "type": "AssumedRole", "principalId": f"AROA{role.upper():0<16.16}:{session}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{session}", "accountId": account, "accessKeyId": "ASIAIOSFODNN7EXAMPLE",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role", "principalId": f"AROA{role.upper():0<16.16}", "arn": f"arn:aws:iam::{account}:role/{role}",
                "accountId": account, "userName": role,
            },
            "attributes": {"creationDate": iso(now_ms - 900_000), "mfaAuthenticated": "false"},
        },
    }  # fmt: skip


def record(
    rng: Random,
    project: DemoProject,
    now_ms: int,
    service: str,
    name: str,
    *,
    read_only: bool,
    who: dict[str, Any],
    source: str,
    agent: str,
    request: dict[str, Any] | None = None,
    response: dict[str, Any] | None = None,
    error: str | None = None,
    **more: Any,
) -> str:
    """One CloudTrail record as JSON text; ``more`` are further top-level keys."""
    made: dict[str, Any] = {
        "eventVersion": "1.11", "userIdentity": who, "eventTime": iso(now_ms), "eventSource": service, "eventName": name,
        "awsRegion": project.region, "sourceIPAddress": source, "userAgent": agent, "requestParameters": request,
        "responseElements": response, "requestID": uuid(rng), "eventID": uuid(rng), "readOnly": read_only,
        "eventType": "AwsApiCall", "managementEvent": True, "recipientAccountId": project.account, "eventCategory": "Management",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": service.replace(".amazonaws.com", f".{project.region}.amazonaws.com"),
        },
    }  # fmt: skip
    if source.startswith("10."):  # an address inside of a network is only ever seen through its endpoint
        made |= {"vpcEndpointId": f"vpce-0{project.account}abcd", "vpcEndpointAccountId": project.account}
    if error is not None:
        made |= {
            "errorCode": error,
            "errorMessage": f"User: {who.get('arn')} is not authorized to perform: {service.split('.')[0]}:{name}",
        }
    return json.dumps(made | more, separators=(",", ":"))


def api_call(rng: Random, project: DemoProject, now_ms: int) -> str:
    """An everyday call; three in a hundred are refused."""
    service, name, read_only, request = rng.choice(_CALLS)
    who = identity(rng, project, now_ms)
    source = visitor(rng) if who["type"] == "IAMUser" else f"10.0.0.{rng.randrange(4, 250)}"
    error = "AccessDenied" if rng.random() < 0.03 else None
    return record(
        rng, project, now_ms, service, name, read_only=read_only, who=who, source=source, agent=rng.choice(SDKS), request=request,
        error=error,
    )  # fmt: skip
