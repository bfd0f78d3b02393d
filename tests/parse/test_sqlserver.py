"""Lines of SQL Server, of its Agent, and rows of its audit."""

from __future__ import annotations

import json
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import EventError
from service.parse.steps.sqlserver import LONGEST, sqlserver
from tests.pace import least_seconds

LOGON = "2026-01-14 09:15:00.10 Logon       "


def test_the_client_stands_apart_from_what_is_said() -> None:
    assert sqlserver(LOGON + "Login failed for user 'sa'. Reason: no. [CLIENT: 198.51.100.7]") == {
        "log": "error",
        "stamp": "2026-01-14 09:15:00.10",
        "origin": "Logon",
        "message": "Login failed for user 'sa'. Reason: no. [CLIENT: 198.51.100.7]",
        "said": "Login failed for user 'sa'. Reason: no.",
        "client": "198.51.100.7",
    }
    assert "client" not in sqlserver(LOGON + "Login succeeded for user 'sa'. [CLIENT: <local machine>]")


@pytest.mark.parametrize(("origin", "spid"), [("spid53", 53), ("spid12s", 12), ("Server", None), ("Backup", None)])
def test_the_origin_may_be_a_session(origin: str, spid: int | None) -> None:
    raw = sqlserver(f"2026-01-14 09:15:00.10 {origin:11} hello\n\tworld")
    assert (raw["origin"], raw.get("spid"), raw["message"]) == (origin, spid, "hello\n\tworld")


@pytest.mark.parametrize(("mark", "level"), [("?", "info"), ("!", "error"), ("+", "warning")])
def test_the_agent_marks_its_levels(mark: str, level: str) -> None:
    raw = sqlserver(f"2026-01-14 09:20:02 - {mark} [298] what")
    assert (raw["log"], raw["level"], raw["number"], raw["message"]) == ("agent", level, "298", "what")


def test_a_row_of_the_audit_is_trimmed_and_its_logins_are_split() -> None:
    row = {"action_id": "SL  ", "server_principal_name": "CORP\\bob", "target_server_principal_name": "alice",
           "statement": "SELECT 1", "client_ip": "198.51.100.7", "object_name": "", "succeeded": False}  # fmt: skip
    raw = sqlserver(json.dumps(row))
    assert (raw["user"], raw["user_domain"], raw["target"], raw["client"]) == ("bob", "CORP", "alice", "198.51.100.7")
    assert raw["audit"]["action_id"] == "SL"
    assert "object_name" not in raw["audit"]
    assert raw["audit"]["succeeded"] is False
    assert "client" not in sqlserver(json.dumps({**row, "client_ip": "local machine"}))


def test_other_json_is_a_message() -> None:
    assert sqlserver('{"a": 1}')["message"] == '{"a": 1}'


def test_what_utf_16_left_behind_is_removed() -> None:
    assert sqlserver("\ufeff" + LOGON + "a\0b\0")["message"] == "ab"


def test_long_messages_are_cut() -> None:
    assert len(sqlserver(LOGON + "x" * 100_000)["message"]) == LONGEST + 1


def test_a_line_of_blanks_is_refused() -> None:
    with pytest.raises(EventError, match="blanks"):
        sqlserver(" \0\r\n")


@given(
    st.text(min_size=1, max_size=200),
    st.sampled_from(["", LOGON, "2026-01-14 09:20:02 - ! [1] ", '{"action_id": "', LOGON + "x [CLIENT: "]),
)
def test_any_text_is_taken(text: str, start: str) -> None:
    if (start + text).strip("\ufeff\r\n\0").strip("\0 \t\r\n"):
        assert isinstance(sqlserver(start + text), dict)


@pytest.mark.parametrize("part", ["[CLIENT: ", "x ", "]", "a\0", "{", "\\"])
def test_a_megabyte_takes_milliseconds(part: str) -> None:
    for start in ("", LOGON, "2026-01-14 09:20:02 - ! [1] ", '{"action_id":"SL","server_principal_name":"'):
        assert least_seconds(partial(sqlserver, start + part * (1_000_000 // len(part))), tries=2) < 0.5
