"""Logs of hosts: one log group holds what belongs to several datasets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service.event import Record, RecordBatch
from service.pipeline.load import load_pipelines
from service.route.router import Router, build_router

ROOT = Path(__file__).parents[2]
HEAD = "Jan 14 09:12:33 ip-10-0-3-7 "


@pytest.fixture(scope="module")
def router() -> Router:
    return build_router(load_pipelines(ROOT / "pipelines"))


def dataset_of(router: Router, group: str | None, text: str, stream: str = "i-0a1b2c3d4e5f60718") -> str | None:
    if group is None:
        return router.route_text(text.encode()).pieces[0].dataset
    message = {
        "messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": group, "logStream": stream,
        "logEvents": [{"id": "1", "timestamp": 1768381953000, "message": text}],
    }  # fmt: skip
    record = Record(json.dumps(message).encode(), "k", "1", 0, 1768381953000)
    (found,) = router.route(RecordBatch("shop", "prod", "s", "shardId-000000000000", [record])).by_dataset
    return found


AUTH = [
    HEAD + "sshd[2011]: Accepted publickey for ec2-user from 198.51.100.23 port 51022 ssh2",
    HEAD + "sudo: joe : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/sh",
    HEAD + "systemd-logind[700]: New session 3 of user joe.",
    HEAD + "CRON[4011]: pam_unix(cron:session): session opened for user root by (uid=0)",
    '{"SYSLOG_IDENTIFIER":"sshd","MESSAGE":"Invalid user x from 203.0.113.66","__REALTIME_TIMESTAMP":"1768381953243123"}',
]
SYSLOG = [
    HEAD + "systemd[1]: Started crond.service - Command Scheduler.",
    HEAD + "CROND[4012]: (root) CMD (run-parts /etc/cron.hourly)",
    HEAD + "kernel: [ 12.1] device ens5 entered promiscuous mode",
    '{"SYSLOG_IDENTIFIER":"systemd","MESSAGE":"Started X.","__REALTIME_TIMESTAMP":"1768381953243123"}',
]

AUDIT = [
    "node=web-1 type=USER_LOGIN msg=audit(1768381953.243:24287): pid=1 msg='op=login acct=\"root\" res=failed'",
    HEAD + 'audispd: type=CWD msg=audit(1768381953.243:24287): cwd="/"',
    HEAD + "kernel: [ 12.1] audit: type=1130 audit(1768381953.243:24287): pid=1 msg='unit=sshd res=success'",
    '{"SYSLOG_IDENTIFIER":"audit","_TRANSPORT":"audit","_AUDIT_TYPE":"1112","MESSAGE":"x","__REALTIME_TIMESTAMP":"1768381953243123"}',
]


@pytest.mark.parametrize("group", [None, "/ec2/linux/messages", "/var/log/syslog", "journald", "/app/mixed"])
def test_what_was_signed_in_is_told_from_what_merely_happened(router: Router, group: str | None) -> None:
    assert {dataset_of(router, group, text) for text in AUTH} == {"system.auth"}
    assert {dataset_of(router, group, text) for text in SYSLOG} == {"system.syslog"}
    assert {dataset_of(router, group, text) for text in AUDIT} == {"system.audit"}


def test_an_audit_group_holds_records_and_nothing_else(router: Router) -> None:
    assert dataset_of(router, "/var/log/audit/audit.log", "broken") == "system.audit"
    assert dataset_of(router, "/app/audit", '{"message":"a user logged in","type":"x"}') == "aws.ec2"
    assert dataset_of(router, "/app/audit", '{"message":"a user logged in","type":"x"}', "web") == "aws.cloudwatch"


@pytest.mark.parametrize("group", ["/ec2/linux/secure", "/var/log/auth.log"])
def test_a_group_of_sign_ins_is_taken_whole(router: Router, group: str) -> None:
    assert {dataset_of(router, group, text) for text in [*AUTH, *SYSLOG, "no header"]} == {"system.auth"}


def test_lines_without_a_header_belong_to_the_group_they_came_in(router: Router) -> None:
    assert dataset_of(router, "/ec2/linux/messages", "\tat com.example.Main.main(Main.java:12)") == "system.syslog"
    assert dataset_of(router, "/app/mixed", "\tat com.example.Main.main(Main.java:12)") == "aws.ec2"
    assert dataset_of(router, "/app/mixed", "\tat com.example.Main.main(Main.java:12)", "web") == "aws.cloudwatch"


def test_functions_and_applications_keep_their_groups(router: Router) -> None:
    assert dataset_of(router, "/aws/lambda/messages", HEAD + "sshd[1]: x") == "aws.lambda"
    assert dataset_of(router, "/app/web", "2026-01-14T09:12:33Z INFO main: started") == "aws.ec2"
    assert dataset_of(router, "/app/web", "2026-01-14T09:12:33Z INFO main: started", "web") == "aws.cloudwatch"


CHANNELS = {
    "Security": "windows.security",
    "System": "windows.system",
    "Application": "windows.application",
    "Windows PowerShell": "windows.powershell",
    "Microsoft-Windows-PowerShell/Operational": "windows.powershell",
    "Microsoft-Windows-Sysmon/Operational": "windows.sysmon",
    "Microsoft-Windows-Windows Defender/Operational": "windows.eventlog",
    "OpenSSH/Operational": "windows.eventlog",
    "Acme": "windows.eventlog",
}


@pytest.mark.parametrize("group", [None, "ForwardedEvents", "/windows/ForwardedEvents", "/ec2/wec/forwarded"])
@pytest.mark.parametrize(("channel", "dataset"), CHANNELS.items())
def test_forwarded_windows_events_are_those_of_the_channel_they_were_written_to(
    router: Router, group: str | None, channel: str, dataset: str
) -> None:
    xml = (
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='p'/><EventID>1</EventID>"
        f"<Channel>{channel}</Channel><Computer>dc1.corp.example.com</Computer><Security/></System><EventData/>"
        "<RenderingInfo Culture='en-US'><Message>m</Message><Level>Information</Level><Channel>ForwardedEvents</Channel>"
        "</RenderingInfo></Event>"
    )
    agents = (
        {"winlog": {"channel": channel, "event_id": "1"}, "tags": ["forwarded"], "log": {"file": {"path": "ForwardedEvents"}}},
        {"Channel": channel, "EventID": 1, "Computer": "dc1.corp.example.com", "SourceModuleName": "forwarded"},
        {"LogName": channel, "EventId": 1, "MachineName": "dc1.corp.example.com"},
    )
    for text in (xml, f"[{channel}] [INFORMATION] [1] [p] [dc1.corp.example.com] [m]", *map(json.dumps, agents)):
        assert dataset_of(router, group, text, stream="wec1/ForwardedEvents") == dataset
