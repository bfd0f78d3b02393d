"""Lines of Redshift's three audit logs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import EventError
from service.parse.steps.redshift import redshift
from tests.pace import least_seconds

CONNECTION = "authenticated |Wed, 14 Jan 2026 09:02:11:123|::ffff:198.51.100.7   |52128 |123|dev  |alice  |password  |0"
USER = "108|report   ||create  |0|1|0|   |123|456|Wed, 14 Jan 2026 09:02:11:123"
STATEMENT = "'2026-01-14T09:02:11Z UTC [ db=dev user=alice pid=1 userid=2 xid=3 ]' LOG: SELECT 'a|b'\nFROM x"


def test_columns_lose_their_padding_and_empty_ones_are_absent() -> None:
    assert redshift(CONNECTION) == {
        "log": "connectionlog",
        "event": "authenticated",
        "stamp": "Wed, 14 Jan 2026 09:02:11:123",
        "peer": "::ffff:198.51.100.7",
        "peer_port": "52128",
        "pid": "123",
        "database": "dev",
        "user": "alice",
        "method": "password",
    }
    assert "valid_until" not in redshift(USER)
    assert (redshift(USER)["log"], redshift(USER)["name"], redshift(USER)["super_user"]) == ("userlog", "report", "1")


def test_a_local_connection_has_no_peer() -> None:
    assert "peer" not in redshift(CONNECTION.replace("::ffff:198.51.100.7", "[local]"))


def test_columns_that_are_not_known_are_kept_together() -> None:
    assert redshift(CONNECTION + "|" * 14 + "later|still")["further"] == "later|still"
    assert redshift(USER + "|later|still")["further"] == "later|still"


def test_a_statement_is_kept_as_it_is() -> None:
    found = redshift(STATEMENT)
    assert found["statement"] == "SELECT 'a|b'\nFROM x"
    assert (found["database"], found["user"], found["xid"], found["zone"]) == ("dev", "alice", "3", "UTC")


@pytest.mark.parametrize("text", ["FROM orders", CONNECTION[:40], USER[:20], STATEMENT[:50], "a|b|c|d|e|f|g|h|i"])
def test_other_text_is_all_message(text: str) -> None:
    assert redshift(text) == {"message": text}


def test_a_line_of_blanks_is_refused() -> None:
    with pytest.raises(EventError, match="blanks"):
        redshift(" \r\n")


@given(st.one_of(st.text(), st.tuples(st.sampled_from([CONNECTION, USER, STATEMENT]), st.integers(0, 120), st.text()).map(
    lambda made: made[0][: made[1]] + made[2]
)))  # fmt: skip
def test_any_text_gives_fields_or_an_event_error(text: str) -> None:
    try:
        found = redshift(text)
    except EventError:
        return
    assert all(isinstance(value, str) and value and value in text for name, value in found.items() if name != "log")


@pytest.mark.parametrize(
    "text",
    [
        CONNECTION + "|" * 1_000_000,
        CONNECTION + " " * 1_000_000 + "x",
        "1|" + " |" * 500_000,
        STATEMENT[:28] + "[ db=" + " user= pid=" * 100_000,
        "'2026-01-14T09:02:11Z UTC [ db=" + " user=" * 200_000,
    ],
)
def test_hostile_lines_take_no_longer_than_their_length(text: str) -> None:
    assert least_seconds(lambda: redshift(text), tries=2) < 0.5  # 5 to 20 ms; a quadratic look takes minutes
