"""CloudTrail's free-form objects: stored whole under the names detection content reads, a few leaves of them indexed."""

from __future__ import annotations

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
    " skipFinalSnapshot deletionProtection createVolumePermission.add.items.group createVolumePermission.add.items.userId"
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
    " virtualMFADevice.serialNumber keyFingerprint keyName"
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
Bodies = tuple[str | None, str | None, str | None, str | None, str | None]


def cloudtrail_bodies(request: object, response: object, additional: object, details: object, insight: object) -> Bodies:
    """JSON text of request parameters, response elements, additional event data, service event and Insight details."""
    return (
        _REQUEST.fit(request) if request else None,
        _RESPONSE.fit(response) if response else None,
        _ADDITIONAL.fit(additional) if additional else None,
        _DETAILS.fit(details) if details else None,
        _INSIGHT.fit(insight) if insight else None,
    )
