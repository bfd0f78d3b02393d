"""Syslog lines of every dialect."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.enrich.enrichers import Enrichers
from service.errors import EventError
from service.event import Slice
from service.parse.steps.syslog import syslog
from service.pipeline.compile import compile_pipeline
from service.pipeline.load import load_pipeline
from tests.pace import least_seconds

ROOT = Path(__file__).parents[2]
HEAD = "Jan 14 09:12:33 web-1 sshd[2011]: "


def test_a_line_of_a_log_file_has_time_host_program_and_pid() -> None:
    assert syslog(HEAD + "Server listening on 0.0.0.0 port 22.") == {
        "timestamp": "Jan 14 09:12:33",
        "host": "web-1",
        "program": "sshd",
        "pid": "2011",
        "message": "Server listening on 0.0.0.0 port 22.",
    }


@pytest.mark.parametrize(
    "stamp",
    [
        "Feb  9 21:19:40",
        "Feb 22 2026 10:00:00",
        "2026-01-14T09:12:33.123456+00:00",
        "2026-01-14 09:12:33",
        "2026-01-14T09:12:33Z",
    ],
)
def test_every_way_to_write_the_time_is_understood(stamp: str) -> None:
    found = syslog(f"{stamp} web-1 sudo: x")
    assert (found["timestamp"], found["host"], found["program"], found["message"]) == (stamp, "web-1", "sudo", "x")


def test_a_host_that_rsyslog_lost_is_absent() -> None:
    assert "host" not in syslog("Feb 22 10:21:43  sshd[1332]: last message repeated 2 times")
    assert syslog("Feb 22 10:21:43 sshd[1332]: x")["program"] == "sshd"


def test_the_priority_is_taken_apart() -> None:
    found = syslog("<85>Oct 23 16:54:59 web-1 sudo:     joe : x")
    assert (found["priority"], found["facility"]["code"], found["severity"]["name"]) == (85, 10, "notice")
    assert found["message"] == "joe : x"


def test_a_priority_that_cannot_be_is_left_out() -> None:
    found = syslog("<999>Oct 23 16:54:59 web-1 sudo: x")
    assert "priority" not in found
    assert found["host"] == "web-1"


def test_rfc_5424_has_structured_data_with_escapes() -> None:
    found = syslog('<165>1 2026-01-14T22:14:15.003Z web-1 app 7 ID47 [a@1 x="3" y="\\"q\\" \\] \\\\"][b@1 c="d"] \ufeffhello')
    assert found["structured_data"] == {"a@1": {"x": "3", "y": '"q" ] \\'}, "b@1": {"c": "d"}}
    assert (found["version"], found["pid"], found["msgid"], found["message"]) == ("1", "7", "ID47", "hello")


def test_broken_structured_data_is_left_to_the_message() -> None:
    assert syslog('<86>1 2026-01-14T12:00:02Z web-1 sshd 1 - [broken x="y')["message"] == '[broken x="y'


def test_nil_values_are_absent() -> None:
    assert set(syslog("<86>1 - - sshd - - - hello")) == {
        "priority", "facility", "severity", "version", "program", "message",
    }  # fmt: skip


def test_audit_records_are_pairs_and_hexadecimal_is_text_again() -> None:
    found = syslog(
        "node=web-1 type=USER_CMD msg=audit(1768381954.000:24288): pid=1 auid=1000 "
        "msg='cwd=\"/home/joe\" cmd=2F62696E2F6C73 terminal=? res=success'"
    )
    assert found["host"] == "web-1"
    assert found["audit"] == {
        "type": "USER_CMD",
        "time": "1768381954.000",
        "sequence": "24288",
        "pid": "1",
        "auid": "1000",
        "cwd": "/home/joe",
        "cmd": "/bin/ls",
        "res": "success",
    }


def test_words_without_a_header_are_the_message() -> None:
    assert syslog("just words: here") == {"message": "just words: here"}


def test_blanks_are_a_dead_letter() -> None:
    with pytest.raises(EventError, match="blanks"):
        syslog(" \r\n")


@settings(max_examples=300)
@given(st.one_of(st.text(), st.text().map(lambda text: HEAD + text), st.text().map(lambda text: "<86>1 - h a 1 - [" + text)))
def test_any_text_gives_a_dict_or_a_dead_letter(text: str) -> None:
    try:
        found = syslog(text)
    except EventError:
        found = {}
    assert isinstance(found, dict)


LONG = 100_000
HOSTILE = {
    "blanks": HEAD + " " * LONG,
    "one word": HEAD + "a" * LONG,
    "a user of many blanks": HEAD + "Failed password for " + "a " * (LONG // 2),
    "many froms": HEAD + "Failed password for " + "from 1.2.3.4 port 22 " * (LONG // 21),
    "many accepted froms": HEAD + "Accepted password for " + "x from 1.2.3.4 port 22 " * (LONG // 23) + "ssh2",
    "closed": HEAD + "Connection closed by invalid user " + "1.1.1.1 port 1 " * (LONG // 15),
    "probe": HEAD + "x: connection from " + "user " * (LONG // 5),
    "pam": HEAD + "pam_unix(sshd:auth): " + "for user " * (LONG // 9),
    "failure": HEAD + "pam_unix(sshd:auth): authentication failure; logname=" + "x " * (LONG // 2),
    "by user": HEAD + "by user " * (LONG // 8),
    "quoted user": HEAD + " user '" * (LONG // 7),
    "sudo": "Jan 14 09:12:33 h sudo: joe : TTY=a ; PWD=" + "; ENV=" * (LONG // 6) + " ; USER=root ; COMMAND=x",
    "sudo service": "Jan 14 09:12:33 h sudo: joe : PWD=/ ; USER=root ; COMMAND=systemctl " + "--x " * (LONG // 4) + "start",
    "structured": "<86>1 - h a 1 - " + "[a]" * (LONG // 3),
    "parameters": '<86>1 - h a 1 - [a x="' + '\\"' * (LONG // 2),
    "audit": "type=A msg=audit(1.1:1): " + "a='" * (LONG // 3),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_lines_cost_linear_time(name: str) -> None:
    pipeline = compile_pipeline(load_pipeline(ROOT / "pipelines" / "system.auth"), Enrichers.empty())
    hostile = Slice("shop", "prod", "s", "shardId-000000000000", "1", 0, 1_768_381_953_000, [HOSTILE[name]], log_group="/secure")
    carried = pipeline.carry(hostile, 1_768_381_953_000)
    assert len(carried.pieces) + len(carried.dead) == 1
    spent = least_seconds(lambda: pipeline.carry(hostile, 1_768_381_953_000))
    assert spent < 0.03, f"{spent * 1000:.1f} ms for {LONG} characters"


def test_an_entry_of_the_journal_says_what_a_line_would() -> None:
    entry = {"MESSAGE": "hello", "SYSLOG_IDENTIFIER": "sshd", "_PID": "7", "_HOSTNAME": "web-1", "PRIORITY": "6", "X": 1}
    assert syslog(json.dumps({**entry, "__REALTIME_TIMESTAMP": "1768381953243123"})) == {
        "message": "hello",
        "program": "sshd",
        "pid": "7",
        "host": "web-1",
        "severity": {"code": "6", "name": "informational"},
        "stamp": "1768381953243123",
        "journal": {"X": 1},
    }


def test_a_document_of_an_agent_is_read_in_its_nested_shape() -> None:
    found = syslog(json.dumps({"message": "x", "host": {"hostname": "web-1", "os": "a"}, "log": {"syslog": {"appname": "su"}}}))
    assert found == {"message": "x", "host": "web-1", "program": "su", "journal": {"host": {"os": "a"}}}


def test_a_line_that_a_collector_wrapped_is_the_line_again() -> None:
    assert syslog(json.dumps({"log": HEAD + "hello\n", "file": "/var/log/secure"})) == {
        "journal": {"file": "/var/log/secure"},
        "timestamp": "Jan 14 09:12:33",
        "host": "web-1",
        "program": "sshd",
        "pid": "2011",
        "message": "hello",
    }


@pytest.mark.parametrize("text", ['{"no": "message"}', '{"message": 7}', "{broken", '{"message": " "}'])
def test_json_without_a_message_is_the_message_itself(text: str) -> None:
    assert syslog(text) == {"message": text}


def test_a_message_that_the_journal_wrote_as_numbers_is_text_again() -> None:
    found = syslog(json.dumps({"MESSAGE": [104, 105, 255], "__REALTIME_TIMESTAMP": "1"}))
    assert found["message"] == "hi\ufffd"


@pytest.mark.parametrize("numbers", [[256], [-1], ["h"], [1.5]])
def test_numbers_that_are_no_octets_are_no_message(numbers: list[object]) -> None:
    text = json.dumps({"MESSAGE": numbers})
    assert syslog(text) == {"message": text}


def test_of_two_names_for_the_same_the_better_one_is_taken_and_the_other_kept() -> None:
    found = syslog(json.dumps({"MESSAGE": "x", "_COMM": "python3", "SYSLOG_IDENTIFIER": "payments", "host": {"name": "web-1"}}))
    assert found == {"message": "x", "program": "payments", "host": "web-1", "journal": {"_COMM": "python3"}}
