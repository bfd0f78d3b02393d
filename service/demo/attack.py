"""A scripted attack on pay prod: a stolen key, a look around, more rights, the trail switched off, data carried away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from service.demo.api_calls import record
from service.demo.logs import finding_of
from service.demo.projects import ATTACKER, PROJECTS, DemoProject

VICTIM = PROJECTS[2]
KEY = "AKIAIOSFODNN7STOLEN1"
_AGENT = "aws-cli/1.32.0 Python/3.11 Linux/6.5.0 exe/x86_64.debian.12"


@dataclass(frozen=True, slots=True)
class Move:
    """One step: at which part of the show (0 to 1), what people are told, and the event it leaves."""

    at: float
    story: str
    dataset: str
    make: Callable[[Random, DemoProject, int], str]
    raises: tuple[str, ...] = ()
    """Titles of the rules that must find it."""


def _call(
    service: str, name: str, request: dict[str, object] | None, *, read: bool = False, error: str | None = None
) -> Callable[[Random, DemoProject, int], str]:
    def make(rng: Random, project: DemoProject, now_ms: int) -> str:
        who = {
            "type": "IAMUser", "principalId": "AIDASETTLEMENTBOT00", "arn": f"arn:aws:iam::{project.account}:user/settlement-bot",
            "accountId": project.account, "accessKeyId": KEY, "userName": "settlement-bot",
        }  # fmt: skip
        return record(
            rng, project, now_ms, f"{service}.amazonaws.com", name, read_only=read, who=who, source=ATTACKER, agent=_AGENT,
            request=request, error=error,
        )  # fmt: skip

    return make


def _exfiltration(_: Random, project: DemoProject, now_ms: int) -> str:
    now = now_ms // 1000
    return (
        f"2 {project.account} eni-0feedfacecafebeef 10.0.7.7 {ATTACKER} 443 50123 6 910000 1270000000 {now - 60} {now} ACCEPT OK"
    )


def _alarm(rng: Random, project: DemoProject, now_ms: int) -> str:
    kind = "UnauthorizedAccess:IAMUser/MaliciousIPCaller.Custom"
    return finding_of(rng, project, now_ms, kind, 8.0, "API calls from an address on a threat list.", ATTACKER)


MOVES: tuple[Move, ...] = (
    Move(0.25, "a stolen access key is tried from 198.51.100.66", "aws.cloudtrail", _call("sts", "GetCallerIdentity", None, read=True), ("API Call From a Listed Address",)),
    Move(0.30, "recon: who is here?", "aws.cloudtrail", _call("iam", "ListUsers", None, read=True)),
    Move(0.33, "recon: which buckets?", "aws.cloudtrail", _call("s3", "ListBuckets", None, read=True)),
    Move(0.36, "recon: refused", "aws.cloudtrail",
         _call("organizations", "ListAccounts", None, read=True, error="AccessDenied")),
    Move(0.42, "privilege escalation: a new access key for an administrator", "aws.cloudtrail",
         _call("iam", "CreateAccessKey", {"userName": "erin"}), ("Access Key Created for Another User",)),
    Move(0.46, "privilege escalation: AdministratorAccess attached", "aws.cloudtrail",
         _call("iam", "AttachUserPolicy",
               {"userName": "settlement-bot", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}),
         ("Administrator Policy Attached", "IAM Policy Changed")),
    Move(0.55, "defence evasion: CloudTrail is stopped", "aws.cloudtrail",
         _call("cloudtrail", "StopLogging", {"name": "arn:aws:cloudtrail:eu-central-1:444455556666:trail/main"}),
         ("CloudTrail Stopped or Deleted",)),
    Move(0.58, "defence evasion: the GuardDuty detector is deleted", "aws.cloudtrail",
         _call("guardduty", "DeleteDetector", {"detectorId": "1234"}), ("GuardDuty Disabled or Member Removed",)),
    Move(0.66, "exfiltration: a snapshot is shared with a foreign account", "aws.cloudtrail",
         _call("rds", "ModifyDBSnapshotAttribute",
               {"dBSnapshotIdentifier": "ledger-final", "attributeName": "restore", "valuesToAdd": ["999988887777"]}),
         ("RDS Snapshot Shared or Public",)),
    Move(0.72, "exfiltration: 1.3 GB leave to 198.51.100.66", "aws.vpcflow", _exfiltration,
         ("Large Flow to the Internet", "Flow to or From a Listed Address Accepted")),
    Move(0.75, "GuardDuty raises a finding", "aws.guardduty", _alarm),
)  # fmt: skip
