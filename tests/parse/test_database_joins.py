"""Entries of databases' logs that came line by line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.parse.joins import JOINED, JOINS
from service.parse.joins.pieces import MOST_CHARACTERS, MOST_PIECES
from tests.pace import least_seconds

DATABASES = ("mysql", "oracle", "postgresql", "redshift", "sqlserver")
SLOW = ("# Time: 2026-01-14T10:00:00Z", "# User@Host: a[a] @  [x]", "# Query_time: 1", "SELECT 1", " FROM x;")
POSTGRES = "2026-01-14 10:00:00 UTC:x(1):a@b:[1]:LOG:  statement: SELECT 1"
CSV = '2026-01-14 10:00:00.123 UTC,"a","b",1,'
REDSHIFT = "'2026-01-14T10:00:00Z UTC [ db=a user=b pid=1 userid=2 xid=3 ]' LOG: SELECT 1"
ORACLE = "Wed Jan 14 10:00:00 2026 +00:00"


def joined(database: str, *events: str) -> list[str]:
    kept = list(events)
    assert JOINS[database](kept) == (JOINED in kept)
    assert len(kept) == len(events)
    return [event for event in kept if event != JOINED]


@pytest.mark.parametrize(
    ("database", "entries"),
    [
        ("mysql", [SLOW, SLOW[1:], ["2026-01-14T10:00:00Z 0 [Note] x", " y"], ["1768384806000003,h,u,x,1,1,QUERY,d,'x',0"]]),
        ("mysql", [["260114 10:00:00\t    5 Query\tselect", " 1"], ["\t\t    5 Quit\t"], ["20260114 10:00:00,h,u,x"]]),
        ("mysql", [["/rdsdbbin/mysql/bin/mysqld, Version: 8.0", "Tcp port: 3306", "Time  Id Command Argument"], SLOW]),
        ("postgresql", [[POSTGRES, "\t FROM x", "\t"], [POSTGRES], ["LOG:  no time"], [POSTGRES, "\tx"]]),
        ("postgresql", [[CSV + '"a', 'b ""c"" d', "", 'e",x'], [CSV + '"f"'], [CSV + '"never closed'], [CSV + '"g"']]),
        ("oracle", [["Audit file /x.aud", "Oracle Database", ORACLE, "LENGTH: '9'", "ACTION 'x"], [ORACLE, "LENGTH: '9'"]]),
        ("oracle", [["2026-01-14T10:00:00.1+00:00", "x"], ["2026-01-14T10:00:01Z", "14-JAN-2026 10:00:01 * x", "TNS-1"]]),
        ("oracle", [['<?xml version="1.0"?>', "<Audit>", "<AuditRecord>", "<DB_User>x"], ["<AuditRecord>", "</AuditRecord>"]]),
        ("oracle", [["*** 2026-01-14T10:00:00 (CDB$ROOT(1))", "*** SESSION ID:(1.2)"], ["<msg time='x'>", " <txt>x"], ["{}"]]),
        ("redshift", [[REDSHIFT, "FROM x", "", "WHERE a || '|' = b"], [REDSHIFT], ["authenticated |Wed, 14 Jan 2026|x"]]),
        ("redshift", [["1|a||create|0|0|0||1|2|Wed, 14 Jan 2026 10:00:00:123"], [REDSHIFT, "1 | 2"]]),
        ("sqlserver", [["2026-01-14 10:00:00.10 Server      x", "\ty"], ["2026-01-14 10:00:00 - ! [298] x"], ["{}"]]),
    ],
)  # fmt: skip
def test_lines_come_to_the_entry_they_belong_to(database: str, entries: list[list[str]]) -> None:
    lines = [line for entry in entries for line in entry]
    assert joined(database, *lines) == ["\n".join(entry) for entry in entries]


@pytest.mark.parametrize("database", DATABASES)
def test_without_a_beginning_nothing_is_joined(database: str) -> None:
    lines = ["\tsomething", "\tof an entry", "\tthat began elsewhere"]
    assert joined(database, *lines) == lines
    assert joined(database) == []


def test_an_entry_that_came_whole_stays_as_it_is() -> None:
    whole = ["\n".join(SLOW), "\n".join(SLOW[1:]), "\n".join(SLOW)]
    assert joined("mysql", *whole) == whole


def test_what_is_joined_again_is_the_same() -> None:
    events = [POSTGRES, "\tx", POSTGRES]
    JOINS["postgresql"](events)
    again = list(events)
    assert JOINS["postgresql"](again)
    assert again == events == [f"{POSTGRES}\n\tx", JOINED, POSTGRES]


def test_an_entry_ends_at_its_bounds() -> None:
    lengths = [each.count("\n") + 1 for each in joined("postgresql", POSTGRES, *["\tx"] * (2 * MOST_PIECES))]
    assert lengths == [MOST_PIECES, MOST_PIECES, 1]
    large = "\t" + "x" * (MOST_CHARACTERS // 2)
    assert joined("postgresql", POSTGRES, large, large, "\ty") == [f"{POSTGRES}\n{large}", f"{large}\n\ty"]


@given(
    st.sampled_from(DATABASES),
    st.lists(st.one_of(st.text(max_size=20), st.sampled_from([*SLOW, POSTGRES, CSV, CSV + '"', ORACLE, REDSHIFT]))),
)
def test_no_line_is_lost(database: str, events: list[str]) -> None:
    kept = [event.replace("\r", "").replace("\n", "") or "x" for event in events if event != JOINED]
    assert "\n".join(joined(database, *kept)) == "\n".join(kept)


@pytest.mark.parametrize("database", DATABASES)
@pytest.mark.parametrize(
    "line", ["\t", '"' * 1_000, "Wed " * 500, "*** 2026-01-14 10:00:00 (" + "(" * 1_000, "# Time: " + "x" * 1_000]
)
def test_a_megabyte_takes_no_time(database: str, line: str) -> None:
    events = [POSTGRES, *[line] * (1_000_000 // len(line))]
    assert least_seconds(lambda: joined(database, *events), tries=2) < 1
