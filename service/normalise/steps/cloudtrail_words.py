"""What the words of CloudTrail event names mean in ECS: names with a fixed meaning, verbs, services.

ECS allows only some types for each category, so creating and deleting things that live in a category without
``creation`` (a network, a host, a database) is a change of configuration. Where the Elastic integration gives a name a
category we give the same one: detection content was written against it.
"""

from __future__ import annotations

Meaning = tuple[str, tuple[str, ...]]
"""ECS event.category and event.type."""

_NAMES: dict[Meaning, str] = {
    ("iam", ("user", "creation")): "CreateUser AdminCreateUser CreateServiceLinkedUser SignUp",
    ("iam", ("user", "deletion")): "DeleteUser AdminDeleteUser",
    ("iam", ("user", "change")): (
        "ChangePassword CreateAccessKey DeleteAccessKey UpdateAccessKey CreateVirtualMFADevice DeleteVirtualMFADevice"
        " DeactivateMFADevice EnableMFADevice ResyncMFADevice UploadSSHPublicKey DeleteSSHPublicKey UpdateSSHPublicKey"
        " CreateLoginProfile DeleteLoginProfile UpdateLoginProfile AttachUserPolicy DetachUserPolicy PutUserPolicy"
        " DeleteUserPolicy PutUserPermissionsBoundary DeleteUserPermissionsBoundary TagUser UntagUser UpdateUser"
        " UploadSigningCertificate UpdateSigningCertificate DeleteSigningCertificate CreateServiceSpecificCredential"
        " DeleteServiceSpecificCredential ResetServiceSpecificCredential UpdateServiceSpecificCredential"
        " AdminSetUserPassword AdminResetUserPassword AdminDisableUser AdminEnableUser ForgotPassword"
        " ConfirmForgotPassword PasswordUpdated"
    ),
    ("iam", ("user", "info")): (
        "GetUser GetUserPolicy ListAttachedUserPolicies ListGroupsForUser ListUserPolicies ListUsers ListUserTags"
        " ListAccessKeys GetAccessKeyLastUsed GetLoginProfile ListMFADevices ListVirtualMFADevices ListSSHPublicKeys"
        " GetSSHPublicKey ListSigningCertificates ListServiceSpecificCredentials"
    ),
    ("iam", ("group", "creation")): "CreateGroup",
    ("iam", ("group", "deletion")): "DeleteGroup",
    ("iam", ("group", "change")): (
        "AddUserToGroup RemoveUserFromGroup AttachGroupPolicy DetachGroupPolicy PutGroupPolicy DeleteGroupPolicy"
        " UpdateGroup AdminAddUserToGroup AdminRemoveUserFromGroup CreateGroupMembership DeleteGroupMembership"
    ),
    ("iam", ("group", "info")): "GetGroup GetGroupPolicy ListAttachedGroupPolicies ListGroupPolicies ListGroups",
    ("iam", ("admin", "creation")): (
        "CreateKeyPair CreateRole CreateServiceLinkedRole CreateInstanceProfile CreateSAMLProvider"
        " CreateOpenIDConnectProvider CreateAccount CreateGovCloudAccount CreateOrganization CreateTrustAnchor"
        " CreateProfile CreatePermissionSet CreateAccountAssignment CreateAccountAlias ImportKeyPair"
    ),
    ("iam", ("admin", "deletion")): (
        "DeleteRole DeleteServiceLinkedRole DeleteInstanceProfile DeleteSAMLProvider DeleteOpenIDConnectProvider"
        " DeleteKeyPair DeleteOrganization DeleteTrustAnchor DeletePermissionSet DeleteAccountAssignment"
        " DeleteAccountAlias CloseAccount DeleteAccountPasswordPolicy"
    ),
    ("iam", ("admin", "change")): (
        "SetDefaultPolicyVersion SetSecurityTokenServicePreferences UpdateAccountPasswordPolicy UpdateRole"
        " UpdateRoleDescription UpdateAssumeRolePolicy AddRoleToInstanceProfile RemoveRoleFromInstanceProfile"
        " PutRolePermissionsBoundary DeleteRolePermissionsBoundary UpdateSAMLProvider AddClientIDToOpenIDConnectProvider"
        " UpdateOpenIDConnectProviderThumbprint LeaveOrganization InviteAccountToOrganization"
        " RemoveAccountFromOrganization AssociateIamInstanceProfile DisassociateIamInstanceProfile"
        " ReplaceIamInstanceProfileAssociation EnableOrganizationAdminAccount EnableOrganizationsRootCredentialsManagement"
        " EnableOrganizationsRootSessions"
    ),
    ("iam", ("creation",)): "CreatePolicy CreatePolicyVersion",
    ("iam", ("deletion",)): "DeletePolicy DeletePolicyVersion DeleteRolePolicy",
    ("iam", ("change",)): "AttachRolePolicy DetachRolePolicy PutRolePolicy AttachPolicy DetachPolicy TagRole UntagRole",
    ("iam", ("info",)): (
        "GetPolicy GetPolicyVersion GetRole GetRolePolicy ListAttachedRolePolicies ListRolePolicies ListRoles"
        " ListPolicies ListPolicyVersions ListEntitiesForPolicy GetAccountAuthorizationDetails GetAccountSummary"
        " GetAccountPasswordPolicy GetCredentialReport GenerateCredentialReport SimulatePrincipalPolicy"
        " SimulateCustomPolicy"
    ),
    ("authentication", ("info",)): (
        "AssumeRole AssumeRoleWithSAML AssumeRoleWithWebIdentity AssumeRoot GetFederationToken GetSessionToken"
        " GetCallerIdentity DecodeAuthorizationMessage ConsoleLogin CheckMfa SwitchRole RenewRole UserAuthentication"
        " CredentialVerification CredentialChallenge Authenticate Federate GetSigninToken GetAuthorizationToken"
        " GetWebIdentityToken InitiateAuth AdminInitiateAuth RespondToAuthChallenge AdminRespondToAuthChallenge"
        " CreateSession CreateToken GetRoleCredentials PasswordRecoveryRequested PasswordRecoveryCompleted EmailUpdated"
    ),
    ("authentication", ("end",)): "Logout ExitRole GlobalSignOut AdminUserGlobalSignOut SignOut RevokeToken",
    ("session", ("start",)): (
        "StartSession ResumeSession CreateControlChannel OpenControlChannel CreateDataChannel OpenDataChannel"
        " SendSSHPublicKey SendSerialConsoleSSHPublicKey OpenTunnel StartChatSession"
    ),
    ("session", ("end",)): "TerminateSession CloseTunnel",
    ("process", ("start",)): (
        "SendCommand Invoke InvokeAsync InvokeExecution InvokeFunction RunTask StartTask ExecuteCommand"
        " StartAutomationExecution StartExecution StartSyncExecution StartBuild StartJobRun SubmitJob RunJobFlow"
        " StartProcessingJob CreateTrainingJob"
    ),
    (
        "process",
        ("end",),
    ): "CancelCommand StopTask StopExecution StopAutomationExecution StopBuild TerminateJob CancelJob",
    ("network", ("access",)): "AuthorizeSecurityGroupIngress",
    (
        "network",
        ("info",),
    ): "DescribeLoadBalancers DescribeNetworkAcls DescribeNetworkInterfaces DescribeSecurityGroups DescribeVpcs",
    ("host", ("start",)): "RunInstances StartInstances CreateFleet RequestSpotInstances RequestSpotFleet",
    (
        "host",
        ("end",),
    ): "StopInstances TerminateInstances TerminateInstanceInAutoScalingGroup CancelSpotInstanceRequests",
    ("host", ("info",)): "DescribeInstances DescribeVolumes ListInstanceAssociations DescribeInstanceInformation",
    ("host", ("access",)): "GetPasswordData GetConsoleOutput GetConsoleScreenshot",
    (
        "host",
        ("change",),
    ): "RebootInstances ModifyInstanceAttribute ModifyInstanceMetadataOptions MonitorInstances UnmonitorInstances",
    ("file", ("creation",)): "CreateBucket CreateDocument CreateMultipartUpload RestoreObject",
    ("file", ("deletion",)): "DeleteBucket DeleteObject DeleteObjects AbortMultipartUpload DeleteObjectVersion",
    (
        "file",
        ("change",),
    ): "PutObject CopyObject CompleteMultipartUpload UploadPart UploadPartCopy PutObjectAcl PutObjectTagging",
    ("file", ("info",)): (
        "GetObject HeadObject HeadBucket ListBuckets ListObjects ListObjectsV2 ListObjectVersions GetObjectAcl"
        " GetObjectTagging GetObjectAttributes SelectObjectContent GetObjectTorrent"
    ),
    ("configuration", ("creation",)): "CreateTopic",
    ("configuration", ("deletion",)): "DeleteTrail",
    (
        "configuration",
        ("change",),
    ): (
        "CreateTags DeleteTags Subscribe Unsubscribe ConfirmSubscription StopLogging StartLogging AddPermission RemovePermission"
    ),
    ("configuration", ("info",)): "DescribeTrails LookupEvents",
    ("database", ("info",)): "DescribeDBInstances ListTables",
    ("database", ("access",)): (
        "GetItem BatchGetItem Query Scan TransactGetItems ExecuteStatement BatchExecuteStatement StartQueryExecution"
        " GetQueryResults GetStatementResult DownloadDBLogFilePortion DownloadCompleteDBLogFile PartiQLSelect"
    ),
    ("database", ("change",)): "PutItem UpdateItem DeleteItem BatchWriteItem TransactWriteItems ImportTable",
    ("package", ("info",)): "ListFunctions",
    ("package", ("access",)): "BatchGetImage GetDownloadUrlForLayer GetPackageVersionAsset",
    ("package", ("change",)): "PutImage CompleteLayerUpload UploadLayerPart PublishPackageVersion",
    ("api", ("info",)): "DescribeRegions DescribeAvailabilityZones",
    ("api", ("access",)): (
        "Converse ConverseStream InvokeModel InvokeModelWithResponseStream InvokeAgent InvokeEndpoint Publish"
        " PublishBatch Decrypt Encrypt ReEncrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateDataKeyPair"
        " GenerateMac VerifyMac Sign Verify GenerateRandom GetSecretValue BatchGetSecretValue GetParameter GetParameters"
        " GetParametersByPath GetParameterHistory SendMessage SendMessageBatch ReceiveMessage DeleteMessage PutRecord"
        " PutRecords GetRecords PutEvents PutLogEvents GetLogEvents FilterLogEvents StartQuery SendEmail SendRawEmail"
    ),
}
NAMES: dict[str, Meaning] = {name: meaning for meaning, names in _NAMES.items() for name in names.split()}
"""Event name → meaning, whatever the service."""

