"""Shapes of text: what the fast way into RE2 gives is what RE2's own gives."""

from __future__ import annotations

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from service.parse.pattern import matcher
from tests.pace import least_seconds

PROGRAMS = [
    r"(?P<a>\\w+) (?P<b>[^ ]*)(?: (?P<c>.*))?",
    r"(?s)(?P<all>.*)",
    r"(x)?(?P<after>.)(y)?(?P<last>é*)(z)?",
    r"(?P<nothing>)",
    r"(?P<one>a)|(?P<two>b)|.*",
]


@pytest.mark.parametrize("regex", PROGRAMS)
@given(text=st.text(max_size=30) | st.text(alphabet="abxyz é", max_size=8))
def test_the_groups_are_those_that_fullmatch_gives(regex: str, text: str) -> None:
    program = re2.compile(regex)
    found = re2.fullmatch(regex, text)
    expected = None if found is None else tuple(found.group(number) for number in sorted(program.groupindex.values()))
    assert matcher(program)(text.encode("utf-8", "replace"), text) == (None if found is None else expected)


def test_what_is_matched_in_part_is_not_matched() -> None:
    assert matcher(re2.compile(r"(?P<digits>\\d+)"))(b"12a", "12a") is None


def test_a_megabyte_takes_milliseconds() -> None:
    text = "a=" * 500_000
    match = matcher(re2.compile(r"(?:(?P<key>[a-z])=)*(?P<rest>x?)"))
    assert match(text.encode(), text) is not None
    assert least_seconds(lambda: match(text.encode(), text), tries=2) < 0.5
