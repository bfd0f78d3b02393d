"""Steps for Windows events: what accounts, paths, command lines, codes and contexts give."""

from __future__ import annotations

import json

import pytest

from service.normalise.steps import STEPS
from service.normalise.steps.powershell import powershell_context, powershell_details
from service.normalise.steps.sysmon import dns_results, hashes, registry_data
from service.normalise.steps.windows import (
    command_args,
    distinguished_name,
    hex_number,
    message_codes,
    registry_path,
    windows_account,
    windows_path,
    windows_words,
)
from service.normalise.steps.windows_task import scheduled_task
from service.normalise.tables.windows import AUDIT_SUBCATEGORIES, LOGON_STATUSES
from service.normalise.tables.windows_messages import MESSAGES


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("alice", ("alice", None)),
        ("alice@EXAMPLE.COM", ("alice", "EXAMPLE.COM")),
        ("EXAMPLE\\alice", ("alice", "EXAMPLE")),
        ("NT AUTHORITY\\SYSTEM", ("SYSTEM", "NT AUTHORITY")),
        ("-", (None, None)),
        ("@", (None, None)),
    ],
)
def test_an_account_has_a_name_and_maybe_a_domain(name: str, expected: tuple[str | None, str | None]) -> None:
    assert windows_account(name) == expected


@pytest.mark.parametrize(
    ("value", "number"),
    [("0x1f4", 500), ("0XFF", 255), ("500", 500), (7, 7), ("0x", None), ("0xzz", None), ("-1", None), ("1_0", None), (True, None),
     ("0x" + "f" * 20, None), ("0xffffffffffffffff", None), ("", None)],
)  # fmt: skip
def test_numbers_are_read_in_both_bases(value: object, number: int | None) -> None:
    assert hex_number(value) == (number,)


def test_a_path_falls_into_name_directory_and_extension() -> None:
    assert windows_path("C:\\a\\b.tar.gz") == ("b.tar.gz", "C:\\a", "gz")
    assert windows_path("\\\\server\\share\\x") == ("x", "\\\\server\\share", None)
    assert windows_path("cmd.exe") == ("cmd.exe", None, "exe")
    assert windows_path("C:\\a\\") == (None, "C:\\a", None)
    assert windows_path("C:\\.hidden") == (".hidden", "C:", None)


def test_arguments_keep_or_drop_their_quotes() -> None:
    line = 'a.exe  "b c" d"e f"g \\"h\\" "unclosed x'
    assert command_args(line) == (["a.exe", '"b c"', 'd"e f"g', '\\"h\\"', '"unclosed x'], 5)
    dropped = STEPS["command_args"].bind({"quotes": "drop"})
    assert dropped(line) == (["a.exe", "b c", "de fg", '"h"', "unclosed x"], 5)
    assert dropped('"C:\\\\dir\\\\\\\\" x')[0] == ["C:\\\\dir\\\\", "x"]
    with pytest.raises(ValueError, match="keep or drop"):
        STEPS["command_args"].bind({"quotes": "single"})


def test_a_distinguished_name_gives_common_name_and_dns_domain() -> None:
    assert distinguished_name("CN=Doe\\, Jane,OU=Staff,DC=corp,DC=example,DC=com") == ("Doe, Jane", "corp.example.com")
    assert distinguished_name("OU=Staff,DC=example") == ("Staff", "example")
    assert distinguished_name("plain") == ("plain", None)
    assert distinguished_name("-") == (None, None)


def test_a_registry_path_has_a_hive() -> None:
    assert registry_path("HKLM\\SOFTWARE\\X\\Run") == ("HKLM", "SOFTWARE\\X\\Run", "Run")
    assert registry_path("\\REGISTRY\\USER\\S-1-5-18\\Software") == ("HKU", "S-1-5-18\\Software", "Software")
    assert registry_path("HKEY_CLASSES_ROOT") == ("HKCR", None, None)
    assert registry_path("C:\\x") == (None, None, None)


def test_codes_become_what_windows_says_for_them() -> None:
    assert message_codes("%%2313") == ("Unknown user name or bad password.", ["Unknown user name or bad password."])
    assert message_codes("%%4416 %%99999") == ("ReadData (or ListDirectory) %%99999", ["ReadData (or ListDirectory)"])
    assert message_codes("plain") == ("plain", None)
    assert MESSAGES["2080"] == "Account Disabled"
    assert MESSAGES["2084"] == "Normal Account - Enabled"


def words(event_id: str, **data: str) -> dict[str, object]:
    (text,) = windows_words(data, event_id)
    return json.loads(text or "{}")  # type: ignore[no-any-return]  # an object


