"""What a CloudTrail call acted on, as entity ids by kind: users, hosts, services, anything else."""

from __future__ import annotations

from typing import Any

from service.normalise.fitting import names

_TARGETS: dict[str, dict[str, str]] = {
    "cloudformation": {"CreateStackSet": "response.stackSetId", "CreateStack": "response.stackId"},
    "cloudtrail": {"DeleteTrail StopLogging": "request.name", "DescribeTrails": "account"},
    "ec2-instance-connect": {"SendSSHPublicKey SendSerialConsoleSSHPublicKey": "request.instanceId"},
    "config": {
        "StopConfigurationRecorder StartConfigurationRecorder DeleteConfigurationRecorder": "request.configurationRecorderName"
    },
    "ec2": {
        "AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress": (
            "request.groupId response.securityGroupRuleSet.items.securityGroupRuleId"
        ),
        "RevokeSecurityGroupIngress RevokeSecurityGroupEgress DeleteSecurityGroup": "request.groupId",
        "CreateTrafficMirrorFilter": "response.CreateTrafficMirrorFilterResponse.trafficMirrorFilter.trafficMirrorFilterId",
        "CreateTrafficMirrorFilterRule": (
            "response.CreateTrafficMirrorFilterRuleResponse.trafficMirrorFilterRule.trafficMirrorFilterRuleId"
        ),
        "CreateTrafficMirrorSession": "response.CreateTrafficMirrorSessionResponse.trafficMirrorSession.trafficMirrorSessionId",
        "CreateTrafficMirrorTarget": "response.CreateTrafficMirrorTargetResponse.trafficMirrorTarget.trafficMirrorTargetId",
        "DeleteFlowLogs": "request.DeleteFlowLogsRequest.FlowLogId.content",
        "DeleteNetworkAcl": "request.networkAclId",
        "DeleteNetworkAclEntry": "request.networkAclId request.ruleNumber",
        "GetPasswordData ModifyInstanceAttribute": "request.instanceId",
        "RunInstances": "response.instancesSet.items.instanceId",
        "StartInstances StopInstances TerminateInstances RebootInstances": "request.instancesSet.items.instanceId",
        "ModifyImageAttribute": "request.imageId",
        "ModifySnapshotAttribute": "request.snapshotId",
        "DescribeSecurityGroups DescribeNetworkInterfaces DescribeRegions DescribeVpcs DescribeNetworkAcls DescribeVolumes": (
            "account"
        ),
    },
    "elasticfilesystem": {"DeleteFileSystem": "request.fileSystemId", "DeleteMountTarget": "request.mountTargetId"},
    "events": {"DeleteRule DisableRule": "request.name"},
    "guardduty": {"CreateDetector": "response.detectorId", "DeleteDetector UpdateDetector": "request.detectorId"},
    "iam": {
        "AttachGroupPolicy": "request.groupName",
        "AttachRolePolicy ListAttachedRolePolicies UpdateAssumeRolePolicy DetachRolePolicy PutRolePolicy DeleteRole": (
            "request.roleName"
        ),
        "AttachUserPolicy": "request.policyArn request.userName",
        "CreateAccessKey": "response.accessKey.accessKeyId request.userName",
        "DeleteAccessKey UpdateAccessKey": "request.accessKeyId request.userName",
        "CreateUser DeactivateMFADevice DeleteUser CreateLoginProfile UpdateLoginProfile": "request.userName",
        "DeleteVirtualMFADevice": "request.serialNumber",
        "GetPolicy": "request.policyArn",
        "CreatePolicy": "response.policy.arn",
        "CreateRole": "response.role.arn",
        "ListRoles ListUsers": "account",
    },
    "kms": {"DisableKey ScheduleKeyDeletion": "resources"},
    "lambda": {
        "AddPermission20150331v2 AddPermission20150331 AddPermission UpdateFunctionCode20150331v2": "request.functionName",
        "ListFunctions20150331 ListFunctions": "account",
    },
    "logs": {"DeleteLogGroup PutRetentionPolicy": "request.logGroupName", "DeleteLogStream": "request.logStreamName"},
    "monitoring": {"DeleteAlarms DisableAlarmActions": "request.alarmNames"},
    "rds": {
        "DeleteDBCluster ModifyDBCluster StopDBCluster": "response.dBClusterArn",
        "DeleteDBInstance ModifyDBInstance RestoreDBInstanceFromDBSnapshot RestoreDBInstanceFromS3 StopDBInstance": (
            "response.dBInstanceArn"
        ),
        "DeleteGlobalCluster": "response.globalClusterArn",
        "ModifyDBClusterSnapshotAttribute": "response.dBClusterSnapshotIdentifier",
        "ModifyDBSnapshotAttribute": "response.dBSnapshotIdentifier",
        "DescribeDBInstances": "account",
    },
    "rolesanywhere": {"CreateTrustAnchor": "response.trustAnchor.trustAnchorArn"},
    "route53resolver": {"DeleteResolverQueryLogConfig": "response.resolverQueryLogConfig.arn"},
    "s3": {
        "CopyObject PutBucketLogging PutBucketVersioning PutObject GetBucketPolicy ListObjects HeadObject GetObject"
        " DeleteObject"
        " DeleteBucket PutBucketPolicy DeleteBucketPolicy PutBucketAcl PutBucketPublicAccessBlock": "resources",
        "PutBucketReplication": "resources request.ReplicationConfiguration.Rule.Destination.Bucket",
        "ListBuckets": "account",
    },
    "secretsmanager": {
        "BatchGetSecretValue": "request.secretIdList",
        "GetSecretValue DeleteSecret": "request.secretId",
    },
    "signin": {"ConsoleLogin": "account"},
    "ssm": {
        "GetParameter GetParameters CreateControlChannel OpenControlChannel": "resources",
        "StartSession": "request.target",
        "CreateDocument": "request.name",
        "TerminateSession OpenDataChannel ResumeSession": "request.sessionId",
        "SendCommand": "request.instanceIds request.targets.values",
        "ListInstanceAssociations": "account",
    },
    "sts": {
        "AssumeRole AssumeRoleWithSAML AssumeRoleWithWebIdentity": "request.roleArn",
        "GetCallerIdentity": "account",
    },
    "wafv2": {"DeleteRuleGroup DeleteWebACL": "request.id"},
    "sns": {"CreateTopic": "response.topicArn", "Subscribe Publish DeleteTopic": "request.topicArn"},
    "bedrock": {"Converse ConverseStream InvokeModel InvokeModelWithResponseStream": "request.modelId"},
    "elasticloadbalancing": {"DescribeLoadBalancers": "account"},
    "dynamodb": {"ListTables": "account"},
}
_PATHS: dict[tuple[str, str], tuple[tuple[str, ...], ...]] = {
    (f"{service}.amazonaws.com", name): tuple(tuple(path.split(".")) for path in paths.split())
    for service, actions in _TARGETS.items()
    for together, paths in actions.items()
    for name in together.split()
}
_USERS = frozenset({"assumed-role", "federated-user", "instance-profile", "mfa", "role", "user"})
_HOSTS = frozenset({"instance"})
_SERVICES = frozenset(
    names(
        "alarm cluster configuration-recorder db detector dhcp-options document file-system function global-cluster"
        " group ipset key loadbalancer log-group log-stream model mount-target network-acl network-interface parameter"
        " policy resolver-query-log-config rule rulegroup secret security-group session stack stack-set subnet table"
        " topic trail trust-anchor vpc webacl"
    )
)
_SERVICE_IDS = ("sg-", "sgr-", "eni-", "vpc-", "subnet-", "acl-", "rtb-", "igw-", "nat-", "vpce-", "tgw-", "pcx-")
_ACCOUNT_ONLY = (("account",),)
_MOST = 50
Targets = tuple[list[str] | None, list[str] | None, list[str] | None, list[str] | None]
_NONE: Targets = (None, None, None, None)


