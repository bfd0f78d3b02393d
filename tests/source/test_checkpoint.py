"""The checkpoint covers what is safe without a gap, and never moves back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.source.kinesis.checkpoint import CheckpointTracker
from service.source.kinesis.lease import Checkpoint

START = Checkpoint("TRIM_HORIZON")


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_whatever_the_order_of_acknowledgements_only_the_contiguous_prefix_is_safe(sizes: list[int], rng) -> None:  # type: ignore[no-untyped-def]
    tracker = CheckpointTracker(START)
    handed = [tracker.hand(Checkpoint(str(number), 0), size, number) for number, size in enumerate(sizes)]
    order = list(range(len(sizes)))
    rng.shuffle(order)
    settled: set[int] = set()
    for number in order:
        tracker.settle(handed[number])
        settled.add(number)
        prefix = next((n for n in range(len(sizes)) if n not in settled), len(sizes))
        assert tracker.safe == (Checkpoint(str(prefix - 1), 0) if prefix else START)
        assert tracker.accounted_ms == (prefix - 1 if prefix else None)
        assert tracker.in_flight == len(sizes) - prefix
        assert tracker.in_flight_bytes == sum(size for n, size in enumerate(sizes) if n not in settled)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 3)), max_size=30))
def test_late_records_never_take_the_checkpoint_back(positions: list[tuple[int, int]]) -> None:
    tracker = CheckpointTracker(START)
    reached = tracker.safe.rank
    for sequence, subsequence in positions:
        tracker.settle(tracker.hand(Checkpoint(str(sequence), subsequence), 1))
        assert tracker.safe.rank >= reached
        reached = tracker.safe.rank


def test_what_is_not_certain_moves_nothing_until_it_is_vouched_for_and_all_in_flight_is_safe() -> None:
    tracker = CheckpointTracker(START)
    ahead, late = tracker.hand(None, 1), tracker.hand(None, 1)
    tracker.settle(ahead)
    assert tracker.safe == START
    tracker.vouch(Checkpoint("9"), 100)
    assert tracker.safe == START
    tracker.settle(late)
    assert (tracker.safe, tracker.accounted_ms, tracker.in_flight) == (Checkpoint("9"), 100, 0)


def test_settling_twice_changes_nothing() -> None:
    tracker = CheckpointTracker(START)
    first, second = tracker.hand(Checkpoint("1"), 10), tracker.hand(Checkpoint("2"), 10)
    assert not tracker.settle(second)
    assert not tracker.settle(second)
    assert tracker.in_flight_bytes == 10
    assert tracker.settle(first)
    assert tracker.in_flight_bytes == 0


def test_idleness_counts_only_when_nothing_is_on_its_way() -> None:
    tracker = CheckpointTracker(START)
    handed = tracker.hand(Checkpoint("1"), 10, 100)
    tracker.idle(500)
    assert tracker.accounted_ms is None
    tracker.settle(handed)
    tracker.idle(500)
    assert tracker.accounted_ms == 500
    tracker.idle(400)
    assert tracker.accounted_ms == 500


def test_positions_are_compared_as_numbers() -> None:
    ordered = [START, Checkpoint("9"), Checkpoint("10"), Checkpoint("10", 1), Checkpoint("SHARD_END")]
    assert sorted(ordered, key=lambda it: it.rank) == ordered
