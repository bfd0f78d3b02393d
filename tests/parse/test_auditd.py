"""Records of auditd: raw, enriched, passed on by others, whole events."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.enrich.enrichers import Enrichers
from service.errors import EventError
from service.event import Slice
from service.normalise.tables.auditd import AUDIT_SYSCALLS, AUDIT_TYPES
from service.parse.steps.auditd import auditd
from service.pipeline.compile import compile_pipeline
from service.pipeline.load import load_pipeline
from tests.pace import least_seconds

ROOT = Path(__file__).parents[2]
STAMP = "msg=audit(1768381953.243:24287): "


def test_a_record_has_time_sequence_type_and_pairs() -> None:
    found = auditd(f'type=CWD {STAMP} cwd="/root"')
    assert found == {
        "time": "1768381953.243",
        "sequence": 24287,
        "type": "CWD",
        "cwd": "/root",
        "log": {"record_type": "CWD", "sequence": 24287},
    }


def test_laurels_record_of_the_parent_is_not_the_process() -> None:
    call = {"syscall": 59, "pid": 7, "comm": "id"}
    whole = {"ID": "1768381953.243:7", "PARENT_INFO": {"comm": "java", "exe": "/usr/bin/java", "ppid": 1}, "SYSCALL": call}
    found = auditd(json.dumps(whole))
    assert (found["comm"], "exe" in found, found["log"]["PPID"]["exe"]) == ("id", False, "/usr/bin/java")


def test_what_stands_for_nothing_is_absent() -> None:
    assert set(auditd(f'type=SYSCALL {STAMP}key=(null) exe=? comm="" tty=(none)')["log"]) == {"record_type", "sequence", "tty"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('comm="cat"', "cat"),
        ("comm=6120622E7368", "a b.sh"),
        ("comm=2F62696E2F6C73", "/bin/ls"),
        ("comm=1234", "1234"),
        ("comm=3132203334", "12 34"),
        ("comm=2F", "2F"),
        ("comm=0A", "^J"),
        ("comm=cafe", "cafe"),
        ("comm=X-setest", "X-setest"),
        ('comm="6120622E7368"', "6120622E7368"),
    ],
)
def test_only_what_auditd_encodes_is_decoded(written: str, meant: str) -> None:
    assert auditd(f"type=SYSCALL {STAMP}pid=1 {written}")["comm"] == meant


def test_a_command_line_ends_its_arguments_with_zeros() -> None:
    found = auditd(f"type=PROCTITLE {STAMP}proctitle=636174002F6574632F736861646F77")
    assert found["command_line"] == found["log"]["proctitle"] == "cat /etc/shadow"


def test_what_somebody_typed_is_shown_with_carets() -> None:
    assert auditd(f"type=TTY {STAMP}tty pid=1 data=6C730D03")["log"]["data"] == "ls^M^C"


def test_arguments_are_decoded_put_together_and_counted() -> None:
    found = auditd(f'type=EXECVE {STAMP}argc=3 a0="sh" a1="-c" a2_len=14 a2[0]=6563686F a2[1]=2068690A')
    assert found["args"] == ["sh", "-c", "echo hi^J"]
    assert (found["exe"], found["argc"], found["command_line"]) == ("sh", "3", "sh -c echo hi^J")
    assert found["log"]["a2"] == "echo hi^J"


def test_arguments_that_stand_in_another_record_are_missed() -> None:
    assert auditd(f'type=EXECVE {STAMP}a7="x" a8="y"')["args"] == ["[... 7 truncated arguments ...]", "x", "y"]


def test_the_message_of_a_program_may_hold_blanks() -> None:
    found = auditd(f"type=ADD_GROUP {STAMP}pid=1 uid=0 auid=1000 msg='op=adding group to /etc/group id=1004 addr=? res=success'")
    assert (found["log"]["op"], found["log"]["id"], found["res"]) == ("adding group to /etc/group", "1004", "success")


def test_the_message_of_an_old_program_has_words_and_brackets() -> None:
    found = auditd(
        f'type=USER_AUTH {STAMP}user pid=1 uid=0 auid=5 msg=\'PAM: authentication acct="root" : '
        'exe="/usr/sbin/sshd" (hostname=?, addr=192.0.2.1, terminal=ssh res=failed)\''
    )
    assert (found["words"], found["acct"], found["addr"], found["terminal"], found["res"]) == (
        "PAM: authentication", "root", "192.0.2.1", "ssh", "failed",
    )  # fmt: skip


@pytest.mark.parametrize("separator", ["\x1d", ""])
def test_an_enriched_record_names_its_users(separator: str) -> None:
    found = auditd(f'type=USER_CMD {STAMP}uid=1000 msg=\'cmd="id" res=success\'{separator}UID="joe" AUID="unset"')
    assert found["people"] == {"UID": "joe"}
    assert (found["log"]["UID"], found["log"]["AUID"], found["res"]) == ("joe", "unset", "success")


def test_a_login_says_who_it_was_before_in_two_ways() -> None:
    old = auditd(f"type=LOGIN {STAMP}pid=1 uid=0 old auid=5 new auid=700 old ses=6 new ses=7")["log"]
    assert (old["old_auid"], old["new_auid"], old["old_ses"], old["new_ses"]) == ("5", "700", "6", "7")
    assert auditd(f"type=LOGIN {STAMP}pid=1 old-auid=5 auid=700")["log"]["old-auid"] == "5"


@pytest.mark.parametrize(
    ("address", "family", "host", "port"),
    [
        ("02000050C0000201", "inet", "192.0.2.1", 80),
        ("0A0001BB0000000020010DB800000000000000000000006600000000", "inet6", "2001:db8::66", 443),
        ("10000000000000000000000000000000", "netlink", None, None),
        ("0200", None, None, None),
        ("XY", None, None, None),
    ],
)
def test_a_socket_address_is_read(address: str, family: str | None, host: str | None, port: int | None) -> None:
    log = auditd(f"type=SOCKADDR {STAMP}saddr={address}")["log"]
    assert (log.get("saddr_fam"), log.get("laddr"), log.get("lport"), log["saddr"]) == (family, host, port, address)


def test_the_enriched_words_for_an_address_come_first() -> None:
    log = auditd(f"type=SOCKADDR {STAMP}saddr=0100\x1dSADDR={{ saddr_fam=local sockaddr len too short }}")["log"]
    assert log["saddr_fam"] == "local sockaddr len too short"


@pytest.mark.parametrize(("arch", "number"), [("c000003e", "59"), ("c00000b7", "221"), ("c000003e", "execve")])
def test_system_calls_have_names(arch: str, number: str) -> None:
    assert auditd(f"type=SYSCALL {STAMP}arch={arch} syscall={number}")["log"]["SYSCALL"] == "execve"


def test_a_number_of_a_strange_machine_stays_a_number() -> None:
    assert "SYSCALL" not in auditd(f"type=SYSCALL {STAMP}arch=1234 syscall=59")["log"]


def test_the_tables_hold_no_name_twice() -> None:
    for table in (AUDIT_TYPES, *AUDIT_SYSCALLS.values()):
        assert len(set(table.values())) == len(table)


@pytest.mark.parametrize(
    "head",
    [
        "Jan 14 09:12:33 web-1 audispd: ",
        "<86>1 2026-01-14T12:00:02Z web-1 audisp - - - ",
        "Jan 14 09:12:33 web-1 kernel: [ 1.2] ",
    ],
)
def test_a_record_inside_a_line_of_syslog_has_its_host(head: str) -> None:
    found = auditd(f'{head}audit: type=1307 audit(1768381953.243:24287): cwd="/"')
    assert (found["type"], found["node"], found["cwd"]) == ("CWD", "web-1", "/")


def test_all_records_of_an_event_are_one() -> None:
    found = auditd(
        f'type=SYSCALL {STAMP}arch=c000003e syscall=59 a0=1d a1=1e exe="/usr/bin/cat" success=yes exit=0\n'
        f'type=EXECVE {STAMP}argc=2 a0="cat" a1="x"\n'
        f'type=CWD {STAMP}cwd="/etc"\n'
        f'type=PATH {STAMP}item=0 name="/etc" nametype=PARENT inode=1\n'
        f'type=PATH {STAMP}item=1 name="../etc/x" nametype=CREATE inode=2 mode=0100644\n'
        f"type=EOE {STAMP}"
    )
    assert (found["type"], found["args"], found["cwd"], found["exe"]) == ("SYSCALL", ["cat", "x"], "/etc", "/usr/bin/cat")
    assert (found["log"]["name"], found["log"]["inode"], found["permissions"], found["file_type"]) == (
        "/etc/x",
        "2",
        "0644",
        "file",
    )
    assert (found["log"]["a0"], len(found["log"]["paths"])) == ("1d", 2)


@pytest.mark.parametrize(
    "text",
    ["words", "type=", '{"message": 7}', '{"a": 1}', '{"message": "{}"}', '{"ID": "1.1:2"}', '{"messages": [7]}', "{broken"],
)
def test_what_is_no_record_is_a_dead_letter(text: str) -> None:
    with pytest.raises(EventError):
        auditd(text)


PIECES = st.sampled_from(
    [
        *(STAMP, "type=EXECVE ", "type=USER_AUTH ", "\n", "'", '"', " msg='", "=", "{ ", " }", "\x1d", "a0[1]=", "00", ")", ","),
        *("avc:  denied  { ", "saddr=0200", "old auid="),
    ]
)


@settings(max_examples=400)
@given(st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=30).map("".join))
def test_any_record_gives_a_dict_or_a_dead_letter(text: str) -> None:
    for whole in (text, f"type=SYSCALL {STAMP}{text}", json.dumps({"ID": "1.1:2", "SYSCALL": {"a": text}})):
        try:
            found = auditd(whole)
        except EventError:
            continue
        assert found["log"]["record_type"] == found["type"]
        json.dumps(found)


LONG = 100_000
HOSTILE = {
    "blanks": f"type=SYSCALL {STAMP}" + " " * LONG,
    "no blanks": f"type=SYSCALL {STAMP}" + "a" * LONG,
    "pairs": f"type=SYSCALL {STAMP}" + "a=1 " * (LONG // 4),
    "other pairs": f"type=SYSCALL {STAMP}" + " ".join(f"k{n}=v" for n in range(LONG // 9)),
    "quotes": f"type=SYSCALL {STAMP}" + 'a=" ' * (LONG // 4),
    "braces": f"type=SYSCALL {STAMP}" + "a={ " * (LONG // 4),
    "inner": f"type=USER_CMD {STAMP}x=1 msg='" + "a " * (LONG // 2),
    "inner pairs": f"type=USER_CMD {STAMP}x=1 msg='" + "op=a b " * (LONG // 7) + "'",
    "inner blanks": f"type=USER_CMD {STAMP}x=1 msg='op=" + " " * LONG + "x=1'",
    "arguments": f"type=EXECVE {STAMP}" + " ".join(f'a{n}="x"' for n in range(LONG // 9)),
    "pieces": f"type=EXECVE {STAMP}" + " ".join(f"a0[{n}]=41" for n in range(LONG // 10)),
    "hexadecimal": f"type=PROCTITLE {STAMP}proctitle=" + "20" * (LONG // 2),
    "address": f"type=SOCKADDR {STAMP}saddr=0100" + "41" * (LONG // 2),
    "records": f"type=CWD {STAMP}cwd=1\n" * (LONG // 50),
    "access": f"type=AVC {STAMP}avc:  denied  {{ " + "a " * (LONG // 2),
    "syslog": "<1" * (LONG // 2) + f" type=CWD {STAMP}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_records_cost_linear_time(name: str) -> None:
    pipeline = compile_pipeline(load_pipeline(ROOT / "pipelines" / "system.audit"), Enrichers.empty())
    hostile = Slice("shop", "prod", "s", "shardId-000000000000", "1", 0, 1_768_381_953_000, [HOSTILE[name]], log_group="/auditd")
    carried = pipeline.carry(hostile, 1_768_381_953_000)
    assert len(carried.pieces) + len(carried.dead) == 1
    spent = least_seconds(lambda: pipeline.carry(hostile, 1_768_381_953_000))
    assert spent < 0.03, f"{spent * 1000:.1f} ms for {LONG} characters"


def test_a_line_that_only_begins_like_a_record_of_the_kernel_is_refused() -> None:
    with pytest.raises(EventError) as caught:
        auditd("Jan 14 09:12:35 ip-10-0-3-7 kernel: audit: type=1130 audit(176837295 ses=4294967295")
    assert caught.value.code == "not_auditd"