def test_words_stand_beside_the_codes_of_auditing() -> None:
    assert words("4663", AccessList="%%4416\n\t%%4423", AccessMask="0x81", Empty="") == {
        "AccessList": "%%4416\n\t%%4423",
        "AccessListDescription": ["ReadData (or ListDirectory)", "ReadAttributes"],
        "AccessMask": "0x81",
        "AccessMaskDescription": ["Create Child", "List Object"],
    }
    assert words("4768", Status="0x18")["StatusDescription"] == "KDC_ERR_PREAUTH_FAILED"
    assert "StatusDescription" not in words("4625", Status="0x18")
    assert words("4672", PrivilegeList="SeA\r\n\t\tSeB")["PrivilegeList"] == ["SeA", "SeB"]
    assert words("4720", PrivilegeList="-", NewUacValue="0x15", UserAccountControl="\n\t%%2080\n\t%%2084") == {
        "PrivilegeList": "-",
        "NewUacValue": "0x15",
        "NewUACList": ["ACCOUNTDISABLE", "PASSWD_NOTREQD", "NORMAL_ACCOUNT"],
        "UserAccountControl": ["2080", "2084"],
    }
    assert words("4719", SubcategoryGuid="{0cce9215-69ae-11d9-bed3-505054503030}")["SubCategory"] == "Logon"


def test_the_tables_follow_their_numbers() -> None:
    assert AUDIT_SUBCATEGORIES["0CCE922B-69AE-11D9-BED3-505054503030"] == ("Detailed Tracking", "Process Creation")
    assert AUDIT_SUBCATEGORIES["0CCE9242-69AE-11D9-BED3-505054503030"] == ("Account Logon", "Kerberos Authentication Service")
    assert LOGON_STATUSES["0xC000006A"] == LOGON_STATUSES["0xc000006a"]


def test_a_task_tells_what_it_runs_as_whom_and_when() -> None:
    (text,) = scheduled_task(
        "\\T",
        "<?xml version='1.0' encoding='UTF-16'?><Task><Triggers><BootTrigger/><Odd/></Triggers><Principals><Principal id='A'>"
        "<GroupId>S-1-5-32-544</GroupId><LogonType>Password</LogonType></Principal></Principals><Settings><Hidden>1</Hidden>"
        "<Enabled>maybe</Enabled></Settings><Actions><Exec><Command> cmd </Command></Exec><ComHandler><ClassId>{1}</ClassId>"
        "</ComHandler></Actions></Task>",
    )
    assert json.loads(text or "") == {
        "name": "\\T",
        "triggers": [{"type": "boot", "enabled": True}],
        "principals": [{"id": "A", "logon": {"type": "Password"}, "user": {"identifier": "S-1-5-32-544"}}],
        "settings": {"hidden": True},
        "actions": [{"type": "exec", "command": "cmd"}, {"type": "com_handler", "class_id": "{1}"}],
    }


@pytest.mark.parametrize("definition", ["<Task", "<!DOCTYPE Task []><Task/>", "<Task>" * 40, "<Task>" + "<a/>" * 9000, None, "x"])
def test_a_definition_that_is_none_leaves_the_tasks_name(definition: object) -> None:
    assert scheduled_task("\\T", definition) == ('{"name":"\\\\T"}',)


def test_hashes_of_zeros_are_none() -> None:
    assert hashes("SHA1=" + "A" * 40 + ",IMPHASH=" + "0" * 32) == (None, "a" * 40, None, None, ["a" * 40])
    assert hashes("SHA256=x") == (None,) * 5


def test_answers_of_dns_have_types_and_addresses() -> None:
    answers, addresses, names = dns_results("type:  5 cdn.example.net;::ffff:192.0.2.1;2001:db8::1;garbage here;;")
    assert json.loads(str(answers)) == [
        {"type": "CNAME", "data": "cdn.example.net"},
        {"type": "A", "data": "192.0.2.1"},
        {"type": "AAAA", "data": "2001:db8::1"},
    ]
    assert (addresses, names) == (["192.0.2.1", "2001:db8::1"], ["cdn.example.net"])


def test_data_of_the_registry_have_a_type() -> None:
    assert registry_data("DWORD (0x0000000a)") == ("SZ_DWORD", ["10"])
    assert registry_data("QWORD (0x00000001-0x00000000)") == ("SZ_QWORD", ["4294967296"])
    assert registry_data("Binary Data") == ("REG_BINARY", ["Binary Data"])
    assert registry_data("text") == ("REG_SZ", ["text"])


def test_a_context_is_read_from_the_first_text_that_holds_pairs() -> None:
    outputs = STEPS["powershell_context"].outputs
    found = dict(
        zip(
            outputs,
            powershell_context("None", None, "\tHostName=ConsoleHost\n\tHostApplication=a\nb c\n\tSequenceNumber=3"),
            strict=True,
        )
    )
    assert (found["host_name"], found["host_application"], found["sequence"]) == ("ConsoleHost", "a\nb c", 3)
    found = dict(zip(outputs, powershell_context("        User = D\\run\n        Connected User = D\\bob\n"), strict=True))
    assert (found["user"], found["source_user"], found["destination_user"]) == ("bob", "bob", "run")
    assert set(powershell_context("nothing", 7)) == {None}


def test_details_of_an_invocation_are_a_list() -> None:
    (text,) = powershell_details(
        'CommandInvocation(A): "A"\nParameterBinding(A): name="x"; value="y; z"\nParameterBinding(A): odd\n\n???'
    )
    assert json.loads(str(text)) == [
        {"type": "CommandInvocation", "related_command": "A", "value": '"A"'},
        {"type": "ParameterBinding", "related_command": "A", "name": '"x"', "value": '"y; z"'},
        {"type": "ParameterBinding", "related_command": "A", "value": "odd"},
        {"value": "???"},
    ]
