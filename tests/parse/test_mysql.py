"""The logs of MySQL and MariaDB, in the forms they have had over the years."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import EventError
from service.parse.steps.mysql import LONGEST, mysql
from tests.pace import least_seconds

AUDIT = "1768381203000003,shop-1,orders,198.51.100.7,12,101,"
SLOW = """# Time: 2026-01-14T09:40:02.000123Z
# User@Host: orders[app] @ db.example.com [198.51.100.7]  Id:    12
# Query_time: 2.000123  Lock_time: 0.000012 Rows_sent: 1  Rows_examined: 100
use `my shop`;
SET timestamp=1768383600;
SELECT 1,
# 2
3;"""


@pytest.mark.parametrize(
    ("stamp", "iso"),
    [("20260114 09:15:01", "2026-01-14 09:15:01"), ("1768381203000003", "1768381203000003")],
)
def test_an_audited_statement_is_unescaped(stamp: str, iso: str) -> None:
    raw = mysql(rf"{stamp},shop-1,orders,198.51.100.7,12,101,QUERY,shop,'SELECT \'a,b\', \"c\" \n FROM \\t',0,SSL/TLS")
    assert raw["stamp"] == iso
    assert raw["statement"] == "SELECT 'a,b', \"c\" \n FROM \\t"
    assert raw["audit"] == {"server": "shop-1", "query": 101, "operation": "QUERY", "code": 0, "how": "SSL/TLS"}
    assert (raw["user"], raw["host"], raw["thread"], raw["database"]) == ("orders", "198.51.100.7", 12, "shop")


def test_events_on_tables_name_the_table() -> None:
    assert mysql(AUDIT + "READ,shop,orders,")["audit"] == {
        "server": "shop-1",
        "query": 101,
        "operation": "READ",
        "object": "orders",
    }
    assert "statement" not in mysql(AUDIT + "CONNECT,,,0")


def test_a_statement_that_is_cut_off_is_kept() -> None:
    assert mysql(AUDIT + "QUERY,shop,'SELECT a, b")["statement"] == "SELECT a, b"
    assert len(mysql(AUDIT + "QUERY,shop,'" + "x" * 100_000 + "',0")["statement"]) == LONGEST + 1


@pytest.mark.parametrize(
    ("line", "command", "rest"),
    [
        ("2026-01-14T09:15:01.123456Z\t   12 Query\tSELECT 1", "Query", {"statement": "SELECT 1"}),
        ("260114  9:15:01\t   12 Init DB\tshop", "Init DB", {"database": "shop"}),
        ("\t\t   12 Quit\t", "Quit", {}),
        ("260114  9:15:01\t   12 Connect\to@h on d using TCP/IP", "Connect", {"user": "o", "host": "h", "database": "d"}),
        ("260114  9:15:01\t   12 Connect\tAccess denied for user 'x'@'h'", "Connect", {"said": "Access denied for user 'x'@'h'"}),
    ],
)  # fmt: skip
def test_lines_of_the_general_log(line: str, command: str, rest: dict[str, Any]) -> None:
    raw = mysql(line)
    assert (raw["log"], raw["command"], raw["thread"]) == ("general", command, 12)
    assert {name: raw[name] for name in rest} == rest


@pytest.mark.parametrize(
    ("line", "stamp", "level", "said"),
    [
        ("2026-01-14T09:15:01.1Z 0 [System] [MY-010931] [Server] ready", "2026-01-14T09:15:01.1Z", "System", "ready"),
        ("2026-01-14T09:15:01.1Z 7 [Note] InnoDB: x", "2026-01-14T09:15:01.1Z", "Note", "InnoDB: x"),
        ("2026-01-14  9:15:01 140735 [Note] x", "2026-01-14 09:15:01", "Note", "x"),
        ("2026-01-14 09:15:01 0 [Note] x", "2026-01-14 09:15:01", "Note", "x"),
        ("260114  9:15:01 [ERROR] x", "2026-01-14 09:15:01", "ERROR", "x"),
        ("210218 12:30:43 server_audit: STOPPED", "2021-02-18 12:30:43", None, "server_audit: STOPPED"),
    ],
)
def test_lines_of_the_error_log(line: str, stamp: str, level: str | None, said: str) -> None:
    raw = mysql(line)
    assert (raw["log"], raw["stamp"], raw.get("level"), raw["said"]) == ("error", stamp, level, said)


def test_a_slow_query_is_one_statement_with_its_numbers() -> None:
    raw = mysql(SLOW)
    assert raw["statement"] == "SELECT 1,\n# 2\n3;"
    assert raw["slow"] == {"Query_time": "2.000123", "Lock_time": "0.000012", "Rows_sent": "1", "Rows_examined": "100"}
    assert (raw["user"], raw["effective"], raw["host"], raw["name"]) == ("orders", "app", "198.51.100.7", "db.example.com")
    assert (raw["database"], raw["began"], raw["thread"]) == ("my shop", "1768383600", "12")


def test_mariadb_names_thread_and_schema_in_a_line_of_their_own() -> None:
    head = "# User@Host: root[root] @ localhost []\n# Thread_id: 37  Schema: shop  QC_hit: No\n"
    raw = mysql(head + "# explain: id\n# explain: 1\nSELECT 1;")
    assert (raw["thread"], raw["database"], raw["host"]) == ("37", "shop", "localhost")
    assert raw["slow"] == {"QC_hit": False, "explain": "id\n1"}


def test_a_line_of_blanks_is_refused() -> None:
    with pytest.raises(EventError, match="blanks"):
        mysql(" \n\0\t")


def test_any_other_text_is_all_message() -> None:
    assert mysql("Most likely, you have hit a bug") == {"message": "Most likely, you have hit a bug"}


@given(
    st.text(min_size=1, max_size=200),
    st.sampled_from(["", AUDIT, AUDIT + "QUERY,d,'", "# Time: ", "# User@Host: ", "260114  9:15:01\t 1 "]),
)
def test_any_text_is_taken(text: str, start: str) -> None:
    if (start + text).strip("\ufeff\r\n\0").strip("\0 \t\r\n"):
        assert isinstance(mysql(start + text), dict)


@pytest.mark.parametrize(
    "part", ["# a: b ", "#\n", "a: b ", "\\'", "',0", ",", "use x;", "SET timestamp=1;", "# explain: x\n", "@ [", "\t1 Query\t"]
)
def test_a_megabyte_takes_milliseconds(part: str) -> None:
    text = part * (1_000_000 // len(part))
    starts = (
        "",
        AUDIT + "QUERY,d,'",
        AUDIT + "READ,d,",
        "# Time: 1\n",
        "# User@Host: ",
        "260114  9:15:01 ",
        "260114  9:15:01\t   1 ",
    )
    for start in starts:
        assert least_seconds(partial(mysql, start + text), tries=2) < 0.5
