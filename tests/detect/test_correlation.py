"""Correlations as a state machine: any order, any repetition, any restart; and what their rules mean."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.detect.correlation import Correlator, Fired, More, Occurrence, State
from service.detect.correlation_rule import AllOf, AnyOf, Correlation, Kind, Operator
from service.detect.rule import About
from service.errors import Place

ABOUT = About("c", "A correlation", Place("c.yml", 1))
SPAN = 10


def correlation(
    kind: str, count: float = 3, *, rules: Sequence[str] = ("a",), operator: str = "gte", **more: Any
) -> Correlation:  # fmt: skip
    return Correlation(ABOUT, cast("Kind", kind), tuple(rules), SPAN, ("user",), cast("Operator", operator), count, **more)


def run(machine: Correlator, occurrences: Iterable[Occurrence]) -> tuple[list[Fired], State]:
    """All firings; the state goes through JSON after every step, as it does in a table."""
    state: State | None = None
    fired: list[Fired] = []
    for each in occurrences:
        state, told = machine.take(state, "g", each)
        state = json.loads(json.dumps(state))
        fired += [one for one in told if isinstance(one, Fired)]
    assert state is not None
    return fired, state


def at(*times: int, rule: str = "a", value: str | float | None = None) -> list[Occurrence]:
    return [Occurrence(rule, time, f"i/{rule}{time}{value}", value) for time in times]


def test_the_third_event_within_the_timespan_fires_once() -> None:
    machine = Correlator(correlation("event_count"))
    fired, _ = run(machine, at(0, 5, 11))
    assert fired == []
    (one,), _ = run(machine, at(0, 5, 10, 12, 15, 20))
    assert (one.first_ms, one.last_ms, one.events, one.late) == (0, 10, 3, False)
    assert one.refs == ("i/a0None", "i/a5None", "i/a10None")


def test_what_comes_within_a_timespan_of_a_firing_belongs_to_it() -> None:
    machine = Correlator(correlation("event_count"))
    state: State | None = None
    for each in at(0, 1, 2):
        state, told = machine.take(state, "g", each)
    (fired,) = told
    assert isinstance(fired, Fired)
    state, told = machine.take(state, "g", at(12)[0])
    assert told == [More(fired.id, 12, "i/a12None")]
    assert machine.take(state, "g", at(13)[0])[1] == []


def test_a_repeated_event_counts_once() -> None:
    machine = Correlator(correlation("event_count"))
    assert run(machine, at(0, 1, 1, 0, 1))[0] == []
    assert len(run(machine, [*at(0, 1), *at(0, 1), *at(2)])[0]) == 1


def test_an_event_that_two_base_rules_match_is_one_event() -> None:
    machine = Correlator(correlation("event_count", rules=("a", "b")))
    both = [Occurrence(rule, time, f"i/{time}") for time in (0, 1) for rule in ("a", "b")]
    assert run(machine, both)[0] == []


def test_a_late_event_fires_and_is_called_late() -> None:
    machine = Correlator(correlation("event_count"))
    (one,), _ = run(machine, at(0, 2, 5_000_000, 1))
    assert (one.first_ms, one.last_ms, one.late) == (0, 2, True)
    (soon,), _ = run(machine, at(0, 2, 8, 1)[:3] + at(1))
    assert not soon.late


def test_a_partition_that_lags_by_days_still_finds_its_own() -> None:
    machine = Correlator(correlation("event_count"))
    day = 86_400_000
    fired, _ = run(machine, [*at(9 * day), *at(0), *at(9 * day + 20), *at(1), *at(9 * day + 40), *at(2)])
    assert [one.last_ms for one in fired] == [2]


@pytest.mark.parametrize(("operator", "count", "needed"), [("gte", 3, 3), ("gt", 3, 4), ("eq", 3, 3)])
def test_operators(operator: str, count: int, needed: int) -> None:
    machine = Correlator(correlation("event_count", count, operator=operator))
    assert run(machine, at(*range(needed - 1)))[0] == []
    assert len(run(machine, at(*range(needed)))[0]) == 1


def test_value_count_counts_different_values_and_keeps_few_events_of_the_same() -> None:
    machine = Correlator(correlation("value_count"))
    same = [Occurrence("a", time, f"i/{time}", "x") for time in range(100)]
    fired, state = run(machine, same)
    assert fired == []
    assert len(state["events"]) < 25
    (one,), _ = run(machine, [*same, *at(95, value="y"), *at(97, value="z")])
    assert one.events >= 3
    assert run(machine, at(0, 1, 2, value=None))[0] == []


def test_temporal_wants_all_rules_in_any_order_or_what_its_expression_says() -> None:
    rules = ("a", "b", "c")
    machine = Correlator(correlation("temporal", rules=rules))
    assert len(run(machine, [*at(5, rule="c"), *at(3, rule="a"), *at(9, rule="b")])[0]) == 1
    assert run(machine, [*at(5, rule="c"), *at(3, rule="a"), *at(14, rule="b")])[0] == []
    either = Correlator(correlation("temporal", rules=rules, expression=AllOf(("a", AnyOf(("b", "c"))))))
    assert len(run(either, [*at(5, rule="c"), *at(3, rule="a")])[0]) == 1
    assert run(either, [*at(5, rule="c"), *at(3, rule="b")])[0] == []


def test_temporal_ordered_wants_their_order_by_the_events_own_times() -> None:
    machine = Correlator(correlation("temporal_ordered", 2, rules=("a", "b")))
    assert run(machine, [*at(5, rule="a"), *at(3, rule="b")])[0] == []
    assert len(run(machine, [*at(5, rule="b"), *at(3, rule="a")])[0]) == 1
    # Sources that tell time by the second do not say which of two was first.
    assert len(run(machine, [*at(5, rule="b"), *at(5, rule="a")])[0]) == 1


@pytest.mark.parametrize(
    ("kind", "values", "fires"),
    [
        ("value_sum", [1, 1, 0.5], False),
        ("value_sum", [1, 1, 1], True),
        ("value_avg", [2, 3, 2.5], False),
        ("value_avg", [2, 3, 4.5], True),
        ("value_median", [1, 2, 9], False),
        ("value_median", [1, 3, 9], True),
        ("value_percentile", [0, 0, 0, 0, 0, 0, 0, 0, 0, 9], False),
        ("value_percentile", [0, 0, 0, 0, 0, 0, 0, 0, 5, 9], True),
        ("value_sum", [None, "x"], False),
    ],
)
def test_measures(kind: str, values: list[Any], fires: bool) -> None:
    machine = Correlator(correlation(kind, 3, percentile=90))
    occurrences = [Occurrence("a", 0, f"i/{number}", value) for number, value in enumerate(values)]
    # Measures go up and down as events come: only whether all together fire is asked here.
    before = [[0, each.ref, 0, each.value] for each in occurrences[:-1]]
    state: State = {"newest": 0, "events": before, "covered": [], "until": -1}
    assert any(isinstance(one, Fired) for one in machine.take(state, "g", occurrences[-1])[1]) is fires


def test_a_flood_leaves_a_small_state() -> None:
    machine = Correlator(correlation("event_count", 10_000))
    fired, state = None, None
    for number in range(60_000):
        state, told = machine.take(state, "g", Occurrence("a", number * 11, f"i/{number}"))
        fired = fired or told
    assert not fired
    assert state is not None
    assert len(state["events"]) <= 41_000
    wide = Correlator(correlation("event_count", 2))
    for number in range(20_000):
        state, _ = wide.take(None if number == 0 else state, "g", Occurrence("a", number, f"i/{number}"))
    assert len(json.dumps(state)) < 20_000


def test_the_state_may_go_once_nothing_can_need_it() -> None:
    machine = Correlator(correlation("event_count"), lateness_ms=1000)
    _, state = run(machine, at(50, 7))
    assert machine.expires_ms(state) == 50 + SPAN + 1000


def test_the_same_firing_has_the_same_id_and_another_group_another() -> None:
    machine = Correlator(correlation("event_count", 1))
    event = at(7)[0]
    ids = {told.id for group in ("g", "g", "h") for told in machine.take(None, group, event)[1]}
    assert len(ids) == 2


events = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from(("a", "b", "c")), st.sampled_from(("x", "y", "z", "w"))),
    min_size=1,
    max_size=14,
    unique=True,
)
Meaning = Callable[[Sequence[Occurrence]], bool]


def _ordered(window: Sequence[Occurrence]) -> bool:
    firsts = [[each.time_ms for each in window if each.rule == rule] for rule in ("a", "b", "c")]
    return any(a <= b <= c for a in firsts[0] for b in firsts[1] for c in firsts[2])


MEANINGS: dict[str, tuple[Correlation, Meaning]] = {
    "event_count": (correlation("event_count", rules=("a", "b", "c")), lambda w: len({each.ref for each in w}) >= 3),
    "value_count": (correlation("value_count", rules=("a", "b", "c")), lambda w: len({each.value for each in w}) >= 3),
    "temporal": (correlation("temporal", rules=("a", "b", "c")), lambda w: len({each.rule for each in w}) >= 3),
    "temporal_ordered": (correlation("temporal_ordered", rules=("a", "b", "c")), _ordered),
}


@pytest.mark.parametrize("kind", MEANINGS)
@given(drawn=events, again=st.lists(st.integers(0, 13), max_size=8), shuffle=st.randoms(use_true_random=False))
def test_in_any_order_and_with_repetitions_exactly_the_windows_that_exist_are_covered(
    kind: str, drawn: list[tuple[int, str, str]], again: list[int], shuffle: Any
) -> None:
    rule, meaning = MEANINGS[kind]
    occurrences = [Occurrence(name, time, f"i/{time}{name}{value}", value) for time, name, value in drawn]
    sent = [*occurrences, *(occurrences[number % len(occurrences)] for number in again)]
    shuffle.shuffle(sent)
    fired, state = run(Correlator(rule), sent)
    for one in fired:  # nothing fires without reason
        inside = [each for each in occurrences if one.first_ms <= each.time_ms <= one.last_ms]
        assert one.last_ms - one.first_ms <= SPAN
        assert meaning(inside)
    for size in (3,):  # and no reason goes unnoticed: what would do it is covered by a firing
        for window in combinations(occurrences, size):
            times = [each.time_ms for each in window]
            if max(times) - min(times) <= SPAN and meaning(window):
                assert any(span[0] <= time <= span[1] for span in state["covered"] for time in times)
