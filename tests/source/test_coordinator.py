"""Workers over one lease table and a simulated clock: never two that act, never a checkpoint of one that lost."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from service.errors import Backpressure, LeaseLost
from service.local.kinesis import TurningClock
from service.source.kinesis.balance import choose
from service.source.kinesis.coordinator import LeaseCoordinator
from service.source.kinesis.lease import Checkpoint, Lease
from tests.source.memory_leases import MemoryLeases


def lease(number: int) -> Lease:
    return Lease(stream="s", shard=f"shard-{number}", checkpoint=Checkpoint("TRIM_HORIZON"))


class World:
    def __init__(self, leases: int) -> None:
        self.clock = TurningClock(0, frozen=True)
        self.table = MemoryLeases()
        self.table.rows = {lease(number).key: lease(number) for number in range(leases)}
        self.workers: dict[str, LeaseCoordinator] = {}

    def worker(self, name: str) -> LeaseCoordinator:
        made = LeaseCoordinator(self.table, name, self.clock, rng=random.Random(name))
        self.workers[name] = made
        return made

    async def step(self, *names: str, seconds: float = 3.0) -> None:
        """Time passes; the named workers do what their loops do, handing over at once what is asked of them."""
        self.clock.advance(seconds)
        for name in names or list(self.workers):
            worker = self.workers[name]
            await worker.renew()
            for key in worker.held:
                if worker.leaving(key):
                    await worker.release(key)
            try:
                await worker.observe()
            except Backpressure:
                continue
            await worker.take()

    def counts(self) -> dict[str, int]:
        return {name: sum(worker.holds(key) for key in self.table.rows) for name, worker in self.workers.items()}


async def test_one_worker_takes_all_there_is() -> None:
    world = World(4)
    world.worker("a")
    await world.step()
    assert world.counts() == {"a": 4}


async def test_a_second_worker_gets_its_half_without_anybody_losing_work() -> None:
    world = World(6)
    a = world.worker("a")
    await world.step()
    world.worker("b")
    await world.step()
    await world.step()  # now b has seen that a lives
    assert world.counts() == {"a": 6, "b": 0}  # asked for, not torn away
    await world.step("a")
    assert not any(a.leaving(key) for key in a.held)
    await world.step()
    assert world.counts() == {"a": 3, "b": 3}


async def test_many_workers_even_out() -> None:
    world = World(10)
    for name in "abcd":
        world.worker(name)
    for _ in range(30):
        await world.step()
    assert sorted(world.counts().values()) == [2, 2, 3, 3]
    taken = {key: row.owner for key, row in world.table.rows.items()}
    for _ in range(5):
        await world.step()
    assert {key: row.owner for key, row in world.table.rows.items()} == taken  # and then nothing moves


async def test_a_dead_workers_leases_are_taken_after_the_failover_time_and_not_before() -> None:
    world = World(4)
    world.worker("dead")
    await world.step("dead")
    world.worker("heir")
    await world.step("heir", seconds=0)
    await world.step("heir", seconds=9.9)
    assert world.counts()["heir"] == 0
    await world.step("heir", seconds=0.2)
    assert world.counts() == {"dead": 0, "heir": 4}


async def test_a_zombie_that_wakes_up_is_fenced() -> None:
    world = World(1)
    zombie, heir = world.worker("zombie"), world.worker("heir")
    await world.step("zombie")
    (key,) = zombie.held
    await zombie.checkpoint(key, Checkpoint("5"), None)
    await world.step("heir", seconds=0)
    await world.step("heir", seconds=60)
    await heir.checkpoint(key, Checkpoint("9"), None)
    assert not zombie.holds(key)
    with pytest.raises(LeaseLost):
        await zombie.checkpoint(key, Checkpoint("7"), None)
    assert await zombie.renew() == [key]
    assert world.table.rows[key].checkpoint == Checkpoint("9")


async def test_a_zombie_whose_clock_stood_still_is_fenced_by_the_counter() -> None:
    world = World(1)
    zombie = world.worker("zombie")
    await world.step("zombie")
    (key,) = zombie.held
    other = LeaseCoordinator(world.table, "heir", TurningClock(0, frozen=True), rng=random.Random(1))
    await other.observe()
    other._clock.advance(11)  # type: ignore[attr-defined]
    await other.take()
    assert zombie.holds(key)  # by its own clock nothing happened
    with pytest.raises(LeaseLost):
        await zombie.checkpoint(key, Checkpoint("7"), None)
    assert world.table.rows[key].checkpoint.is_start


async def test_a_worker_that_cannot_renew_stops_before_anybody_takes_over() -> None:
    world = World(1)
    a = world.worker("a")
    await world.step()
    (key,) = a.held
    world.table.away = True
    await world.step(seconds=9)
    assert a.holds(key)
    world.clock.advance(1.1)
    assert not a.holds(key)
    with pytest.raises(LeaseLost):
        await a.checkpoint(key, Checkpoint("7"), None)
    world.table.away = False
    await world.step()
    assert a.holds(key)  # nobody wanted it meanwhile


async def test_a_lost_answer_loses_no_lease() -> None:
    world = World(1)
    a = world.worker("a")
    await world.step()
    (key,) = a.held
    world.table.lose_answers = 1
    with pytest.raises(Backpressure):
        await a.checkpoint(key, Checkpoint("5"), None)
    await a.checkpoint(key, Checkpoint("6"), None)
    assert world.table.rows[key].checkpoint == Checkpoint("6")
    world.table.lose_answers = 1
    assert await a.renew() == []
    assert await a.renew() == []


async def test_a_taking_whose_answer_was_lost_is_found_out() -> None:
    world = World(1)
    a = world.worker("a")
    world.table.lose_answers = 1
    await world.step()
    assert a.held == {}
    await world.step()
    assert world.counts() == {"a": 1}


async def test_a_thief_waits_for_the_previous_owner_until_the_limit() -> None:
    world = World(2)
    slow = world.worker("slow")
    await world.step()
    world.worker("thief")
    await world.step("thief")
    assert not any(row.in_handoff for row in world.table.rows.values())  # it might be dead, for all the thief knows
    await slow.renew()
    await world.step("thief")
    promised = [row.key for row in world.table.rows.values() if row.in_handoff]
    assert len(promised) == 1
    for _ in range(9):  # renews, but never hands over
        world.clock.advance(3)
        await slow.renew()
        await world.step("thief", seconds=0)
    assert slow.leaving(promised[0])
    await slow.checkpoint(promised[0], Checkpoint("5"), None)
    assert world.counts()["thief"] == 0
    for _ in range(2):
        world.clock.advance(3)
        await slow.renew()
        await world.step("thief", seconds=0)
    assert world.counts()["thief"] == 1
    with pytest.raises(LeaseLost):
        await slow.checkpoint(promised[0], Checkpoint("6"), None)
    assert world.table.rows[promised[0]].checkpoint == Checkpoint("5")


async def test_a_lease_whose_reader_hangs_goes_to_somebody_else() -> None:
    world = World(1)
    stuck, other = world.worker("stuck"), world.worker("other")
    await world.step("stuck")
    (key,) = stuck.held
    lost: list[str] = []
    for _ in range(5):
        world.clock.advance(3)
        lost += await stuck.renew(lambda _: False)
        await stuck.observe()
        await stuck.take()
        await other.observe()
        await other.take()
    assert lost == [key]
    assert world.counts() == {"stuck": 0, "other": 1}


async def test_a_shard_that_ended_is_nobodys() -> None:
    world = World(1)
    a = world.worker("a")
    await world.step()
    (key,) = a.held
    await a.end_shard(key, ["child"])
    await world.step()
    assert a.held == {}
    stored = world.table.rows[key]
    assert (stored.checkpoint.sequence, stored.children, stored.owner) == ("SHARD_END", ("child",), None)


async def test_a_released_lease_is_taken_at_once() -> None:
    world = World(1)
    a = world.worker("a")
    world.worker("b")
    await world.step("a")
    (key,) = a.held
    await a.release(key)
    await a.release(key)  # harmless
    await world.step("b", seconds=0)
    assert world.counts() == {"a": 0, "b": 1}


async def test_progress_is_written_with_the_renewal() -> None:
    world = World(1)
    a = world.worker("a")
    await world.step()
    (key,) = a.held
    a.note_progress(key, 123, "polling")
    await a.renew()
    assert world.table.rows[key].accounted_ms == 123
    a.note_progress(key, 5, None)
    await a.renew()
    assert world.table.rows[key].accounted_ms == 123


async def test_leases_of_streams_that_are_not_ours_stay_alone() -> None:
    world = World(2)
    a = world.worker("a")
    await a.observe()
    assert [it.shard for it in await a.take(lambda it: it.shard == "shard-1")] == ["shard-1"]


def test_nobody_steals_when_it_would_only_swap_places() -> None:
    leases = [lease(0).taken("a"), lease(1).taken("a"), lease(2).taken("b")]
    assert choose(leases, "b", set(), random.Random(1)).steal == []


class Cluster(RuleBasedStateMachine):
    """Any interleaving of steps, pauses, outages and lost answers."""

    @initialize(leases=st.integers(1, 6), workers=st.integers(2, 4))
    def begin(self, leases: int, workers: int) -> None:
        self.loop = asyncio.new_event_loop()
        self.world = World(leases)
        for number in range(workers):
            self.world.worker(f"w{number}")
        self.written: dict[str, int] = {}
        self.sequence = 0

    def run(self, work: Coroutine[Any, Any, object]) -> object:
        return self.loop.run_until_complete(work)

    @rule(data=st.data(), seconds=st.sampled_from([0.0, 0.5, 3.0, 3.3]))
    def some_worker_steps(self, data: st.DataObject, seconds: float) -> None:
        self.run(self.world.step(data.draw(st.sampled_from(sorted(self.world.workers))), seconds=seconds))

    @rule(seconds=st.sampled_from([3.0, 9.0, 10.0, 11.0, 40.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.clock.advance(seconds)

    @rule(away=st.booleans())
    def the_table_comes_and_goes(self, away: bool) -> None:
        self.world.table.away = away

    @rule()
    def an_answer_will_be_lost(self) -> None:
        self.world.table.lose_answers = 1

    @rule(data=st.data())
    def some_worker_checkpoints_whatever_it_believes_to_hold(self, data: st.DataObject) -> None:
        worker = self.world.workers[data.draw(st.sampled_from(sorted(self.world.workers)))]
        held = sorted(worker.held)
        if not held:
            return
        key = data.draw(st.sampled_from(held))
        writer = self.world.table.rows[key].writer
        self.sequence += 1
        try:
            self.run(worker.checkpoint(key, Checkpoint(str(self.sequence)), None))
        except (LeaseLost, Backpressure):
            return
        assert writer == worker.worker
        self.written[key] = self.sequence

    @rule(data=st.data())
    def a_process_is_replaced(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.world.workers)))
        del self.world.workers[name]
        self.world.worker(f"{name}'")

    @invariant()
    def never_two_that_act(self) -> None:
        if not hasattr(self, "world"):
            return
        for key in self.world.table.rows:
            acting = [it.worker for it in self.world.workers.values() if it.holds(key) and not it.leaving(key)]
            assert len(acting) <= 1, (key, acting)

    @invariant()
    def checkpoints_stay(self) -> None:
        for key, sequence in getattr(self, "written", {}).items():
            stored = self.world.table.rows[key].checkpoint
            assert stored.rank >= Checkpoint(str(sequence)).rank

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.world.table.away = False
        self.world.table.lose_answers = 0
        for _ in range(40):
            self.run(self.world.step())
        owners = Counter(row.owner for row in self.world.table.rows.values())
        assert set(owners) <= set(self.world.workers), "a shard is orphaned"
        assert sum(self.world.counts().values()) == len(self.world.table.rows)
        even = len(self.world.table.rows) // len(self.world.workers)
        assert all(even <= count <= even + 1 for count in self.world.counts().values()), self.world.counts()
        self.loop.close()


TestCluster = Cluster.TestCase
TestCluster.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
