"""Forms of time that services write without being asked for one."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.normalise.time import READERS, Times, epoch_auto, suffix_of

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


def text_of(form: str, value: object) -> str | None:
    moment = Times(READERS[form], suffix_of("month"))[value]
    return None if moment is None else moment.text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Fri, 27 Jan 2023 06:02:51 GMT", "2023-01-27T06:02:51.000Z"),
        ("Thu, 1 Jan 2026 06:02:51 +0200", "2026-01-01T04:02:51.000Z"),
        ("Monday, 05 January 2026 06:02", "2026-01-05T06:02:00.000Z"),
        ("14 Jan 2026 10:11:12.131", "2026-01-14T10:11:12.131Z"),
        ("Wed, 14 Jan 2026 10:11:12:131", "2026-01-14T10:11:12.131Z"),
        ("14-Jan-2026 10:11:12", "2026-01-14T10:11:12.000Z"),
        ("31 Dec 2025 23:59:60 UTC", "2025-12-31T23:59:59.000Z"),
        ("2026-01-14T10:11:12Z", "2026-01-14T10:11:12.000Z"),
        (1768385472, "2026-01-14T10:11:12.000Z"),
        ("31 Feb 2026 10:11:12", None),
        ("14 Foo 2026 10:11:12", None),
        ("14 Jan 2026 25:11:12", None),
        ("14 Jan", None),
        ("", None),
        (True, None),
        (None, None),
    ],
)
def test_dates_of_mail_and_http_are_read(value: object, text: str | None) -> None:
    assert text_of("rfc2822", value) == text


@pytest.mark.parametrize(
    ("form", "value", "text"),
    [
        ("day_first", "14/01/2026 10:11:12", "2026-01-14T10:11:12.000Z"),
        ("day_first", "14.1.2026, 6:11 PM", "2026-01-14T18:11:00.000Z"),
        ("day_first", "14-01-2026 10:11:12,5 +02:00", "2026-01-14T08:11:12.500Z"),
        ("month_first", "01/14/2026 12:11:12 AM", "2026-01-14T00:11:12.000Z"),
        ("month_first", "2026-01-14T10:11:12Z", "2026-01-14T10:11:12.000Z"),
        ("month_first", "14/01/2026 10:11:12", None),
        ("day_first", "14/01.2026 10:11:12", None),
        ("day_first", "14/01/2026 13:11:12 PM", None),
        ("day_first", "14/01/2026", None),
    ],
)
def test_dates_in_numbers_are_read_in_the_order_that_the_pipeline_says(form: str, value: str, text: str | None) -> None:
    assert text_of(form, value) == text


@given(
    st.sampled_from(sorted(set(READERS) - {"syslog"})), st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text())
)
def test_whatever_is_no_time_is_none_and_never_raises(form: str, value: object) -> None:
    text = text_of(form, value)
    assert text is None or text.endswith("Z")


@pytest.mark.parametrize("form", sorted(READERS))
@pytest.mark.parametrize("part", [" ", "1", "Jan ", "14 Jan ", "2026-", ":", "+00:00"])
def test_a_hundred_kilobytes_are_no_time_at_once(form: str, part: str) -> None:
    began = time.monotonic()
    assert text_of(form, part * (100_000 // len(part))) is None
    assert time.monotonic() - began < 0.5
