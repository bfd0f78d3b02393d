"""Forms of time that services write without being asked for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.normalise.time import Times, epoch_auto

TIMES = Times(epoch_auto, lambda when: f"{when.year}")


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("Jan 19, 2022, 10:46:15 PM", "2022-01-19T22:46:15.000Z"),
        ("Jan 19, 2022 12:46:15 AM", "2022-01-19T00:46:15.000Z"),
        ("Jan 19, 2022, 12:46:15\u202fPM", "2022-01-19T12:46:15.000Z"),
        ("1.663703546405E9", "2022-09-20T19:52:26.405Z"),
        ("1.663703546405E12", "2022-09-20T19:52:26.405Z"),
        (1748534680.5, "2025-05-29T16:04:40.500Z"),
    ],
)
def test_a_time_is_read_however_it_is_written(written: object, text: str) -> None:
    moment = TIMES[written]
    assert moment is not None
    assert moment.text == text


@pytest.mark.parametrize(
    "written", ["Foo 19, 2022, 10:46:15 PM", "Jan 32, 2022, 10:46:15 PM", "Jan 1, 2022, 13:00:00 PM", "1.5E99"]
)
def test_what_only_looks_like_a_time_is_none(written: str) -> None:
    assert TIMES[written] is None


@given(st.text() | st.integers() | st.floats() | st.from_regex(r"\d\.\d{1,18}[eE]\d{1,3}", fullmatch=True))
def test_anything_else_is_a_time_or_none_and_never_an_error(written: object) -> None:
    moment = TIMES[written]
    assert moment is None or moment.text.endswith("Z")
