"""How far what arrived has got, by looks at the topics and the collectors' word."""

from __future__ import annotations

from service.silence.passage import FRESH_MS, MARKS, UNACKNOWLEDGED_MS, Passage, Position, Reading

STREAM = ("shop", "prod", "audit")
MINUTE = 60_000


def looked(passage: Passage, at_ms: int, records: tuple[int, int], flow: tuple[int, int]) -> int | None:
    passage.look(at_ms, [Position("records", 0, *records), Position("raw.aws.vpcflow", 0, *flow)])
    return passage.processed(["aws.vpcflow"])


def passage() -> Passage:
    return Passage("records", "raw.")


def test_topics_that_are_read_to_their_end_let_everything_through() -> None:
    assert looked(passage(), MINUTE, (5, 5), (7, 7)) == MINUTE


def test_what_waits_in_front_of_routing_holds_every_dataset() -> None:
    made = passage()
    assert looked(made, MINUTE, (5, 9), (7, 7)) is None
    assert looked(made, 2 * MINUTE, (8, 20), (7, 7)) is None
    # What was there at the first look is routed now, and the second look at the dataset's topic finds it read.
    assert looked(made, 3 * MINUTE, (9, 30), (7, 7)) == MINUTE


def test_a_dataset_that_stands_still_holds_only_itself() -> None:
    made = passage()
    made.look(MINUTE, [Position("records", 0, 5, 5), Position("raw.a.b", 0, 1, 4), Position("raw.c.d", 0, 4, 4)])
    assert made.processed(["a.b"]) is None
    assert made.processed(["c.d"]) == MINUTE
    assert made.processed(["a.b", "c.d"]) is None
    made.look(2 * MINUTE, [Position("records", 0, 6, 6), Position("raw.a.b", 0, 4, 9), Position("raw.c.d", 0, 5, 5)])
    assert made.processed(["a.b"]) == MINUTE
    assert made.processed(["c.d"]) == 2 * MINUTE


def test_every_partition_counts() -> None:
    made = passage()
    made.look(MINUTE, [Position("records", 0, 5, 5), Position("records", 1, 0, 1), Position("raw.a.b", 0, 4, 4)])
    assert made.processed(["a.b"]) is None


def test_a_dataset_nobody_looked_at_is_not_known() -> None:
    made = passage()
    made.look(MINUTE, [Position("records", 0, 5, 5)])
    assert made.processed(["a.b"]) is None


def test_looks_are_bounded_while_we_are_behind_and_still_tell_in_the_end() -> None:
    made = passage()
    for minute in range(1, 10 * MARKS):
        assert looked(made, minute * MINUTE, (0, minute), (0, 0)) is None
    assert len(made._records._marks) <= MARKS + 1
    assert looked(made, 10 * MARKS * MINUTE, (10 * MARKS, 10 * MARKS), (0, 0)) == 10 * MARKS * MINUTE


def test_a_stream_is_read_as_far_as_its_slowest_shard_and_only_when_all_are() -> None:
    made = passage()
    assert made.collected(STREAM, 0) == "no collector reads the stream"
    made.read("a", 10 * MINUTE, STREAM, Reading(9 * MINUTE, 1, 2))
    assert made.collected(STREAM, 10 * MINUTE) == "not all 2 shards are read"
    made.read("b", 10 * MINUTE, STREAM, Reading(8 * MINUTE, 1, 2))
    assert made.collected(STREAM, 10 * MINUTE) == 8 * MINUTE - UNACKNOWLEDGED_MS
    assert made.collected(STREAM, 10 * MINUTE + FRESH_MS) == "no collector reads the stream"


def test_why_a_stream_is_not_read_is_passed_on() -> None:
    made = passage()
    made.read("a", MINUTE, STREAM, Reading(0, 0, 1, "AccessDeniedException"))
    assert made.collected(STREAM, MINUTE) == "AccessDeniedException"
