"""Which leases a list of shards asks for: parents first, children from their beginning, nothing twice, nothing forgotten."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from service.source.kinesis.lease import Checkpoint, Lease
from service.source.kinesis.resharding import HASH_KEYS, Shard, finished, holes, plan, waits_for

END = Checkpoint("SHARD_END")


def shard(name: str, *parents: str, open: bool = True, low: int = 0, high: int = HASH_KEYS - 1) -> Shard:  # noqa: A002
    return Shard(name, parents, str(low), str(high), open)


def lease(name: str, checkpoint: str = "TRIM_HORIZON", **more: object) -> Lease:
    return Lease(stream="s", shard=name, checkpoint=Checkpoint(checkpoint), **more)  # type: ignore[arg-type]


def by_shard(*leases: Lease) -> dict[str, Lease]:
    return {it.shard: it for it in leases}


def planned(shards: list[Shard], leases: dict[str, Lease], start: str) -> list[tuple[str, str]]:
    return [(it.shard, it.checkpoint.sequence) for it in plan("s", shards, leases, start, made_ms=5)]


SPLIT = [shard("p", open=False), shard("a", "p"), shard("b", "p")]


def test_all_there_is_begins_at_the_oldest_ancestor_and_children_at_their_beginning() -> None:
    assert planned(SPLIT, {}, "TRIM_HORIZON") == [
        ("p", "TRIM_HORIZON"),
        ("a", "TRIM_HORIZON"),
        ("b", "TRIM_HORIZON"),
    ]


def test_latest_begins_at_the_open_shards_and_remembers_the_moment() -> None:
    assert planned(SPLIT, {}, "LATEST") == [("a", "LATEST"), ("b", "LATEST")]
    assert {it.accounted_ms for it in plan("s", SPLIT, {}, "LATEST", made_ms=5)} == {5}


def test_at_timestamp_holds_for_ancestors_and_descendants() -> None:
    assert planned(SPLIT, {}, "AT_TIMESTAMP") == [("p", "AT_TIMESTAMP"), ("a", "AT_TIMESTAMP"), ("b", "AT_TIMESTAMP")]


def test_children_of_a_parent_that_was_read_begin_at_their_beginning_whatever_the_start() -> None:
    for start in ("LATEST", "AT_TIMESTAMP", "TRIM_HORIZON"):
        assert planned(SPLIT, by_shard(lease("p", "77")), start) == [("a", "TRIM_HORIZON"), ("b", "TRIM_HORIZON")]


def test_a_reshard_right_after_the_first_sight_skips_nothing() -> None:
    assert planned(SPLIT, by_shard(lease("p", "LATEST")), "LATEST") == [("a", "TRIM_HORIZON"), ("b", "TRIM_HORIZON")]


def test_a_second_worker_that_sees_half_the_leases_of_the_first_does_not_read_history() -> None:
    both = [shard("a"), shard("b")]
    assert planned(both, by_shard(lease("a", "LATEST")), "LATEST") == [("b", "LATEST")]


def test_a_shard_that_appears_without_a_known_ancestor_is_read_from_its_beginning() -> None:
    assert planned([shard("a"), shard("z", "gone")], by_shard(lease("a", "5")), "LATEST") == [("z", "TRIM_HORIZON")]


def test_leases_that_exist_are_not_planned_again() -> None:
    leases = by_shard(lease("p", "SHARD_END"), lease("a"), lease("b"))
    assert planned(SPLIT, leases, "TRIM_HORIZON") == []


def test_a_deleted_parent_does_not_come_back() -> None:
    assert planned(SPLIT, by_shard(lease("a", "5"), lease("b", "6")), "TRIM_HORIZON") == []


def test_a_merge_child_waits_for_both_parents() -> None:
    child = lease("c", parents=("p", "q"))
    leases = {it.key: it for it in (child, lease("p", "SHARD_END"), lease("q", "9"))}
    assert waits_for(child, leases) == ["q"]
    leases["s:q"] = replace(leases["s:q"], checkpoint=END)
    assert waits_for(child, leases) == []


def test_a_parent_nobody_reads_is_not_waited_for() -> None:
    assert waits_for(lease("c", parents=("long gone",)), {}) == []


def test_a_parent_goes_only_when_every_child_is_being_read() -> None:
    parent = lease("p", "SHARD_END", children=("a", "b"))
    assert finished(by_shard(parent, lease("a", "5"), lease("b")), ["p", "a", "b"]) == []
    assert finished(by_shard(parent, lease("a", "5")), ["p", "a", "b"]) == []
    assert finished(by_shard(parent, lease("a", "5"), lease("b", "SHARD_END")), ["p", "a", "b"]) == [parent]


def test_a_lease_goes_when_it_ended_and_its_shard_expired() -> None:
    ended, unread = lease("p", "SHARD_END"), lease("q", "5")
    assert finished(by_shard(ended, unread), []) == [ended]


def test_holes_are_what_no_unfinished_lease_covers() -> None:
    half = HASH_KEYS // 2
    low = lease("a", hash_start="0", hash_end=str(half - 1))
    high = lease("b", hash_start=str(half), hash_end=str(HASH_KEYS - 1))
    assert holes([low, high]) == []
    assert holes([low]) == [(half, HASH_KEYS - 1)]
    assert holes([low, replace(high, checkpoint=END)]) == [(half, HASH_KEYS - 1)]
    assert holes([high]) == [(0, half - 1)]
    assert holes([]) == [(0, HASH_KEYS - 1)]


def reshard(data: st.DataObject, shards: dict[str, Shard]) -> None:
    """Split or merge some open shards."""
    open_ones = sorted((it for it in shards.values() if it.open), key=lambda it: int(it.hash_start))
    if data.draw(st.booleans()):
        parents = [data.draw(st.sampled_from(open_ones))]
        low, high = int(parents[0].hash_start), int(parents[0].hash_end)
        parts = [(low, (low + high) // 2), ((low + high) // 2 + 1, high)]
    else:
        at = data.draw(st.integers(0, len(open_ones) - 1))
        parents = open_ones[at : at + 2]
        parts = [(int(parents[0].hash_start), int(parents[-1].hash_end))]
    for parent in parents:
        shards[parent.id] = replace(parent, open=False)
    for low, high in parts:
        name = str(len(shards))
        shards[name] = shard(name, *(it.id for it in parents), low=low, high=high)


@given(st.data())
def test_after_any_reshards_every_open_shard_has_a_lease_and_a_way_back_to_what_is_read(data: st.DataObject) -> None:
    """Random splits and merges; workers plan at random moments, from whatever they knew."""
    shards: dict[str, Shard] = {"0": shard("0")}
    leases: dict[str, Lease] = {}
    start = data.draw(st.sampled_from(["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"]))
    for _ in range(data.draw(st.integers(1, 12))):
        if data.draw(st.booleans()):
            reshard(data, shards)
        else:
            leases |= by_shard(*plan("s", shards.values(), leases, start, made_ms=1))
    before = dict(leases)
    leases |= by_shard(*plan("s", shards.values(), leases, start, made_ms=1))
    for it in shards.values():
        if it.open:
            assert it.id in leases
    for name, made in leases.items():
        if name in before:
            continue
        known_parents = [leases[parent] for parent in shards[name].parents if parent in leases]
        if known_parents and start != "AT_TIMESTAMP":
            assert made.checkpoint.sequence == "TRIM_HORIZON"
    assert plan("s", shards.values(), leases, start, made_ms=1) == []