_VERBS = {
    "info": (
        "Get List Describe Head Lookup Search View Check Test Validate Estimate Preview Simulate Discover Filter Count"
        " Poll Read Detect Is Has Show Verify Lint Evaluate Predict Calculate Compare Locate Peek Resolve"
    ),
    "access": (
        "Retrieve Download Export Receive Query Scan Select Invoke Decrypt Encrypt Generate Translate Synthesize Recognize Use"
    ),
    "creation": (
        "Create Register Allocate Import Request Copy Upload Issue Provision Launch Clone Initiate Purchase Build Generate Post"
    ),
    "deletion": "Delete Deregister Release Purge Destroy Abort Discard Deprovision Unregister Drop Erase Forget Remove",
    "start": "Start Run Resume Execute Submit Open Connect Begin",
    "end": "Stop Terminate Cancel Close End Disconnect Kill Finish Shutdown",
    "change": (
        "Put Update Modify Attach Detach Associate Disassociate Enable Disable Set Reset Tag Untag Add Replace Authorize"
        " Revoke Restore Change Accept Reject Apply Activate Deactivate Archive Unarchive Assign Unassign Configure Move"
        " Rotate Schedule Send Suspend Reboot Promote Failover Merge Complete Confirm Increase Decrease Switch Share"
        " Unshare Grant Swap Sync Notify Write Upgrade Downgrade Invite Leave Transfer Transition Split Enroll Unlink Link"
        " Lock Unlock Block Unblock Publish Rename Replicate Refresh Respond Report Record Mark Retire Backtrack Rollback"
        " Reorder Resize Scale Signal Unsubscribe Subscribe Continue Pause Retry Redrive Untrack Track Decline Approve"
        " Deny Override Exit Join"
    ),
}
VERBS: dict[str, str] = {verb: effect for effect, verbs in _VERBS.items() for verb in verbs.split()}
"""First word of an event name → effect: info, access, creation, deletion, change, start or end."""
PREFIXES = frozenset({"Batch", "Admin", "Bulk", "Force", "Internal", "Async", "Safe", "Multi"})
"""First words that only qualify the verb behind them."""

