"""Nothing is committed past a message that is not accounted for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from service.agents.in_order import InOrder, Lane, Taken


def test_nothing_is_committable_before_anything_finished() -> None:
    ledger: InOrder[str] = InOrder()
    ledger.lane("records-0").enter(5)
    assert ledger.committable("records-0") is None
    assert ledger.committable("never seen") is None


def test_a_held_first_offset_holds_all_later_ones() -> None:
    lane = Lane()
    for offset in range(5, 13):
        lane.enter(offset)
    for offset in range(6, 13):
        lane.finish(offset)
    assert lane.next is None, "upstream's issue 606: it committed 12 here"
    lane.finish(5)
    assert lane.next == 13


def test_gaps_in_the_log_hold_nothing_up() -> None:
    lane = Lane()
    for offset in (3, 7, 8, 20):
        lane.enter(offset)
    for offset in (7, 3, 20, 8):
        lane.finish(offset)
    assert lane.next == 21
    assert not lane.waiting
    assert not lane.finished


def test_a_message_that_was_fetched_but_never_handed_on_holds_the_line() -> None:
    lane = Lane()
    for offset in (0, 1, 2):
        lane.enter(offset)
    lane.finish(0)
    lane.finish(2)
    assert lane.next == 1


def test_a_ticket_from_before_a_rebalance_moves_nothing() -> None:
    ledger: InOrder[str] = InOrder()
    old = ledger.lane("p")
    old.enter(10)
    ledger.forget(["p"])
    new = ledger.lane("p")
    new.enter(10)
    new.enter(11)
    old.finish(10)
    assert ledger.committable("p") is None
    assert ledger.untaken() == {"p": 10}
    assert ledger.waiting() == 2
    assert ledger.partitions() == ["p"]


def test_a_message_that_never_arrived_is_noticed_when_the_next_one_is_taken() -> None:
    lane = Lane()
    for offset in (4, 5, 7):
        lane.enter(offset)
    assert lane.take(4) is Taken.NEXT
    assert lane.take(4) is Taken.AGAIN
    assert lane.take(7) is Taken.LOST, "5 was fetched and is not here"
    assert lane.take(5) is Taken.NEXT
    assert lane.take(7) is Taken.NEXT
    assert lane.take(8) is Taken.AGAIN, "never fetched in this lane"


def test_every_rebalance_is_another_epoch() -> None:
    ledger: InOrder[str] = InOrder()
    before = ledger.epoch
    ledger.forget([])
    assert ledger.epoch != before


def test_fetching_an_offset_again_does_not_expect_it_twice() -> None:
    lane = Lane()
    lane.enter(1)
    lane.enter(1)
    lane.enter(0)
    lane.finish(1)
    assert lane.next == 2
    lane.finish(1)
    lane.finish(99)
    assert lane.next == 2


@given(st.data())
def test_any_order_of_finishing_commits_exactly_the_contiguous_prefix(data: st.DataObject) -> None:
    offsets = sorted(data.draw(st.sets(st.integers(0, 200), min_size=1, max_size=60)))
    order = data.draw(st.permutations(offsets))
    lane = Lane()
    for offset in offsets:
        lane.enter(offset)
    done: set[int] = set()
    for offset in order:
        lane.finish(offset)
        done.add(offset)
        prefix = [o for i, o in enumerate(offsets) if all(p in done for p in offsets[: i + 1])]
        assert lane.next == (prefix[-1] + 1 if prefix else None)
    assert not lane.waiting
    assert not lane.finished, "memory is given back"


class Rebalancing(RuleBasedStateMachine):
    """Fetches, finishes and rebalances in any order against the obvious model."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger: InOrder[int] = InOrder()
        self.done: set[int] = set()  # truth: offsets accounted for, ever
        self.committed = 0
        self.position = 0
        self.tickets: list[tuple[Lane, int]] = []

    @rule(count=st.integers(1, 5))
    def fetch(self, count: int) -> None:
        lane = self.ledger.lane(0)
        for _ in range(count):
            lane.enter(self.position)
            self.tickets.append((lane, self.position))
            self.position += 1

    @precondition(lambda self: self.tickets)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        lane, offset = self.tickets.pop(data.draw(st.integers(0, len(self.tickets) - 1)))
        self.done.add(offset)
        lane.finish(offset)

    @rule()
    def commit(self) -> None:
        offset = self.ledger.committable(0)
        if offset is not None:
            self.committed = max(self.committed, offset)

    @rule()
    def rebalance(self) -> None:
        self.ledger.forget([0])
        self.position = self.committed

    @invariant()
    def nothing_below_the_commit_is_unaccounted(self) -> None:
        offset = self.ledger.committable(0) or 0
        assert all(o in self.done for o in range(max(offset, self.committed)))


TestRebalancing = Rebalancing.TestCase
