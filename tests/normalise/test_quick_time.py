"""Times in the forms that nearly all sources use are read without looking at all others, and mean the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.normalise.time import READERS, Moment, Times, moment_of, suffix_of

NAMES = sorted(set(READERS) - {"syslog"})
PARTS = st.tuples(
    st.sampled_from(["2026", "2024", "1969", "0000", "9999"]), st.integers(0, 13), st.integers(0, 32), st.integers(0, 25),
    st.integers(0, 61), st.integers(0, 61), st.sampled_from(["", ".1", ".12", ".123", ".123456789", ".1234567890", ",5"]),
    st.sampled_from(["Z", "z", "", "+01:00", " UTC"]),
)  # fmt: skip
TEXTS = PARTS.map(lambda p: f"{p[0]}-{p[1]:02}-{p[2]:02}T{p[3]:02}:{p[4]:02}:{p[5]:02}{p[6]}{p[7]}")
NUMBERS = st.integers(-(10**6), 10**22) | st.sampled_from([0, 1, 10**11 - 1, 10**11, 10**14, 10**17, 10**20 - 1, 10**20])
KEYS = TEXTS | NUMBERS | NUMBERS.map(str) | st.booleans() | st.sampled_from(["٢٠٢٦-01-01T00:00:00Z", "", "-"])


def slowly(name: str, period: str, key: object) -> Moment | None:
    try:
        found = READERS[name](key)
        return None if found is None else moment_of(*found, suffix_of(period))
    except (ValueError, OverflowError):
        return None


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)
@given(st.sampled_from(["day", "week", "month"]), KEYS)
def test_a_time_read_quickly_is_the_one_that_its_reader_finds(name: str, period: str, key: object) -> None:
    times = Times(READERS[name], suffix_of(period))
    assert times[key] == slowly(name, period, key)
    assert times[key] == slowly(name, period, key)


def test_days_of_hostile_clocks_are_not_kept() -> None:
    times = Times(READERS["epoch_auto"], suffix_of("day"))
    for day in range(5_000):
        times[day * 86_400]
    assert len(times) == 5_000
    assert len(times._days) <= 1_000