_FAMILIES = {
    "iam": (
        "iam organizations identitystore sso sso-directory cognito-idp cognito-identity rolesanywhere access-analyzer"
        " ram account verifiedpermissions"
    ),
    "authentication": "sts signin sso-oauth portal oauth",
    "file": (
        "s3 s3express s3-outposts s3-object-lambda glacier elasticfilesystem fsx storagegateway datasync ebs backup"
        " transfer workdocs codecommit"
    ),
    "database": (
        "rds rds-data dynamodb redshift redshift-data redshift-serverless elasticache memorydb es opensearch aoss"
        " docdb docdb-elastic neptune neptune-db timestream athena qldb cassandra dax sdb dsql"
    ),
    "network": (
        "elasticloadbalancing route53 route53resolver route53domains directconnect networkmanager network-firewall"
        " vpc-lattice globalaccelerator cloudfront waf waf-regional wafv2 shield apigateway appmesh servicediscovery"
    ),
    "package": "ecr ecr-public codeartifact",
    "ec2": "ec2",
    "host": "ssm ec2-instance-connect autoscaling lightsail workspaces imagebuilder appstream ec2messages ssmmessages",
    "api": (
        "bedrock bedrock-runtime sagemaker sqs kinesis firehose rekognition comprehend polly translate textract"
        " transcribe q lex connect ses tax invoicing ce health support trustedadvisor servicequotas resource-"
        " explorer-2 tagging pricing"
    ),
}
FAMILIES: dict[str, str] = {service: family for family, services in _FAMILIES.items() for service in services.split()}
"""Service (``ec2``) → family of meanings; every other service is configuration."""

NETWORK_WORDS = (
    "Vpc",
    "Subnet",
    "SecurityGroup",
    "NetworkAcl",
    "NetworkInterface",
    "Route",
    "Gateway",
    "Address",
    "FlowLog",
    "Vpn",
    "Peering",
    "TrafficMirror",
    "TransitGateway",
    "DhcpOptions",
    "ClientVpn",
    "PrefixList",
    "NetworkInsights",
    "CarrierGateway",
    "Ipam",
    "Endpoint",
)
"""Parts of EC2 event names that are about networks, not hosts."""
CONFIGURED_PARTS = (
    "Bucket",
    "PublicAccessBlock",
    "Configuration",
    "Parameter",
    "Image",
    "Snapshot",
    "Policy",
    "Maintenance",
    "Access",
)
"""Parts of file, host and database services whose change is one of configuration, not of a file or a host."""
