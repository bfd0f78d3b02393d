"""Which pushed events are certain, and where a subscription begins again."""

from __future__ import annotations

from service.source.kinesis.client import StartAt
from service.source.kinesis.push_order import PushOrder
from service.source.kinesis.wire import SubscriptionEvent, WireRecord

START = StartAt("TRIM_HORIZON")


def event(*numbers: int, told: int | None = None) -> SubscriptionEvent:
    records = [
        WireRecord(sequence_number=str(number), partition_key="k", data=b"", approximate_arrival_timestamp=0.0)
        for number in numbers
    ]
    told = numbers[-1] if told is None else told
    return SubscriptionEvent(records=records, continuation_sequence_number=str(told), millis_behind_latest=0)


def after(number: int) -> StartAt:
    return StartAt("AFTER_SEQUENCE_NUMBER", str(number))


def subscribed() -> PushOrder:
    order = PushOrder(START)
    order.subscribed()
    return order


def test_an_event_is_certain_once_the_next_lies_beyond_it() -> None:
    order = subscribed()
    order.take(event(1, 2))
    assert order.resume == START
    assert order.take(event(3, 4))
    assert order.resume == after(2)


def test_an_empty_event_makes_the_one_before_it_certain() -> None:
    order = subscribed()
    order.take(event(1, 2))
    assert order.take(event(told=2))
    assert order.resume == after(2)


def test_a_late_event_leaves_the_one_that_overtook_it_uncertain() -> None:
    order = subscribed()
    order.take(event(1, 2))
    order.take(event(5, 6))
    assert not order.take(event(3, 4))
    assert order.resume == after(2)
    assert order.take(event(7))
    assert order.resume == after(6)


def test_the_same_event_twice_proves_nothing() -> None:
    order = subscribed()
    order.take(event(1, 2))
    assert not order.take(event(1, 2))
    assert order.resume == START


def test_an_event_that_an_empty_one_overtook_is_read_again_from_before_both() -> None:
    order = subscribed()
    order.take(event(1, 2))
    order.take(event(told=9))
    assert order.resume == after(2)
    assert not order.take(event(3, 4))
    assert order.resume == after(2)


def test_a_subscription_that_begins_as_the_last_one_did_makes_it_certain_and_brings_nothing_twice() -> None:
    order = subscribed()
    order.take(event(1, 2))
    order.take(event(5, 6))
    order.subscribed()
    again = event(5, 6, 7)
    assert [record.sequence_number for record in order.unseen(again.records)] == ["7"]
    assert order.take(again)
    assert order.resume == after(6)


def test_a_subscription_that_brings_what_was_overtaken_is_heard_out() -> None:
    order = subscribed()
    order.take(event(1, 2))
    order.take(event(5, 6))
    order.subscribed()
    again = event(3, 4, 5, 6)
    assert [record.sequence_number for record in order.unseen(again.records)] == ["3", "4"]
    assert not order.take(again)
    assert order.resume == after(2)
    assert order.take(event(7))
    assert order.resume == after(6)


def test_what_came_again_in_part_is_taken_again() -> None:
    order = subscribed()
    order.take(event(5, 6))
    order.subscribed()
    again = event(5)
    assert order.unseen(again.records) == again.records


def test_positions_that_never_make_sense_do_not_hold_a_shard_for_ever() -> None:
    order = subscribed()
    order.take(event(1, 2))
    certain = [order.take(event(told=0)) for _ in range(20)]
    assert certain.index(True) == 16
    assert order.resume == after(2)


def test_latest_is_asked_for_once() -> None:
    order = PushOrder(StartAt("LATEST"))
    order.subscribed()
    assert order.take(event(told=4))
    assert order.resume == after(4)
