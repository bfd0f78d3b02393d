"""CloudTrail's free-form objects: stored whole under the names detection content reads, a few leaves of them indexed."""

from __future__ import annotations

from functools import lru_cache

from service.normalise.fitting import Shape, names

REQUEST = names(
    "accessKeyId action alarmNames attribute attributeType bucketName certificateArn cidrIp clusterName cluster"
    " configurationRecorderName dBClusterIdentifier dBClusterSnapshotIdentifier dBInstanceIdentifier dBSnapshotIdentifier"
    " description detectorId documentName domainName dryRun durationSeconds enable externalId fromPort functionName"
    " gatewayId groupId groupName hostedZoneId id imageId instanceId instanceProfileName instanceType internetGatewayId"
    " ipProtocol key keyId keyName logGroupName logStreamName maxResults modelId name networkAclId networkInterfaceId"
    " newUserName pendingWindowInDays policyArn policyName principal principalArn publiclyAccessible queueUrl resourceArn"
    " retentionInDays roleArn roleName roleSessionName routeTableId ruleNumber s3BucketName secretId serialNumber"
    " sessionId snapshotId sourceIdentity streamName subnetId tableName target toPort topicArn trailName userName"
    " valuesToAdd volumeId vpcId webACLId withDecryption x-amz-acl includeGlobalServiceEvents isMultiRegionTrail kmsKeyId"
    " skipFinalSnapshot deletionProtection ruleAction reason omitted protocol aclProtocol includeDeprecated activate"
    " groupSet.items.groupId x-amz-server-side-encryption-customer-algorithm"
    " createVolumePermission.add.items.group createVolumePermission.add.items.userId"
    " launchPermission.add.items.group launchPermission.add.items.userId ipPermissions.items.ipProtocol"
    " ipPermissions.items.fromPort ipPermissions.items.toPort ipPermissions.items.ipRanges.items.cidrIp"
    " ipPermissions.items.ipv6Ranges.items.cidrIpv6 ipPermissions.items.groups.items.groupId instancesSet.items.instanceId"
    " instancesSet.items.imageId filterSet.items.name VersioningConfiguration.Status"
    " PublicAccessBlockConfiguration.BlockPublicAcls PublicAccessBlockConfiguration.BlockPublicPolicy"
    " PublicAccessBlockConfiguration.IgnorePublicAcls PublicAccessBlockConfiguration.RestrictPublicBuckets"
)
"""Request parameters that are indexed."""
RESPONSE = names(
    "ConsoleLogin SwitchRole CheckMfa accessKey.accessKeyId accessKey.status accessKey.userName assumedRoleUser.arn"
    " assumedRoleUser.assumedRoleId credentials.accessKeyId dBInstanceArn dBClusterArn detectorId functionArn groupId"
    " instancesSet.items.instanceId instancesSet.items.imageId instancesSet.items.currentState.name keyId keyMetadata.arn"
    " publiclyAccessible snapshotId stackId stackSetId topicArn trailARN user.arn user.userId user.userName"
    " virtualMFADevice.serialNumber keyFingerprint keyName credentials.expiration documentDescription.documentType"
)
"""Response elements that are indexed."""
ADDITIONAL = names(
    "AuthenticationMethod AuthWorkflowID bytesTransferredIn bytesTransferredOut CipherSuite CredentialType grantId"
    " LoginTo MFAIdentifier MFAUsed MobileVersion RedirectTo SignatureVersion SSEApplied SwitchFrom SwitchTo UserName"
)
"""Additional event data that is indexed."""
DETAILS = names("UserAuthentication CredentialVerification CredentialChallenge keyId snapshotId jobId jobArn status")
"""Service event details that are indexed."""
INSIGHT = names("state insightType eventName eventSource errorCode")
"""Insight details that are indexed."""

_REQUEST, _RESPONSE, _ADDITIONAL, _DETAILS, _INSIGHT = map(Shape, (REQUEST, RESPONSE, ADDITIONAL, DETAILS, INSIGHT))
_SHORT = 256
"""Characters of a text below which its pairs are remembered."""
Bodies = tuple[str | None, ...]


def cloudtrail_bodies(request: object, response: object, additional: object, details: object, insight: object) -> Bodies:
    """JSON text of request parameters, response elements, additional event data, service event and Insight details.

    Then the first four once more as ``{key=value, list=[a, b]}``, the text that public rules search for ``key=value``.
    """
    asked = _REQUEST.fit(request) if request else None
    answered = _RESPONSE.fit(response) if response else None
    added = _ADDITIONAL.fit(additional) if additional else None
    happened = _DETAILS.fit(details) if details else None
    return (
        asked,
        answered,
        added,
        happened,
        _INSIGHT.fit(insight) if insight else None,
        None if asked is None else as_pairs(asked),
        None if answered is None else as_pairs(answered),
        None if added is None else as_pairs(added),
        None if happened is None else as_pairs(happened),
    )


def as_pairs(text: str) -> str:
    """``{"a":"b","c":[1,2]}`` as ``{a=b, c=[1, 2]}``; only what stands between strings is touched, and quotes go."""
    return _known_pairs(text) if len(text) < _SHORT else _pairs(text)


def _pairs(text: str) -> str:
    escaped = "\\" in text
    if escaped:  # orjson has escaped these and, as \\u, the other control characters, which stay so
        text = text.replace("\\\\", "\0").replace('\\"', "\1")
    pieces = text.split('"')
    pieces[::2] = '"'.join(pieces[::2]).replace(":", "=").replace(",", ", ").split('"')
    text = "".join(pieces)
    if escaped:
        text = text.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").replace("\1", '"').replace("\0", "\\")
    return text


_known_pairs = lru_cache(maxsize=4096)(_pairs)
"""The same call is made again and again."""
