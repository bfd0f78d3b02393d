"""One Windows event in the forms in which agents send it: the same names whatever the form."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import EventError
from service.parse.steps.windows_event import windows_event
from service.parse.windows.inserts import named_inserts
from service.parse.windows.message import data_of
from service.parse.windows.words import keyword_words, level_word, opcode_word, outcome_word, task_word
from tests.pace import least_seconds

MESSAGE = (
    "An account failed to log on.\r\n\r\nSubject:\r\n\tSecurity ID:\t\tS-1-5-18\r\n\tAccount Name:\t\tHOST$\r\n"
    "\tAccount Domain:\t\tEXAMPLE\r\n\tLogon ID:\t\t0x3E7\r\n\r\nLogon Type:\t\t\t10\r\n\r\nAccount For Which Logon Failed:\r\n"
    "\tSecurity ID:\t\tNULL SID\r\n\tAccount Name:\t\talice\r\n\tAccount Domain:\t\tEXAMPLE\r\n\r\nFailure Information:\r\n"
    "\tFailure Reason:\t\tUnknown user name or bad password.\r\n\tStatus:\t\t\t0xC000006D\r\n\tSub Status:\t\t0xC000006A\r\n\r\n"
    "Process Information:\r\n\tCaller Process ID:\t0x4d0\r\n\tCaller Process Name:\tC:\\Windows\\System32\\svchost.exe\r\n\r\n"
    "Network Information:\r\n\tWorkstation Name:\tWS1\r\n\tSource Network Address:\t203.0.113.7\r\n\tSource Port:\t\t0\r\n\r\n"
    "This event is generated when a logon request fails: for example, when a password is wrong."
)
DATA = {
    "SubjectUserSid": "S-1-5-18",
    "SubjectUserName": "HOST$",
    "SubjectDomainName": "EXAMPLE",
    "SubjectLogonId": "0x3E7",
    "LogonType": "10",
    "TargetUserName": "alice",
    "TargetDomainName": "EXAMPLE",
    "FailureReason": "Unknown user name or bad password.",
    "Status": "0xC000006D",
    "SubStatus": "0xC000006A",
    "ProcessId": "0x4d0",
    "ProcessName": "C:\\Windows\\System32\\svchost.exe",
    "WorkstationName": "WS1",
    "IpAddress": "203.0.113.7",
    "IpPort": "0",
}


def lines(*each: str) -> str:
    return "\n".join(each)


def test_the_agents_text_is_read_with_what_its_message_tells() -> None:
    raw = windows_event(f"[Security] [INFORMATION] [4625] [Microsoft-Windows-Security-Auditing] [host.example.com] [{MESSAGE}]")
    assert raw == {
        "channel": "Security",
        "level": "information",
        "event_id": "4625",
        "provider": "Microsoft-Windows-Security-Auditing",
        "computer": "host.example.com",
        "message": MESSAGE.replace("\r\n", "\n"),
        "data": DATA,
        "said": DATA,
        "outcome": "failure",
    }


@pytest.mark.parametrize(
    ("event_id", "message", "expected"),
    [
        ("7036", "The Windows Update service entered the running state.", {"param1": "Windows Update", "param2": "running"}),
        (
            "7040",
            "The start type of the BITS service was changed from auto start to disabled.",
            {"param1": "BITS", "param2": "auto start", "param3": "disabled"},
        ),
        (
            "7045",
            lines("A service was installed in the system.", "", "Service Name:  evil", "Service File Name:  C:\\x.exe -k",
                  "Service Type:  user mode service", "Service Start Type:  demand start", "Service Account:  LocalSystem"),
            {"ServiceName": "evil", "ImagePath": "C:\\x.exe -k", "ServiceType": "user mode service", "StartType": "demand start",
             "AccountName": "LocalSystem"},
        ),
        (
            "4104",
            lines("Creating Scriptblock text (1 of 2):", "Write-Host 'a: b'", "",
                  "ScriptBlock ID: 11111111-2222-3333-4444-555555555555", "Path: C:\\a.ps1"),
            {"MessageNumber": "1", "MessageTotal": "2", "ScriptBlockText": "Write-Host 'a: b'",
             "ScriptBlockId": "11111111-2222-3333-4444-555555555555", "Path": "C:\\a.ps1"},
        ),
        ("4104", "something else", {}),
        (
            "4672",
            lines("Special privileges assigned to new logon.", "", "Subject:", "\tAccount Name:\t\talice", "",
                  "Privileges:\t\tSeTcbPrivilege", "\t\t\tSeDebugPrivilege"),
            {"SubjectUserName": "alice", "PrivilegeList": "SeTcbPrivilege\nSeDebugPrivilege"},
        ),
        (
            "4732",
            lines("A member was added.", "", "Member:", "\tSecurity ID:\t\tS-1-5-21-1", "\tAccount Name:\t\t-", "", "Group:",
                  "\tSecurity ID:\t\tS-1-5-32-544", "\tGroup Name:\t\tAdministrators", "\tGroup Domain:\t\tBuiltin"),
            {"MemberSid": "S-1-5-21-1", "TargetUserSid": "S-1-5-32-544", "TargetUserName": "Administrators",
             "TargetDomainName": "Builtin"},
        ),
        ("400", "Engine state is changed.\n\nDetails:\n\tNewEngineState=Available\n\tHostName=ConsoleHost\n\tCommandLine=",
         {"NewEngineState": "Available", "HostName": "ConsoleHost"}),
        ("1", "Process Create:\nUtcTime: 2026\nProcess Name: x\n", {"ProcessName": "x"}),
        ("999", "no structure at all", {}),
    ],
)  # fmt: skip
def test_messages_tell_data_under_their_own_names(event_id: str, message: str, expected: dict[str, str]) -> None:
    assert data_of(event_id, message) == expected


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        ("An account was logged off.", "success"),
        ("Kerberos pre-authentication failed.", "failure"),
        ("Fine.\nit failed", "success"),
    ],
)
def test_the_agents_text_tells_whether_it_succeeded(message: str, outcome: str) -> None:
    assert windows_event(f"[Security] [INFORMATION] [9999] [x] [y] [{message}]")["outcome"] == outcome


HEAD = {
    "channel": "Security",
    "event_id": "4634",
    "provider": "Microsoft-Windows-Security-Auditing",
    "provider_guid": "{54849625-5478-4994-A5BA-3E3B0328C30D}",
    "computer": "host.example.com",
    "record_id": 7,
    "time": "2026-11-29T12:00:00.123Z",
    "level": "information",
    "task": "Logoff",
    "action": "Logoff",
    "opcode": "Info",
    "keywords": ["Audit Success"],
    "outcome": "success",
    "process_id": 632,
    "thread_id": 680,
    "data": {"TargetUserName": "alice", "LogonType": "3"},
}
BEAT = {
    "@timestamp": "2026-11-29T12:00:00.123Z",
    "event": {"code": "4634", "provider": "Microsoft-Windows-Security-Auditing", "outcome": "success"},
    "log": {"level": "information"},
    "winlog": {
        "channel": "Security",
        "event_id": 4634,
        "provider_name": "Microsoft-Windows-Security-Auditing",
        "provider_guid": "{54849625-5478-4994-A5BA-3E3B0328C30D}",
        "computer_name": "host.example.com",
        "record_id": 7,
        "task": "Logoff",
        "opcode": "Info",
        "keywords": ["Audit Success"],
        "process": {"pid": 632, "thread": {"id": 680}},
        "event_data": {"TargetUserName": "alice", "LogonType": 3},
    },
}
FLAT = {
    "Channel": "Security",
    "EventID": 4634,
    "SourceName": "Microsoft-Windows-Security-Auditing",
    "ProviderGuid": "{54849625-5478-4994-A5BA-3E3B0328C30D}",
    "Hostname": "host.example.com",
    "RecordNumber": 7,
    "EventTime": "2026-11-29 07:00:00",
    "@timestamp": "2026-11-29T12:00:00.123Z",
    "Severity": "INFO",
    "Task": 12545,
    "OpcodeValue": 0,
    "Keywords": -9214364837600034816,
    "EventType": "AUDIT_SUCCESS",
    "ExecutionProcessID": 632,
    "ThreadID": 680,
    "TargetUserName": "alice",
    "LogonType": "3",
    "SourceModuleName": "eventlog",
    "host": "192.0.2.1",
    "tags": ["x"],
}
COLLECTOR = {
    "channel": "Security",
    "event_id": {"id": 4634, "qualifiers": 0},
    "provider": {"name": "Microsoft-Windows-Security-Auditing", "guid": "{54849625-5478-4994-A5BA-3E3B0328C30D}"},
    "computer": "host.example.com",
    "record_id": 7,
    "system_time": "2026-11-29T12:00:00.123Z",
    "level": "Information",
    "task": "12545",
    "opcode": "Info",
    "keywords": ["Audit Success"],
    "execution": {"process_id": 632, "thread_id": 680},
    "event_data": {"data": [{"TargetUserName": "alice"}, {"LogonType": "3"}]},
}
CONVERTED = {
    "Event": {
        "System": {
            "Provider": {
                "#attributes": {"Name": "Microsoft-Windows-Security-Auditing", "Guid": "{54849625-5478-4994-A5BA-3E3B0328C30D}"}
            },
            "EventID": 4634,
            "Channel": "Security",
            "Computer": "host.example.com",
            "EventRecordID": 7,
            "TimeCreated": {"#attributes": {"SystemTime": "2026-11-29T12:00:00.123Z"}},
            "Level": 0,
            "Task": 12545,
            "Opcode": 0,
            "Keywords": "0x8020000000000000",
            "Execution": {"#attributes": {"ProcessID": 632, "ThreadID": 680}},
        },
        "EventData": {"TargetUserName": "alice", "LogonType": 3},
    }
}
FLUENT = {
    "ProviderName": "Microsoft-Windows-Security-Auditing",
    "ProviderGuid": "{54849625-5478-4994-A5BA-3E3B0328C30D}",
    "EventID": 4634,
    "Version": 0,
    "Level": 0,
    "Task": 12545,
    "Opcode": 0,
    "Keywords": "0x8020000000000000",
    "TimeCreated": "2026-11-29T12:00:00.123Z",
    "EventRecordID": 7,
    "ActivityID": "",
    "ProcessID": 632,
    "ThreadID": 680,
    "Channel": "Security",
    "Computer": "host.example.com",
    "StringInserts": ["", "alice", "", "", "3"],
}


@pytest.mark.parametrize(
    "event", [BEAT, FLAT, COLLECTOR, CONVERTED, FLUENT], ids=["beat", "flat", "collector", "converted", "fluent"]
)
def test_json_of_every_agent_says_the_same(event: dict[str, Any]) -> None:
    raw = windows_event(json.dumps(event))
    for key in ("said", "version", "qualifiers", "other"):
        raw.pop(key, None)
    assert raw == HEAD


def test_amazons_agent_for_windows_says_little_and_that_is_read() -> None:
    event = {
        "EventId": 7036, "Description": "The BITS service entered the stopped state.", "LevelDisplayName": "Information",
        "LogName": "System", "MachineName": "host", "ProviderName": "Service Control Manager",
        "TimeCreated": "2026-11-29T12:00:00Z", "Index": 5, "UserName": "EXAMPLE\\bob", "Keywords": "Classic",
        "EventData": ["BITS", "stopped"],
    }  # fmt: skip
    assert windows_event(json.dumps(event)) == {
        "event_id": "7036", "message": "The BITS service entered the stopped state.", "level": "information", "channel": "System",
        "computer": "host", "provider": "Service Control Manager", "time": "2026-11-29T12:00:00Z", "record_id": 5,
        "account": {"name": "EXAMPLE\\bob"}, "keywords": ["Classic"], "data": {"param1": "BITS", "param2": "stopped"},
        "said": {"param1": "BITS", "param2": "stopped"},
    }  # fmt: skip


def test_what_a_module_of_winlogbeat_moved_is_put_back() -> None:
    moved = {
        **BEAT,
        "source": {"ip": "203.0.113.7", "port": 0, "domain": "WS1"},
        "host": {"name": "h", "os": {"name": "Windows"}},
    }
    raw = windows_event(json.dumps(moved))
    assert raw["data"] == {
        "TargetUserName": "alice", "LogonType": "3", "IpAddress": "203.0.113.7", "IpPort": "0", "WorkstationName": "WS1",
    }  # fmt: skip
    assert raw["host"] == {"name": "h", "os": {"name": "Windows"}}


def test_winlogbeat_6_has_it_at_the_top() -> None:
    event = {"log_name": "System", "event_id": 7036, "source_name": "Service Control Manager", "computer_name": "h",
             "level": "Error", "event_data": {"param1": "BITS"},
             "user": {"identifier": "S-1-5-18", "name": "SYSTEM"}}  # fmt: skip
    raw = windows_event(json.dumps(event))
    assert (raw["channel"], raw["event_id"], raw["level"], raw["user_id"]) == ("System", "7036", "error", "S-1-5-18")
    assert raw["account"] == {"name": "SYSTEM"}


def test_nxlogs_account_belongs_to_the_head_only_with_its_sid() -> None:
    own = {"AccountName": "SYSTEM", "Domain": "NT AUTHORITY", "AccountType": "User"}
    with_sid = windows_event(json.dumps({**FLAT, **own, "UserID": "S-1-5-18"}))
    assert with_sid["account"] == {"name": "SYSTEM", "domain": "NT AUTHORITY", "type": "User"}
    assert windows_event(json.dumps({**FLAT, **own}))["data"]["AccountName"] == "SYSTEM"


def test_a_time_with_a_zone_is_better_than_one_without() -> None:
    assert windows_event(json.dumps({**FLAT, "EventTime": "2026-11-29T07:00:00-05:00"}))["time"] == "2026-11-29T07:00:00-05:00"
    alone = {key: value for key, value in FLAT.items() if key != "@timestamp"}
    assert windows_event(json.dumps(alone))["time"] == "2026-11-29 07:00:00"


def test_xml_and_text_inside_json_are_found() -> None:
    text = "[System] [INFORMATION] [1] [p] [h] [m]"
    assert windows_event(json.dumps({"log": text})) == windows_event(text)
    xml = "<Event><System><Provider Name='p'/><EventID>1</EventID></System></Event>"
    assert windows_event(json.dumps({"message": xml, "winlog": {}})) == windows_event(xml)


def test_what_says_nothing_is_not_among_what_is_said() -> None:
    raw = windows_event(json.dumps({**FLAT, "IpAddress": "-", "IpPort": " "}))
    assert raw["data"]["IpAddress"] == "-"
    assert raw["said"] == {"TargetUserName": "alice", "LogonType": "3"}


@pytest.mark.parametrize(
    "event",
    [{}, {"EventID": 1}, {"winlog": {}}, {"winlog": {"event_id": "x"}}, {"EventID": {}, "Channel": "x"},
     {"Event": {"System": {}}}, {"event_id": {"id": [1]}}, {"event_id": -1, "channel": "x"},
     {"event_id": 10**30, "channel": "x"}],
)  # fmt: skip
def test_json_without_an_event_id_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(EventError) as caught:
        windows_event(json.dumps(event))
    assert (caught.value.stage, caught.value.code) == ("parse", "no_event")


def test_inserts_are_named_by_the_version_of_their_event() -> None:
    assert named_inserts("4625", 0, ["S-1-5-18", "HOST$"]) == {"SubjectUserSid": "S-1-5-18", "SubjectUserName": "HOST$"}
    newer = [str(number) for number in range(28)]
    assert named_inserts("4624", "3", newer)["RemoteCredentialGuard"] == "22"
    assert named_inserts("4634", 0, ["x"] * 6)["param6"] == "x", "more than the manifest says: no name is sure"
    assert named_inserts("9999", 0, [1, None]) == {"param1": 1}


def test_numbers_have_words() -> None:
    assert [level_word(level) for level in (0, "2", "Warning", "AUDIT_FAILURE", "Odd", None, True, "a b")] == [
        "information", "error", "warning", "information", "odd", None, None, None,
    ]  # fmt: skip
    assert [opcode_word(code) for code in ("0", 2, "77", None)] == ["Info", "Stop", "77", None]
    assert task_word("Microsoft-Windows-Security-Auditing", 12544) == "Logon"
    assert [task_word("other", task) for task in (12544, "0", None)] == ["12544", None, None]
    assert keyword_words("0x8010000000000000") == ("Audit Failure",)
    assert keyword_words("0x80000000000000") == ("Classic",)
    assert [keyword_words(mask) for mask in ("x", None, "0x", 1e400)] == [(), (), (), ()]
    assert outcome_word(["Other", "AUDIT_FAILURE"]) == "failure"


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.sampled_from([BEAT, FLAT, COLLECTOR, CONVERTED, FLUENT]), st.data())
def test_any_value_anywhere_gives_an_event_or_an_event_error(event: dict[str, Any], draw: st.DataObject) -> None:
    event = json.loads(json.dumps(event))
    level: Any = event
    while True:
        key = draw.draw(st.sampled_from(sorted(level)))
        if not isinstance(level[key], dict) or draw.draw(st.booleans()):
            break
        level = level[key]
    level[key] = draw.draw(anything)
    try:
        raw = windows_event(json.dumps(event))
    except EventError:
        return
    assert raw["event_id"].isdecimal()
    for value in raw.get("data", {}).values():
        assert isinstance(value, str | list)


@given(st.text(max_size=10), st.text(max_size=400))
def test_any_message_gives_names_and_text(event_id: str, message: str) -> None:
    assert all(name.isidentifier() and isinstance(value, str) for name, value in data_of(event_id, message).items())


@pytest.mark.parametrize(
    "part", ["Account Name:\t\tx\n", "Subject:\n", "a=b\n", ": ", "\n", "x", "[", "Privileges:\n\tx\n", "The x service "]
)
def test_a_megabyte_of_message_takes_milliseconds(part: str) -> None:
    message = part * (1_000_000 // len(part))
    for event_id in ("4625", "4104", "7036", "7040", "1000"):
        text = f"[Security] [INFORMATION] [{event_id}] [p] [h] [{message}]"
        assert least_seconds(partial(windows_event, text), tries=3) < 0.05
