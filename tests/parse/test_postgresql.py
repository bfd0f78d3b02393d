"""PostgreSQL's log lines: RDS's prefixes, other people's, csvlog, jsonlog."""

from __future__ import annotations

import json
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import EventError
from service.parse.steps.postgresql import LONGEST, postgresql
from tests.pace import least_seconds

RDS = "2026-01-14 09:15:01 UTC:198.51.100.7(52834):orders@shop:[20175]:LOG:  "


def test_the_default_prefix_is_taken_apart() -> None:
    assert postgresql(RDS + "hello") == {
        "stamp": "2026-01-14 09:15:01 UTC",
        "zone": "UTC",
        "host": "198.51.100.7",
        "port": "52834",
        "user": "orders",
        "database": "shop",
        "pid": "20175",
        "level": "LOG",
        "message": "hello",
    }


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("[local]", {"local": "local"}),
        ("", {}),
        ("2001:db8::7(40112)", {"host": "2001:db8::7", "port": "40112"}),
        ("db.example.com", {"host": "db.example.com"}),
    ],
)
def test_the_client_stands_in_front_of_the_user(where: str, found: dict[str, str]) -> None:
    raw = postgresql(RDS.replace("198.51.100.7(52834)", where) + "x")
    assert {key: raw[key] for key in ("local", "host", "port") if key in raw} == found
    assert raw["user"] == "orders"


def test_nobody_is_no_user_and_no_database() -> None:
    raw = postgresql(RDS.replace("orders@shop", "[unknown]@[unknown]") + "x")
    assert "user" not in raw
    assert "database" not in raw


def test_the_application_of_the_long_prefix_ends_where_the_level_begins() -> None:
    line = RDS.replace("LOG:", "7:42P01:2026-01-14 09:00:00 UTC:3/145:735:6967a1b4.4ecf:pgAdmin 4 - DB:shopERROR:")
    raw = postgresql(line + "no")
    assert raw["more"] == {
        "line": "7",
        "code": "42P01",
        "start": "2026-01-14 09:00:00 UTC",
        "vxid": "3/145",
        "txid": "735",
        "session": "6967a1b4.4ecf",
        "application": "pgAdmin 4 - DB:shop",
    }
    assert (raw["level"], raw["message"]) == ("ERROR", "no")


def test_a_known_zone_becomes_its_offset() -> None:
    raw = postgresql("2026-07-14 09:15:01.123 CEST [12] orders@shop FATAL:  no")
    assert (raw["stamp"], raw["zone"]) == ("2026-07-14 09:15:01.123+02:00", "CEST")
    assert (raw["pid"], raw["user"], raw["database"], raw["level"]) == ("12", "orders", "shop", "FATAL")


def test_a_record_of_csvlog_may_hold_lines_and_quotes() -> None:
    line = '2026-01-14 09:15:01.123 UTC,"o","d",1,"[local]",6.4,3,"SELECT",2026-01-14 09:00:00 UTC,3/1,0,LOG,00000,'
    raw = postgresql(line + '"say ""hi"",\nyou",,')
    assert raw["message"] == 'say "hi",\nyou'
    assert raw["local"] == "local"
    assert raw["more"]["command_tag"] == "SELECT"


@pytest.mark.parametrize("head", [RDS.replace("LOG", "ERROR"), "2026-01-14 09:15:01.406 UTC [25] ERROR:  "])
def test_the_state_of_verbose_errors_is_no_part_of_the_message(head: str) -> None:
    found = postgresql(head + 'HV00A: relation "orderz" does not exist')
    assert (found["message"], found["more"]["code"]) == ('relation "orderz" does not exist', "HV00A")
    assert postgresql(head + "AUDIT: nothing")["message"] == "AUDIT: nothing"


def test_jsonlog_has_the_same_names() -> None:
    entry = {
        "timestamp": "2026-01-14 09:15:01.123 UTC",
        "error_severity": "LOG",
        "message": "m",
        "remote_host": "[local]",
        "ps": "idle",
    }
    assert postgresql(json.dumps(entry)) == {
        "stamp": "2026-01-14 09:15:01.123 UTC",
        "zone": "UTC",
        "level": "LOG",
        "message": "m",
        "local": "local",
        "more": {"command_tag": "idle"},
    }


def test_a_line_of_pgaudit_is_csv_whose_statement_may_be_cut_off() -> None:
    audit = postgresql(RDS + 'AUDIT: OBJECT,3,1,WRITE,UPDATE,TABLE,public.t,"UPDATE t SET a = ""x"", b = 1",<none>,12')["audit"]
    assert audit["statement"] == 'UPDATE t SET a = "x", b = 1'
    assert audit["rows"] == "12"
    assert "parameter" not in audit
    assert postgresql(RDS + 'AUDIT: SESSION,3,1,READ,SELECT,,,"SELECT a, b')["audit"]["statement"] == "SELECT a, b"
    assert "audit" not in postgresql(RDS + "AUDIT: SESSION,3")


def test_long_messages_are_cut() -> None:
    assert len(postgresql(RDS + "x" * 100_000)["message"]) == LONGEST + 1
    assert len(postgresql("x" * 100_000)["message"]) == LONGEST + 1


def test_a_line_of_blanks_is_refused() -> None:
    with pytest.raises(EventError, match="blanks"):
        postgresql(" \n\0")


@given(st.text(min_size=1, max_size=300))
def test_any_text_is_kept(text: str) -> None:
    if text.strip("\ufeff\r\n\0 "):
        raw = postgresql(RDS + text)
        assert raw["message"].strip() == text.strip("\ufeff\r\n\0 ").strip() or "message" in raw
        assert isinstance(postgresql("x" + text), dict)
        assert isinstance(postgresql("2026-01-14 09:15:01 " + text), dict)


@pytest.mark.parametrize(
    "part", ["a@b ", "[1]", "user=a,", "2026-01-14 09:15:01 UTC:", '",', '"', ":LOG", "AUDIT: SESSION,1,1,", "1.2.3.4(5)", " LOG"]
)
def test_a_megabyte_takes_milliseconds(part: str) -> None:
    text = part * (1_000_000 // len(part))
    for line in (text, RDS + text, RDS + "AUDIT: " + text, "2026-01-14 09:15:01 UTC " + text, "2026-01-14 09:15:01 UTC," + text):
        assert least_seconds(partial(postgresql, line), tries=2) < 0.5
