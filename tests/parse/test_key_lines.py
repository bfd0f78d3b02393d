"""Blocks of names and values."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import EventError
from service.parse.steps.key_lines import key_lines
from tests.pace import least_seconds


def test_every_line_is_a_pair_and_names_become_plain() -> None:
    head = "Time: 01/14/26 09:12:33.24, usecs:1\nCommand Type(hex) : CN_MGMT_CMD (0x0)\n"
    assert key_lines(head + "Priv/Secret Key Handle : 7\nLog type : A (2)\n") == {
        "time": "01/14/26 09:12:33.24, usecs:1",
        "command_type": "CN_MGMT_CMD",
        "command_type_code": "0x0",
        "priv_secret_key_handle": "7",
        "log_type": "A",
        "log_type_code": "2",
    }


def test_the_first_of_a_name_counts_and_words_are_kept() -> None:
    assert key_lines("A : 1\nA : 2\nB :\nonly words\r\n") == {"a": "1", "_rest": "only words"}


def test_a_text_without_names_is_a_dead_letter() -> None:
    with pytest.raises(EventError, match="no line"):
        key_lines("only words\n")


@settings(max_examples=300)
@given(st.lists(st.one_of(st.text(max_size=20), st.sampled_from([": ", " : ", "(0x1)", "\n", "A", " (", ")"])), max_size=40))
def test_any_text_gives_text_or_a_dead_letter(pieces: list[str]) -> None:
    try:
        found = key_lines("".join(pieces))
    except EventError:
        return
    assert found
    assert all(isinstance(value, str) and value for value in found.values())


@pytest.mark.parametrize("piece", ["a", " ", ":", "\n", "a:", "a : b (", "a : (0x1) ", "(", "a(b", "A :" + " " * 50])
def test_hostile_blocks_cost_linear_time(piece: str) -> None:
    text = "A : 1\n" + piece * (100_000 // len(piece))
    assert least_seconds(lambda: key_lines(text)) < 0.03
