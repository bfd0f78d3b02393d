"""Oracle's audit as text, XML and JSON, the listener's log, the alert log."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import EventError
from service.parse.steps.oracle import oracle
from service.parse.steps.oracle_audit import LONGEST
from tests.pace import least_seconds

STAMP = "Wed Jan 14 09:15:08 2026 +00:00\n"


def test_a_value_is_as_long_as_the_record_says_quotes_within() -> None:
    statement = "select 'x' A :[1] 'y' from z"
    raw = oracle(f"{STAMP}LENGTH : '99'\nACTION :[{len(statement)}] '{statement}'\nDATABASE USER:[1] '/'\nSTATUS:[1] '0'\n")
    assert (raw["log"], raw["stamp"], raw["statement"]) == ("audit", "2026-01-14T09:15:08+00:00", statement)
    assert (raw["user"], raw["audit"]["status"]) == ("/", "0")


@pytest.mark.parametrize("length", [3, 41, 99_999])
def test_a_length_that_is_not_true_is_not_believed(length: int) -> None:
    """Masks shorten statements, and the length still tells of the whole one."""
    raw = oracle(
        f"{STAMP}LENGTH : '99'\nACTION :[{length}] 'ALTER USER 'x' BY [hidden]'\nDATABASE USER:[3] 'SYS'\nSTATUS:[5] '28003'\n"
    )
    assert (raw["statement"], raw["user"], raw["error"]) == ("ALTER USER 'x' BY [hidden]", "SYS", "ORA-28003")


def test_records_that_follow_are_kept_apart() -> None:
    first, second = STAMP + 'LENGTH: "9"\nUSERID:[1] "A" ACTION:[3] "100"\n', STAMP + 'LENGTH: "9"\nUSERID:[1] "B"'
    raw = oracle(f"{first}\n{second}")
    assert (raw["user"], raw["following"]) == ("A", second)


def test_the_header_of_an_audit_file_stands_before_the_record() -> None:
    raw = oracle(f'Audit file /x/y.aud\nOracle Database 19c\nNode name: z\n\n{STAMP}LENGTH: "9"\nUSERID:[1] "A" ACTION:[3] "100"')
    assert (raw["stamp"], raw["user"], raw["audit"]["number"]) == ("2026-01-14T09:15:08+00:00", "A", "100")


def test_xml_is_unescaped_and_only_its_first_record_counts() -> None:
    record = "<AuditRecord><DB_User>{}</DB_User><Action>3</Action><Sql_Text>select a &gt; &quot;c&quot;</Sql_Text></AuditRecord>"
    raw = oracle('<?xml version="1.0"?><Audit xmlns="x">' + record.format("A") + record.format("B") + "</Audit>")
    assert (raw["user"], raw["statement"], raw["audit"]["number"]) == ("A", 'select a > "c"', "3")


def test_rows_of_the_unified_trail_may_be_json() -> None:
    row = {"DBUSERNAME": "A", "ACTION_NAME": "LOGON", "RETURN_CODE": 1017, "EVENT_TIMESTAMP_UTC": "2026-01-14T09:15Z",
           "AUTHENTICATION_TYPE": "(TYPE=(DATABASE));(CLIENT ADDRESS=((HOST=198.51.100.8)(PORT=40001)));"}  # fmt: skip
    raw = oracle(json.dumps(row))
    assert (raw["user"], raw["error"], raw["client"], raw["port"], raw["method"]) == (
        "A",
        "ORA-01017",
        "198.51.100.8",
        "40001",
        "DATABASE",
    )
    assert oracle('{"a": 1}')["log"] == "alert"


@pytest.mark.parametrize(("said", "name"), [("CONNECT", "LOGON"), ("logoff", "LOGOFF"), ("STARTUP", "DATABASE STARTUP")])
def test_sys_says_what_it_does_where_others_say_the_statement(said: str, name: str) -> None:
    raw = oracle(f"{STAMP}LENGTH : '9'\nACTION :[{len(said)}] '{said}'\nDATABASE USER:[1] '/'\nPRIVILEGE :[4] 'NONE'\n")
    assert (raw["audit"]["action_name"], "privilege" in raw["audit"]) == (name, False)


def test_the_listener_names_client_program_and_service() -> None:
    raw = oracle(
        "14-JAN-2026 09:30:00 * (CONNECT_DATA=(SERVICE_NAME=ORCL)(CID=(PROGRAM=sqlplus)(HOST=app)(USER=alice)))"
        " * (ADDRESS=(PROTOCOL=tcp)(HOST=198.51.100.7)(PORT=52834)) * establish * ORCL * 12514"
    )
    del raw["message"]
    assert raw == {
        "log": "listener", "stamp": "2026-01-14T09:30:00", "status": "12514", "error": "TNS-12514",
        "program": "sqlplus", "host": "app", "os_user": "alice", "service": "ORCL",
        "protocol": "tcp", "client": "198.51.100.7", "port": "52834", "event": "establish",
    }  # fmt: skip


def test_the_thin_driver_says_no_host() -> None:
    assert "host" not in oracle(
        "14-JAN-2026 09:30:00 * (CONNECT_DATA=(SID=X)(CID=(PROGRAM=p)(HOST=__jdbc__)(USER=u))) * establish * X * 0"
    )


@pytest.mark.parametrize(
    ("text", "stamp", "message", "error"),
    [
        ("2026-01-14T09:40:09.1+00:00\nORA-1653: full", "2026-01-14T09:40:09.1+00:00", "ORA-1653: full", "ORA-1653"),
        ("*** 2026-01-14T09:40:09.1+00:00 (CDB$ROOT(1))\nx", "2026-01-14T09:40:09.1+00:00", "x", None),
        ("Wed Jan  4 09:40:10 2026\nArchived", "2026-01-04T09:40:10", "Archived", None),
        (
            "<msg time='2026-01-14T09:40:11Z' type='ERROR'>\n <txt>a &amp; b\n </txt>\n</msg>",
            "2026-01-14T09:40:11Z",
            "a & b",
            None,
        ),
        ("no time at all", None, "no time at all", None),
    ],
)
def test_the_alert_log_has_its_time_in_front(text: str, stamp: str | None, message: str, error: str | None) -> None:
    raw = oracle(text)
    assert (raw["log"], raw.get("stamp"), raw["message"], raw.get("error")) == ("alert", stamp, message, error)


@pytest.mark.parametrize("text", ["", "  \n", "\ufeff\0"])
def test_blanks_are_refused(text: str) -> None:
    with pytest.raises(EventError) as refused:
        oracle(text)
    assert (refused.value.stage, refused.value.code) == ("parse", "empty")


@given(st.text())
def test_any_text_is_read_or_refused_by_name(text: str) -> None:
    for head in ("", STAMP + "LENGTH : '1'\n", "<AuditRecord>", "14-JAN-2026 09:30:00 * ", "<msg time='x'>", "ACTION:[3] '"):
        with contextlib.suppress(EventError):
            assert oracle(head + text)["log"] in ("audit", "listener", "alert")


@pytest.mark.parametrize(
    "text",
    [
        STAMP + "LENGTH : '1'\nACTION :[9] '" + "'" * 1_000_000,
        STAMP + "LENGTH : '1'\n" + "A:[1] 'b' " * 100_000,
        STAMP * 30_000 + "LENGTH : '1'",
        "<AuditRecord>" + "<a>" * 300_000,
        "<AuditRecord>" + "<a>b</a>" * 120_000,
        "14-JAN-2026 09:30:00 * (CONNECT_DATA=" + "(CID=" * 200_000,
        "14-JAN-2026 09:30:00 * " + " * " * 300_000,
        "ORA-" * 250_000,
        "A" * 1_000_000,
        "A B " * 250_000,
        "<msg " + "a='b' " * 160_000 + "><txt>",
        "Audit file " + "Wed " * 250_000,
        "2026-01-14T09:40:09" + " " * 1_000_000 + "x",
        "{" * 1_000_000,
    ],
    ids=range(14),
)
def test_a_megabyte_takes_no_time(text: str) -> None:
    assert least_seconds(lambda: oracle(text), tries=2) < 0.5
    assert len(str(oracle(text).get("message", ""))) <= LONGEST + 1
