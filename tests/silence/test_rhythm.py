"""Rhythms of all kinds: no alarm while they hold, an alarm within bounds once they stop."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.silence.rhythm import BUCKET_MS, DAY_MS, HOUR_MS, SIZE, Habit, Rhythm, habit

BORN_MS = 1_795_046_400_000  # a Thursday, midnight UTC
AFTER_MS = HOUR_MS
WEEK_MS = 7 * DAY_MS


def every(hours: float, jitter: float, weeks: int, rng: random.Random) -> list[int]:
    runs = int(weeks * 168 / hours)
    return sorted(BORN_MS + round((run * hours + rng.uniform(-jitter, jitter)) * HOUR_MS) for run in range(runs))


def by_chance(mean_hours: float, weeks: int, rng: random.Random, open_at: Callable[[int], bool] = lambda _: True) -> list[int]:
    at_ms, found = BORN_MS, [BORN_MS]
    while at_ms < BORN_MS + weeks * WEEK_MS:
        at_ms += round(rng.expovariate(1 / (mean_hours * HOUR_MS))) + 1
        if open_at(at_ms):
            found.append(at_ms)
    return found


def in_office_hours(at_ms: int) -> bool:
    weekday, hour = (at_ms // DAY_MS + 3) % 7, at_ms // HOUR_MS % 24
    return weekday < 5 and 7 <= hour < 18


def heard(times: Iterable[int]) -> tuple[Rhythm, list[tuple[float, Habit]]]:
    """The rhythm after all of them, and every silence on the way that would have been called one."""
    first, *others = times
    rhythm, alarms = Rhythm.began(first), []
    for at_ms in others:
        quiet = at_ms - rhythm.last_ms
        if quiet > AFTER_MS:
            found = habit(rhythm, AFTER_MS)
            if found.patience_ms is not None and quiet > found.patience_ms:
                alarms.append(((at_ms - first) / DAY_MS, found))
        rhythm.hear([], at_ms)
    return rhythm, alarms


@settings(max_examples=12, deadline=None)
@given(
    hours=st.sampled_from([0.5, 1.0, 2.0, 6.0, 12.0, 24.0, 48.0, 168.0]),
    share=st.floats(0.0, 0.06),
    seed=st.integers(0, 2**32),
)
def test_a_regular_source_with_jitter_raises_no_alarm_and_its_end_is_noticed_soon(hours: float, share: float, seed: int) -> None:
    rhythm, alarms = heard(every(hours, hours * share, 6, random.Random(seed)))
    assert alarms == []
    patience = habit(rhythm, AFTER_MS).patience_ms
    assert patience is not None
    assert patience <= (2 * hours + 3) * HOUR_MS


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32), mean=st.sampled_from([0.02, 0.05, 0.1]))
def test_office_hours_are_learnt_and_a_silence_at_ten_in_the_morning_is_noticed_before_noon(seed: int, mean: float) -> None:
    times = by_chance(mean, 7, random.Random(seed), in_office_hours)
    _, alarms = heard(times)
    assert alarms == []
    # The source dies on a Wednesday at ten.
    wednesday = BORN_MS + 41 * DAY_MS - DAY_MS + 10 * HOUR_MS - (BORN_MS // DAY_MS + 40 + 3) % 7 * DAY_MS + 2 * DAY_MS
    assert in_office_hours(wednesday)
    rhythm, _ = heard([at_ms for at_ms in times if at_ms < wednesday])
    patience = habit(rhythm, AFTER_MS).patience_ms
    assert patience is not None
    assert patience <= 3 * HOUR_MS


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32), mean=st.floats(0.1, 30.0), weeks=st.integers(0, 6))
def test_whatever_the_rhythm_patience_ends(seed: int, mean: float, weeks: int) -> None:
    rhythm, _ = heard(by_chance(mean, weeks, random.Random(seed)))
    found = habit(rhythm, AFTER_MS)
    if found.patience_ms is None:
        assert len(rhythm.buckets()) < 3
        return
    longest = max([1, *(b - a for a, b in zip(rhythm.buckets(), rhythm.buckets()[1:], strict=False))]) * BUCKET_MS
    assert AFTER_MS <= found.patience_ms <= max(8 * DAY_MS, 3 * longest + AFTER_MS)


@pytest.mark.parametrize("mean", [0.2, 1.0, 3.0])
def test_a_source_without_rhythm_is_seldom_called_silent(mean: float) -> None:
    alarms = [alarm for seed in range(2) for alarm in heard(by_chance(mean, 7, random.Random(seed)))[1]]
    assert len(alarms) <= 1  # of ten weeks


def test_a_nightly_burst_is_a_nightly_source() -> None:
    rng = random.Random(7)
    times = [BORN_MS + day * DAY_MS + round(rng.uniform(0, 0.7) * HOUR_MS) for day in range(40) for _ in range(50)]
    rhythm, alarms = heard(sorted(times))
    assert alarms == []
    patience = habit(rhythm, AFTER_MS).patience_ms
    assert patience is not None
    assert DAY_MS < patience < 32 * HOUR_MS


def test_work_days_are_told_from_the_weekend() -> None:
    rng = random.Random(3)
    days = [day for day in range(60) if (BORN_MS // DAY_MS + day + 3) % 7 < 5]
    times = [BORN_MS + day * DAY_MS + round((2 + rng.uniform(-0.5, 0.5)) * HOUR_MS) for day in days]
    _, alarms = heard(times)
    assert alarms == []
    while (times[-1] // DAY_MS + 3) % 7 != 1:
        times.pop()
    rhythm, _ = heard(times)
    patience = habit(rhythm, AFTER_MS).patience_ms  # its last was on a Tuesday
    assert patience is not None
    assert patience < 32 * HOUR_MS


def test_a_new_source_is_given_time_and_one_seen_once_is_never_missed() -> None:
    assert habit(Rhythm.began(BORN_MS), AFTER_MS).patience_ms is None
    steady, _ = heard(range(BORN_MS, BORN_MS + 2 * DAY_MS, 60_000))
    found = habit(steady, AFTER_MS)
    assert found.learning
    assert found.patience_ms == 6 * HOUR_MS


def test_one_outage_does_not_become_a_habit() -> None:
    times = [at_ms for at_ms in range(BORN_MS, BORN_MS + 4 * WEEK_MS, 10 * 60_000) if not 8.0 < (at_ms - BORN_MS) / DAY_MS < 10.0]
    rhythm, _ = heard(times)
    patience = habit(rhythm, AFTER_MS).patience_ms
    assert patience is not None
    assert patience <= 4 * DAY_MS


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3 * SIZE), min_size=1, max_size=40), st.lists(st.integers(0, 3 * SIZE), max_size=40), st.randoms())
def test_merging_is_the_same_in_any_order_and_as_often_as_one_likes(
    mine: list[int], yours: list[int], rng: random.Random
) -> None:
    def rhythm(buckets: list[int]) -> Rhythm:
        made = Rhythm.began(buckets[0] * BUCKET_MS)
        made.hear(buckets, max(buckets) * BUCKET_MS)
        return made

    together = [*mine, *yours]
    want = rhythm(together)
    rng.shuffle(together)
    assert rhythm(together) == want
    left = rhythm(mine)
    if yours:
        left.merge(rhythm(yours))
        right = rhythm(yours)
        right.merge(rhythm(mine))
        assert left == right
        assert not left.merge(right)
    assert left == want
    assert want.bits.bit_length() <= SIZE
    assert Rhythm.unpack(want.pack()) == want.bits