def cloudtrail_targets(
    provider: Any,
    action: Any,
    request: Any,
    response: Any,
    resources: Any,
    account: Any,
) -> Targets:
    """Ids of the users, hosts, services and other things that the call was about; None for calls not in the table."""
    if provider.__class__ is not str or action.__class__ is not str:
        return _NONE
    paths = _PATHS.get((provider, action))
    if paths is None:
        return _NONE
    if paths == _ACCOUNT_ONLY:
        return (None, None, None, [account]) if account.__class__ is str and account else _NONE
    found: list[str] = []
    for path in paths:
        match path[0]:
            case "request":
                _collect(request, path, 1, found)
            case "response":
                _collect(response, path, 1, found)
            case "resources":
                _collect(resources, ("", "ARN"), 1, found)
            case _:
                _collect(account, (), 0, found)
    if found == ["*"]:
        # A command for every instance is one for the account.
        found = [account] if account.__class__ is str else []
    kinds: dict[str, list[str]] = {}
    for target in dict.fromkeys(found[:_MOST]):
        kinds.setdefault(_kind(target), []).append(target)
    return kinds.get("user"), kinds.get("host"), kinds.get("service"), kinds.get("other")


def cloudtrail_actor_entity(
    action: Any, kind: Any, arn: Any, issuer_arn: Any, invoked_by: Any, behalf: Any
) -> tuple[str | None, str | None, str | None]:
    """Entity id of whoever acted: as a user, as a service, or as neither. Who assumes a role from a role is that role."""
    if kind == "AWSService":
        return None, invoked_by if invoked_by.__class__ is str else None, None
    actor = issuer_arn if action == "AssumeRole" and kind == "AssumedRole" else None
    actor = actor or arn or behalf
    if actor.__class__ is not str or not actor:
        return None, None, None
    if "/AWSServiceRoleFor" in actor or "/aws-service-role/" in actor:
        return None, actor, None
    if kind in ("IAMUser", "AssumedRole", "Root") or _kind(actor) == "user":
        return actor, None, None
    return None, None, actor


def _collect(value: Any, path: tuple[str, ...], at: int, found: list[str]) -> None:
    for index in range(at, len(path)):
        if value.__class__ is list:
            for each in value[:_MOST]:
                _collect(each, path, index, found)
            return
        if value.__class__ is not dict:
            return
        value = value.get(path[index])
    if value.__class__ is list:
        found.extend(each for each in value if each.__class__ is str and each)
    elif value.__class__ is str and value:
        found.append(value)
    elif value.__class__ is int:
        found.append(str(value))


def _kind(target: str) -> str:
    if target.startswith("arn:"):
        parts = target.split(":")
        if len(parts) < 6:
            return "other"
        if "/AWSServiceRoleFor" in target or "/aws-service-role/" in target:
            return "service"
        resource = parts[5].split("/", 1)[0]
        if resource in _USERS:
            return "user"
        if resource in _HOSTS:
            return "host"
        return "service" if resource in _SERVICES or parts[2] == "s3" else "other"
    if len(target) == 20 and target.startswith(("AKIA", "ASIA")):
        return "user"
    if target.startswith("i-"):
        return "host"
    return "service" if target.startswith(_SERVICE_IDS) else "other"
